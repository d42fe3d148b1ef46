"""Reading the inputs, and a small neural network in plain Python.

The network has one hidden layer: pixels -> ReLU -> softmax. It needs no package, so it trains
wherever Python runs. Sums are made with math.fsum, which gives the same result whatever the Python
version, so the same data, parameters and seed give the same model, byte for byte, on one machine.
"""

import csv
import json
import math
import random
from pathlib import Path

CLASSES = 10
PIXELS = 64
WHITE = 16


def read_params(own, hyper):
    """The bundle's own parameters, overlaid by those of the grid point, if there is one."""
    params = json.loads(own.read_text(encoding="utf-8"))
    points = sorted(hyper.rglob("*.json")) if hyper.is_dir() else []
    point = json.loads(points[0].read_text(encoding="utf-8")) if points else {}
    for name, value in point.items():
        if name not in params:
            raise SystemExit(
                f"{name} is no parameter of this training; it knows {', '.join(sorted(params))}"
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SystemExit(f"{name} must be a number, not {value!r}")
        params[name] = value
    return params


def find_data(root):
    """The folder of the data bundle: the first entry of /pfs/data."""
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    if not folders:
        raise SystemExit(f"there is no data in {root}; deploy it with: kaos train deploy -d <folder>")
    return folders[0]


def read_images(folder):
    """[(label, [(pixel, brightness 0-1), ...]), ...]; dark pixels are left out."""
    images = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                values = [int(value) for value in row]
                if len(values) != PIXELS + 1 or values[0] not in range(CLASSES):
                    raise SystemExit(f"{file.name} has a row that is no label and {PIXELS} pixels")
                bright = [(i, value / WHITE) for i, value in enumerate(values[1:]) if value]
                images.append((values[0], bright))
    if not images:
        raise SystemExit(f"there is no image in {folder}")
    return images


class Network:
    def __init__(self, hidden, rng):
        scale_in, scale_out = math.sqrt(2 / PIXELS), math.sqrt(2 / hidden)
        self.inner = [[rng.gauss(0, scale_in) for _ in range(PIXELS)] for _ in range(hidden)]
        self.inner_bias = [0.0] * hidden
        self.outer = [[rng.gauss(0, scale_out) for _ in range(hidden)] for _ in range(CLASSES)]
        self.outer_bias = [0.0] * CLASSES

    def probabilities(self, image):
        """What each hidden unit says, and how likely each digit is."""
        active = []
        for j, weights in enumerate(self.inner):
            value = math.fsum([weights[i] * light for i, light in image]) + self.inner_bias[j]
            if value > 0:
                active.append((j, value))
        scores = [
            math.fsum([weights[j] * value for j, value in active]) + bias
            for weights, bias in zip(self.outer, self.outer_bias)
        ]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = math.fsum(powers)
        return active, [power / total for power in powers]

    def learn(self, label, image, rate):
        """One step of gradient descent; gives the loss before it."""
        active, likely = self.probabilities(image)
        errors = [p - (digit == label) for digit, p in enumerate(likely)]
        for j, value in active:
            blame = math.fsum([error * row[j] for error, row in zip(errors, self.outer)])
            for error, row in zip(errors, self.outer):
                row[j] -= rate * error * value
            step = rate * blame
            weights = self.inner[j]
            for i, light in image:
                weights[i] -= step * light
            self.inner_bias[j] -= step
        for digit, error in enumerate(errors):
            self.outer_bias[digit] -= rate * error
        return -math.log(max(likely[label], 1e-300))

    def evaluate(self, images):
        """Share of images read rightly, and mean loss."""
        right, losses = 0, []
        for label, image in images:
            likely = self.probabilities(image)[1]
            right += likely.index(max(likely)) == label
            losses.append(-math.log(max(likely[label], 1e-300)))
        return right / len(images), math.fsum(losses) / len(images)

    def as_json(self):
        return {
            "kind": "digits-network",
            "version": 1,
            "white": WHITE,
            "inner": {"weights": self.inner, "bias": self.inner_bias},
            "outer": {"weights": self.outer, "bias": self.outer_bias},
        }


def train(images, params, after_epoch):
    rng = random.Random(params["seed"])
    network = Network(int(params["hidden_units"]), rng)
    order = list(images)
    epochs = int(params["epochs"])
    for epoch in range(1, epochs + 1):
        rng.shuffle(order)
        # The steps get smaller towards the end.
        rate = params["learning_rate"] * (1 - (epoch - 1) / epochs)
        loss = math.fsum([network.learn(label, image, rate) for label, image in order]) / len(order)
        after_epoch(epoch, loss, network)
    return network


def append_json(path, value):
    """A line more; whoever watches the training sees it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(value) + "\n")


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
