"""Reads handwritten digits with the network that model-train/pytorch-gpu trains.

The service needs neither PyTorch nor a GPU: the network is small, and model.json holds its weights.

A request is {"pixels": [64 numbers from 0 to 16]}, row by row, or {"instances": [[...], ...]} for
many images at once. The answer has one digit per image.
"""

import json
import math

PIXELS = 64
MOST_INSTANCES = 1000


def load(folder):
    path = folder / "model.json"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; deploy with a model: kaos serve deploy -m <model id>")
    model = json.loads(path.read_text(encoding="utf-8"))
    if model.get("kind") != "digits-network" or model.get("version") != 1:
        raise SystemExit(f"{path} is not a model of templates/pytorch-gpu/model-train")
    return model


def predict(model, request):
    """The digits in the request's images; ValueError says what is wrong with it."""
    return [read_digit(model, image) for image in images_of(model, request)]


def images_of(model, request):
    if not isinstance(request, dict) or ("pixels" in request) == ("instances" in request):
        raise ValueError('send {"pixels": [64 numbers]} or {"instances": [[64 numbers], ...]}')
    if "pixels" in request:
        return [checked(model, request["pixels"], "pixels")]
    instances = request["instances"]
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        raise ValueError(f"instances must be a list of 1 to {MOST_INSTANCES} images")
    return [checked(model, image, f"instances[{i}]") for i, image in enumerate(instances)]


def checked(model, image, name):
    if not isinstance(image, list) or len(image) != PIXELS:
        raise ValueError(f"{name} must be a list of {PIXELS} numbers")
    white = model["white"]
    for i, value in enumerate(image):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value <= white:
            raise ValueError(f"{name}[{i}] must be a number from 0 to {white}")
    return image


def read_digit(model, image):
    lights = [value / model["white"] for value in image]
    inner = [max(0.0, value) for value in layer(model["inner"], lights)]
    scores = layer(model["outer"], inner)
    return scores.index(max(scores))


def layer(weights, values):
    return [
        math.fsum([weight * value for weight, value in zip(row, values)]) + bias
        for row, bias in zip(weights["weights"], weights["bias"])
    ]
