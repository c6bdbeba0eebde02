"""The modules of docs/, for the tests of pages."""

import sys
from importlib import import_module


def module_in(folder, name):
    """A module of a folder that is no package."""
    sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(folder))
