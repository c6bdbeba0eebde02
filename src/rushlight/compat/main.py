"""A script or a module that runs as __main__, as under `python script.py` and `python -m module`."""

import os
import runpy
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def check(words):
    """Raises ValueError where a command line, [script, *arguments] or ["-m", module, *arguments], names nothing that runs."""
    if not words or (words[0] == "-m" and len(words) == 1):
        raise ValueError("no module is named" if words else "no script is named")
    script = words[0]
    if script == "-m":
        return
    if script.startswith("-"):
        raise ValueError(f"there is no option {script}")
    if not os.path.exists(script):
        raise ValueError(f"can't open file {script!r}")
    if os.path.isdir(script) and not os.path.exists(os.path.join(script, "__main__.py")):
        raise ValueError(f"can't find '__main__' module in {script!r}")


def run(words):
    """Run a command line that `check` lets pass. What it raises is passed on, SystemExit too."""
    if words[0] == "-m":
        sys.argv = list(words[1:])
        sys.path.insert(0, os.getcwd())
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = list(words)
    sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
    runpy.run_path(words[0], run_name="__main__")


def shorten(error):
    """Take the frames off an error's traceback that lead to the script: those of the command and of runpy."""
    place = error.__traceback__
    while place is not None and _leads(place.tb_frame.f_code.co_filename):
        place = place.tb_next
    error.__traceback__ = place
    if place is None:
        # runpy's own: there is no such module, or the script is no Python. What it tried is of no interest.
        error.__cause__, error.__suppress_context__ = None, True
    return error


def _leads(file):
    return "runpy" in os.path.basename(file) or os.path.abspath(file).startswith(PACKAGE)


def shorten_uncaught():
    """Errors that nobody catches are shown from the script's own lines on."""
    before = sys.excepthook

    def hook(kind, error, _):
        before(kind, error, shorten(error).__traceback__)

    sys.excepthook = hook
