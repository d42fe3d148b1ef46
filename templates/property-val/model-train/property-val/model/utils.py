"""Reading the inputs, and the model: a small neural network of scikit-learn on scaled columns."""

import csv
import json
import warnings

import numpy
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGET = "price"
# What the columns are, in their order; model-serve/property-val/model/predict.py has the same list.
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
        params[name] = value
    return params


def find_data(root):
    """The folder of the data bundle: the first entry of /pfs/data."""
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    if not folders:
        raise SystemExit(f"there is no data in {root}; deploy it with: kaos train deploy -d <folder>")
    return folders[0]


def read_houses(folder):
    """The columns as a matrix, and the prices."""
    houses, prices = [], []
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in [TARGET, *COLUMNS] if name not in (rows.fieldnames or [])]
            if missing:
                raise SystemExit(f"{file.name} lacks the columns {', '.join(missing)}")
            for row in rows:
                houses.append([float(row[name]) for name in COLUMNS])
                prices.append(float(row[TARGET]))
    if not houses:
        raise SystemExit(f"there is no house in {folder}")
    return prepare(numpy.array(houses)), numpy.array(prices)


def prepare(houses):
    """A house that was never renovated (0) is as old as it was built."""
    houses = houses.copy()
    built, renovated = COLUMNS.index("year_built"), COLUMNS.index("year_renovated")
    houses[:, renovated] = numpy.maximum(houses[:, built], houses[:, renovated])
    return houses


def train(houses, prices, params):
    """Learns the logarithm of the price: an error of a tenth weighs the same for every house."""
    network = MLPRegressor(
        hidden_layer_sizes=(int(params["hidden_units"]),) * int(params["hidden_layers"]),
        activation=params["activation"],
        alpha=float(params["alpha"]),
        max_iter=int(params["max_iter"]),
        early_stopping=True,
        n_iter_no_change=25,
        learning_rate_init=0.003,
        random_state=int(params["seed"]),
    )
    model = make_pipeline(StandardScaler(), network)
    with warnings.catch_warnings():
        # max_iter is a parameter; the log says after how many epochs the training stopped.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(houses, numpy.log(prices))
    return model


def evaluate(model, houses, prices, suffix):
    guesses = numpy.exp(model.predict(houses))
    return {
        f"MAE_{suffix}": float(mean_absolute_error(prices, guesses)),
        f"RMSE_{suffix}": float(mean_squared_error(prices, guesses) ** 0.5),
        f"R2_{suffix}": float(r2_score(prices, guesses)),
    }


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
