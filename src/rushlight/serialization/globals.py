"""Which classes and functions a file may ask for: those below, and those that the user has declared."""

from ..spelling import spell

_declared = []
# What is never loaded, declared or not.
_BLOCKED = frozenset({"nt", "os", "posix", "subprocess", "sys"})


def add_safe_globals(safe_globals):
    """Declare classes and functions that files may ask for: `load` then makes and calls them.

    A list of them, or of pairs (class, "the.name.in.the.file"). Whoever writes a file chooses the arguments that they are
    called with: declare only what is harmless with any. TypeError for what cannot be called.

    >>> import rushlight
    >>> from argparse import Namespace
    >>> with rushlight.serialization.safe_globals([Namespace]):
    ...     rushlight.serialization.get_safe_globals()
    [<class 'argparse.Namespace'>]
    """
    safe_globals = list(safe_globals)
    for entry in safe_globals:
        _named(entry)
    _declared.extend(entry for entry in safe_globals if entry not in _declared)


def get_safe_globals():
    """The classes and functions declared by `add_safe_globals`."""
    return list(_declared)


def clear_safe_globals():
    """Forget all that were declared."""
    _declared.clear()


class safe_globals:
    """Classes and functions declared for a `with` block, as by `add_safe_globals`."""

    def __init__(self, safe_globals):
        self.safe_globals = safe_globals

    def __enter__(self):
        self._before = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception):
        _declared[:] = self._before


def declared():
    """{name: class or function} of what was declared."""
    return dict(_named(entry) for entry in _declared)


def is_blocked(module):
    return module.partition(".")[0] in _BLOCKED


def _named(entry):
    """(name, class or function)"""
    if isinstance(entry, tuple):
        if len(entry) != 2:
            raise ValueError(
                f"Expected tuple of length 2 (global, str of callable full path), but got tuple of length: {len(entry)}"
            )
        made, name = entry
        if not isinstance(name, str):
            raise TypeError(f"Expected second item in tuple to be str of callable full path, but got: {type(name)}")
    else:
        made, name = entry, None
    if not callable(made):
        raise TypeError(
            f"{spell('serialization.add_safe_globals')}(): expected classes and functions, but got {type(made)}"
        )
    return name or full_name(made.__module__, made.__qualname__), made


def full_name(module, name):
    """The name by which messages and declarations call a global."""
    return name if module in ("builtins", "__builtin__") else f"{module}.{name}"
