"""Estimates house prices with the model that model-train/property-val trains.

A request is {"features": {...}}, with a number for each of the 18 columns by name, or
{"instances": [{...}, ...]} for many houses at once; a house may also be a list of 18 numbers in the
order of COLUMNS. The answer has one price per house.
"""

import math
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import joblib
import numpy
import sklearn

# What the columns are, in their order; model-train/property-val/model/utils.py has the same list.
COLUMNS = [
    "living_area_m2",
    "plot_area_m2",
    "rooms",
    "bedrooms",
    "bathrooms",
    "floors",
    "year_built",
    "year_renovated",
    "condition",
    "energy_kwh_m2",
    "garage_places",
    "garden_m2",
    "centre_km",
    "station_km",
    "school_km",
    "noise_db",
    "income_index",
    "population_density",
]
MOST_INSTANCES = 1000


def load(folder):
    path = folder / "model.joblib"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; deploy with a model: kaos serve deploy -m <model id>")
    stored = joblib.load(path)
    if stored["columns"] != COLUMNS:
        raise SystemExit(f"{path} was trained on other columns than predict.py knows")
    if stored["scikit_learn"] != sklearn.__version__:
        print(
            f"Warning: trained with scikit-learn {stored['scikit_learn']}, "
            f"served with {sklearn.__version__}",
            flush=True,
        )
    return stored["model"]


def predict(model, request):
    """The prices of the request's houses; ValueError says what is wrong with it."""
    houses = numpy.array(houses_of(request), dtype=float)
    built, renovated = COLUMNS.index("year_built"), COLUMNS.index("year_renovated")
    houses[:, renovated] = numpy.maximum(houses[:, built], houses[:, renovated])
    prices = numpy.exp(model.predict(houses))
    if not numpy.isfinite(prices).all():
        raise ValueError("these numbers are too far from any house to give a price")
    return [round(float(price), 2) for price in prices]


def houses_of(request):
    if not isinstance(request, dict) or ("features" in request) == ("instances" in request):
        raise ValueError('send {"features": {...}} or {"instances": [{...}, ...]}')
    if "features" in request:
        return [checked(request["features"], "features")]
    instances = request["instances"]
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        raise ValueError(f"instances must be a list of 1 to {MOST_INSTANCES} houses")
    return [checked(house, f"instances[{i}]") for i, house in enumerate(instances)]


def checked(house, name):
    if isinstance(house, dict):
        missing = [column for column in COLUMNS if column not in house]
        unknown = [column for column in house if column not in COLUMNS]
        if missing or unknown:
            raise ValueError(f"{name}: missing {missing}, unknown {unknown}")
        house = [house[column] for column in COLUMNS]
    if not isinstance(house, list) or len(house) != len(COLUMNS):
        raise ValueError(f"{name} must have the {len(COLUMNS)} numbers {', '.join(COLUMNS)}")
    for column, value in zip(COLUMNS, house):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or abs(value) > 1e9:
            raise ValueError(f"{name}: {column} must be a number")
    return house
