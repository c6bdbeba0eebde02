"""Floor 0: arrays in, arrays out. `load(name)` is the compiled family of that name, or None."""

import os
from importlib import import_module

# RUSHLIGHT_PURE=1 leaves every kernel aside, so that only the Python meaning runs.
PURE = os.environ.get("RUSHLIGHT_PURE", "") not in ("", "0")


def load(family):
    """The compiled module kernels/<family>, None where it was not compiled or RUSHLIGHT_PURE is set."""
    if PURE:
        return None
    try:
        return import_module(f"{__name__}.{family}")
    except ImportError:
        return None
