"""Estimators for scikit-learn: `Classifier` and `Regressor` train a module by `fit(X, y)`.

They need scikit-learn (`pip install rushlight[sklearn]`), which is imported when one of them is first named.

>>> import rushlight.sklearn
>>> rushlight.sklearn.Classifier(model=(16,), epochs=5).get_params()["epochs"]
5
"""

from ..missing import of_module

__all__ = ["Classifier", "Regressor"]


def __getattr__(name):
    if name not in __all__:
        return of_module(__name__)(name)
    from . import estimators

    return getattr(estimators, name)


def __dir__():
    return __all__
