"""A fork while other threads run leaves nothing half imported in the child."""

import os
import sys

_imported = False
# What is there for another package, which is imported with it, and may be missing.
_FOR_OTHERS = ("einops", "sklearn.estimators")


def import_all():
    """Import what is imported late, if other threads run: one of them may be in the middle of it.

    The child would wait for ever for that thread, which it has not, at the first import of the same module. This waits
    until the import is done; it takes some 0.12 s, once in a process, and nothing where no other thread runs.
    """
    global _imported
    if _imported or len(sys._current_frames()) == 1:
        return
    from importlib import import_module
    from pkgutil import walk_packages

    package = sys.modules[__package__]
    for _, name, _ in walk_packages(package.__path__, f"{__package__}."):
        if not name.endswith((".__main__", *_FOR_OTHERS)):
            import_module(name)
    _imported = True


def watch():
    """Called when the package is whole: of the functions before a fork the last one registered, and the first one run."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=import_all)
