"""Estimators: scikit-learn's own checks, searches, pickles, training in parts, early stopping."""

import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from rushlight.sklearn import Classifier, Regressor  # noqa: E402


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def waves(outputs=1):
    x = np.linspace(-3, 3, 120)[:, None]
    return x, np.hstack([np.sin(x + k) for k in range(outputs)])


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_scikit_learns_own_checks_pass(kind):
    results = check_estimator(kind(), on_fail=None, on_skip=None)
    assert len(results) > 45
    faults = {r["check_name"]: str(r["exception"]) for r in results if r["status"] != "passed"}
    # It is asked of those who say that they compute with arrays of any library.
    faults.pop("check_array_api_input", None)
    assert {name: why for name, why in faults.items() if "pandas is not installed" not in why} == {}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_and_classes(iris, dtype):
    x, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = Classifier((16,), lr=0.01, random_state=0).fit(x.astype(dtype), names)
    assert model.score(x, names) > 0.95
    probabilities = model.predict_proba(x.astype(dtype))
    assert probabilities.dtype == dtype
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    assert (model.classes_[probabilities.argmax(1)] == model.predict(x)).all()
    assert len(model.history_["loss"]) == model.n_iter_ == 100
    assert model.history_["loss"][-1] < model.history_["loss"][0] / 3


def test_what_is_drawn_is_the_estimators_own(iris):
    rl.manual_seed(3)
    before = rl.get_rng_state()
    first, second = [Classifier((8,), epochs=2, random_state=5).fit(*iris).predict_proba(iris[0]) for _ in range(2)]
    assert (first == second).all()
    assert (rl.get_rng_state() == before).all()
    other = Classifier((8,), epochs=2, random_state=6).fit(*iris).predict_proba(iris[0])
    assert (first != other).any()


def network(features, outputs):
    return nn.Sequential(nn.Linear(features, 12), nn.Dropout(0.1), nn.Tanh(), nn.Linear(12, outputs))


def test_a_model_of_ones_own_an_optimizer_with_options_and_a_loss():
    x, y = waves(2)
    made = []

    def optimizer(parameters, lr):
        made.append(rl.optim.SGD(parameters, lr=lr, momentum=0.9))
        return made[-1]

    model = Regressor(network, loss="HuberLoss", optimizer=optimizer, lr=0.05, random_state=0).fit(x, y)
    assert type(model.module_[1]) is nn.Dropout
    assert model.predict(x).shape == (120, 2)
    assert model.score(x, y) > 0.8 and len(made) == 1
    searching = partial(rl.optim.LBFGS, line_search_fn="strong_wolfe")
    lbfgs = Regressor((8,), optimizer=searching, lr=1, epochs=3, batch_size=120, random_state=0).fit(x, y[:, 0])
    assert lbfgs.predict(x).shape == (120,) and lbfgs.score(x, y[:, 0]) > 0.9


def test_early_stopping_keeps_the_best_parameters(iris):
    model = Classifier((32,), lr=0.05, epochs=200, early_stopping=True, patience=5, random_state=0).fit(*iris)
    losses = model.history_["val_loss"]
    assert len(losses) == model.n_iter_ < 200
    assert losses.index(min(losses)) == len(losses) - 6
    # A module of the same draws that is stopped at the best epoch answers the same.
    best = Classifier((32,), lr=0.05, epochs=len(losses) - 5, early_stopping=True, patience=500, random_state=0).fit(
        *iris
    )
    np.testing.assert_allclose(model.predict_proba(iris[0]), best.predict_proba(iris[0]), rtol=1e-10)


def test_training_in_parts(iris):
    x, y = iris
    model = Classifier((16,), lr=0.01, random_state=0)
    for _ in range(30):
        for rows in np.array_split(np.arange(150), 3):
            # Each part has one class alone.
            model.partial_fit(x[rows], y[rows], classes=[0, 1, 2])
    assert model.n_iter_ == 90 and list(model.classes_) == [0, 1, 2]
    with pytest.raises(ValueError, match=r"labels \[7\] that are not in classes \[0, 1, 2\]"):
        model.partial_fit(x[:1], [7])
    steps = Regressor((8,), random_state=0)
    for _ in range(3):
        steps.partial_fit(*waves())
    assert len(steps.history_["loss"]) == 3


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_a_pickle_goes_on_where_it_was(kind, iris):
    model = kind(network, epochs=3, random_state=0).fit(*iris)
    other = pickle.loads(pickle.dumps(model))
    assert (other.predict(iris[0]) == model.predict(iris[0])).all()
    for each in (model, other):
        each.partial_fit(*iris)
    assert (other.predict(iris[0]) == model.predict(iris[0])).all()
    assert model.history_ == other.history_


def test_searches_and_pipelines(iris):
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=15, random_state=0))
    grid = {"classifier__lr": [1e-5, 0.01], "classifier__model": [(8,), network]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(*iris)
    assert search.best_params_["classifier__lr"] == 0.01 and search.best_score_ > 0.9
    assert clone(pipeline).get_params()["classifier"].epochs == 15
    assert cross_val_score(Regressor((16,), lr=0.01, random_state=0), *waves(), cv=3).shape == (3,)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"optimizer": "Atom"}, "rushlight.optim has no class 'Atom'"),
        ({"loss": "relu"}, "rushlight.nn has no class 'relu'"),
        ({"model": 16}, "model must be the sizes of hidden layers, or a function of .*, got 16"),
        ({"model": nn.Linear(4, 3)}, r"or a function of .* that makes a module, got Linear\(in_features=4"),
        ({"batch_size": 0}, "batch_size and epochs must be at least 1, got 0 and 100"),
    ],
)
def test_wrong_parameters_are_named(iris, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        Classifier(**parameters).fit(*iris)


def test_without_scikit_learn_the_error_names_the_extra():
    program = "import sys; sys.modules['sklearn'] = None; import rushlight.sklearn as s; s.Classifier"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "rushlight.sklearn needs scikit-learn, which is not installed: pip install rushlight[sklearn]" in done.stderr
    quiet = "import sys, rushlight.sklearn; assert 'sklearn' not in sys.modules; dir(rushlight.sklearn)"
    assert subprocess.run([sys.executable, "-c", quiet]).returncode == 0
