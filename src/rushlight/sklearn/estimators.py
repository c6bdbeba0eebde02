"""`Classifier` and `Regressor`: modules as estimators of scikit-learn."""

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ImportError(
        "rushlight.sklearn needs scikit-learn, which is not installed: pip install rushlight[sklearn]"
    ) from None

from ..dtypes import of
from ..nn import Module
from .training import Training, perceptron

_PARAMETERS = """
    Parameters
    ----------
    model : tuple of int or callable, default (100,)
        The sizes of the hidden layers of a multilayer perceptron with ReLU, or what makes a module of the numbers of
        its inputs and outputs, `model(n_features, n_outputs)`; a function of a module where it is to be pickled.
    loss : str, callable or None, default None
        The name of a loss of `rushlight.nn`, or a function of outputs and targets; None is "{loss}".
    optimizer : str or callable, default "Adam"
        The name of an optimizer of `rushlight.optim`, or what makes one of parameters and `lr`.
    lr : float, default 0.001
        Learning rate.
    epochs : int, default 100
        How often `fit` goes over all rows, at most.
    batch_size : int, default 32
        Rows of a step.
    early_stopping : bool, default False
        Hold `validation_fraction` of the rows out, stop when their loss has not fallen for `patience` epochs, and keep
        the parameters that were best.
    validation_fraction : float, default 0.1
    patience : int, default 10
    random_state : int, RandomState or None, default None
        Where the first weights, the order of rows, the rows held out and dropout come from. The random state of
        rushlight itself is left as it was.

    Attributes
    ----------
    module_ : the module. It computes in float32 where X is float32, else in float64.
    history_ : dict of lists, the mean loss of each epoch as "loss", and "val_loss" with early stopping.
    n_iter_ : how many epochs there were.
"""


class _Estimator(BaseEstimator):
    def __init__(
        self,
        model=(100,),
        *,
        loss=None,
        optimizer="Adam",
        lr=0.001,
        epochs=100,
        batch_size=32,
        early_stopping=False,
        validation_fraction=0.1,
        patience=10,
        random_state=None,
    ):
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    def _begin(self, features, outputs, dtype):
        """A module that has learned nothing yet."""

        if isinstance(self.model, Module) or not (callable(self.model) or np.ndim(self.model) == 1):
            raise ValueError(
                "model must be the sizes of hidden layers, or a function of the numbers of inputs and outputs that makes a "
                f"module, got {self.model!r}"
            )

        def make():
            made = self.model if callable(self.model) else lambda n, m: perceptron(n, self.model, m)
            return made(features, outputs).to(of(np.dtype(dtype)))

        self._training = Training(
            make, self.loss or self._usual_loss, self.optimizer, self.lr, check_random_state(self.random_state)
        )
        self.module_, self.history_ = self._training.module, self._training.history

    def _train(self, x, y):
        if self.batch_size < 1 or self.epochs < 1:
            raise ValueError(f"batch_size and epochs must be at least 1, got {self.batch_size} and {self.epochs}")
        if self.early_stopping:
            train, held_out = self._parts(x, y)
            self._training.until_no_better(self.epochs, self.batch_size, train, held_out, self.patience)
        else:
            for _ in range(self.epochs):
                self._training.epoch(x, y, self.batch_size)
        self.n_iter_ = len(self.history_["loss"])
        return self

    def _once(self, x, y):
        self._training.epoch(x, y, self.batch_size)
        self.n_iter_ = len(self.history_["loss"])
        return self

    def _parts(self, x, y):
        classes = y if y.dtype.kind == "i" and np.bincount(y).min(initial=2, where=np.bincount(y) > 0) > 1 else None
        x, x_out, y, y_out = train_test_split(
            x, y, test_size=self.validation_fraction, random_state=self._training.random, stratify=classes
        )
        return (x, y), (x_out, y_out)

    def _outputs(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        dtype = next((str(p.dtype).rpartition(".")[2] for p in self.module_.parameters()), "float64")
        return self._training.outputs(_own(X, dtype))

    def _checked(self, X, y, reset, **kinds):
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=reset, **kinds)
        return _own(X), y


class Classifier(ClassifierMixin, _Estimator):
    __doc__ = f"""A classifier of scikit-learn whose model is a module with an output for each class.
{_PARAMETERS.format(loss="CrossEntropyLoss")}    classes_ : the classes, sorted.

    >>> from rushlight.sklearn import Classifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Classifier(model=(16,), lr=0.01, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _usual_loss = "CrossEntropyLoss"

    def fit(self, X, y):
        """Train a new module on X (n, features) and the classes y (n,); returns the estimator."""
        X, y = self._checked(X, y, True)
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"Classifier needs samples of at least 2 classes, got one class: {self.classes_.tolist()[0]!r}"
            )
        self._begin(X.shape[1], len(self.classes_), X.dtype)
        return self._train(X, y)

    def partial_fit(self, X, y, classes=None):
        """Go over these rows once. The first call says all `classes`, or has them in y."""
        first = not hasattr(self, "_training")
        X, y = self._checked(X, y, first)
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y if classes is None else classes)
            self._begin(X.shape[1], len(self.classes_), X.dtype)
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"y has labels {unknown.tolist()} that are not in classes {self.classes_.tolist()}")
        return self._once(X, np.searchsorted(self.classes_, y))

    def predict_proba(self, X):
        """Probabilities (n, classes): the softmax of the module's outputs."""
        outputs = self._outputs(X)
        powers = np.exp(outputs - outputs.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    def predict(self, X):
        """The class of the largest output for each row."""
        best = self._outputs(X).argmax(1)
        return self.classes_[best]


class Regressor(RegressorMixin, _Estimator):
    __doc__ = f"""A regressor of scikit-learn whose model is a module with an output for each column of y.
{_PARAMETERS.format(loss="MSELoss")}
    >>> from rushlight.sklearn import Regressor
    >>> import numpy as np
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> Regressor(lr=0.01, random_state=0).fit(X, np.sin(X[:, 0])).score(X, np.sin(X[:, 0])) > 0.95
    True
    """

    _usual_loss = "MSELoss"

    def fit(self, X, y):
        """Train a new module on X (n, features) and y (n,) or (n, outputs); returns the estimator."""
        X, y = self._checked(X, y, True)
        self._begin(X.shape[1], y.shape[1], X.dtype)
        return self._train(X, y)

    def partial_fit(self, X, y):
        """Go over these rows once."""
        first = not hasattr(self, "_training")
        X, y = self._checked(X, y, first)
        if first:
            self._begin(X.shape[1], y.shape[1], X.dtype)
        return self._once(X, y)

    def predict(self, X):
        """The outputs of the module, (n,) or (n, outputs) as y was."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _checked(self, X, y, reset):
        X, y = super()._checked(X, y, reset, multi_output=True, y_numeric=True)
        self._flat = y.ndim == 1
        return X, _own(y.reshape(len(X), -1), X.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _own(array, dtype=None):
    """An array in order that may be written, as a tensor's memory is; maps of files often may not."""
    return np.require(array, dtype, ["C", "W"])
