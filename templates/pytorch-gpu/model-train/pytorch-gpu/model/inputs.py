"""Reading parameters and images, and writing what comes of them. Plain Python."""

import csv
import json

PIXELS = 64
CLASSES = 10
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
    """[(label, [brightness 0-1 of each pixel]), ...]"""
    images = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                values = [int(value) for value in row]
                if len(values) != PIXELS + 1 or values[0] not in range(CLASSES):
                    raise SystemExit(f"{file.name} has a row that is no label and {PIXELS} pixels")
                images.append((values[0], [value / WHITE for value in values[1:]]))
    if not images:
        raise SystemExit(f"there is no image in {folder}")
    return images


def append_json(path, value):
    """A line more; whoever watches the training sees it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(value) + "\n")


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
