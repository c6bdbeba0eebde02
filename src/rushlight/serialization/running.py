"""Runs a pickle to its end, and says clearly why where it cannot."""

from pickle import UnpicklingError

from .building import Names
from .damage import Ended, Outside, Unallowed, damaged, refused, unreadable
from .globals import declared
from .opcodes import Machine


def unpickled(data, builder, where):
    """The object of a pickle. What was declared is only called when the pickle asks for nothing else that is not allowed."""
    if declared():
        for name in not_allowed(data, where):
            raise refused(name, not_allowed(data, where))
    try:
        return Machine(data, builder).run()
    except Ended:
        raise ended(where) from None
    except Unallowed as error:
        raise refused(error.name, not_allowed(data, where)) from None
    except Outside as error:
        raise error.error from None
    except (UnpicklingError, RuntimeError, OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise unreadable(f"{type(error).__name__}: {error}") from error


def not_allowed(data, where):
    """The names that a pickle asks for, and that are neither loaded always nor declared."""
    known = declared()
    return [name for name, allowed in scan(data, where)[0].items() if not allowed and name not in known]


def scan(data, where):
    """({name: whether it is always loaded}, where the pickle ends); nothing is made."""
    names = Names()
    machine = Machine(data, names)
    try:
        machine.run()
    except Ended:
        raise ended(where) from None
    return names.asked, machine.at


def ended(where):
    return damaged(where, "its pickle ends in the middle", "unexpected EOF. The file might be corrupted")
