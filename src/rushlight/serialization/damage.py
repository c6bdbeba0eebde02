"""What is said of a file that cannot be read: PyTorch's type and sentence, the file's name and the reason."""

from pickle import UnpicklingError

from ..errors import coded
from ..missing import why
from ..spelling import spell


def damaged(where, reason, sentence="PytorchStreamReader failed reading zip archive"):
    """RuntimeError: a file is not what it should be."""
    return coded("RL703", RuntimeError(f"{sentence}: {reason} ({where})"))


def unreadable(reason):
    """UnpicklingError: the pickle of a file is not one that is loaded."""
    return coded("RL703", UnpicklingError(f"Weights only load failed. WeightsUnpickler error: {reason}"))


def refused(name, asked=()):
    """UnpicklingError: a pickle asks for a class or function; `asked` are the names of all that it asks for."""
    reason = why(name.rpartition(".")[2].removeprefix("_rebuild_")) if name.startswith("torch.") else None
    if reason is not None:
        sentence = f"Unsupported global: GLOBAL {name} was not an allowed global by default: {reason}."
    else:
        sentence = (
            f"Unsupported global: GLOBAL {name} was not an allowed global by default. Please use "
            f"`{spell('serialization.add_safe_globals')}([{name}])` or the "
            f"`{spell('serialization.safe_globals')}([{name}])` context manager to allowlist this global if you trust "
            "this class/function."
        )
    error = UnpicklingError(f"Weights only load failed. WeightsUnpickler error: {sentence}")
    return coded("RL701", error, names=", ".join(asked or (name,)))


def blocked(name):
    """UnpicklingError: a pickle asks for what is never loaded, declared or not."""
    sentence = f"Trying to load unsupported GLOBAL {name} whose module {name.rpartition('.')[0]} is blocked."
    return coded("RL701", UnpicklingError(f"Weights only load failed. {sentence}"), names=name)


class Ended(Exception):
    """The bytes end within a pickle."""


class Unallowed(Exception):
    """A pickle asks for `name`, which is not allowed."""

    def __init__(self, name):
        self.name = name


class Outside(Exception):
    """The user's own code has raised `error`, which is not about the file."""

    def __init__(self, error):
        self.error = error


def outside(function, *args, **kwargs):
    """What the user's own code returns; Outside for what it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise Outside(error) from None
