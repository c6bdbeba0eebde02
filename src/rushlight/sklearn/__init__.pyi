"""Written by tools/stubs.py."""

from .estimators import Classifier as Classifier, Regressor as Regressor
