"""The modules of benchmarks/, for the tests of them."""

import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent


def module_of(name):
    """A module of benchmarks/, which is not installed. It sets a number of threads for its own process only."""
    environment = dict(os.environ)
    sys.path.insert(0, str(ROOT))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(ROOT))
        os.environ.clear()
        os.environ.update(environment)
