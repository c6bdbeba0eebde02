"""The two processes of a check, and the one that compares what they send."""

import contextlib
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from multiprocessing.connection import Client, Listener

from . import PACKAGE
from .compare import Comparison
from .entries import Entry

_CHILD = "import sys; from rushlight.compat.checking.sides import main; sys.exit(main(*sys.argv[1:]))"


def torch_is_here():
    return find_spec("torch") is not None


def check(words, rtol=None, atol=None):
    """(whether nothing differs, the report) of a script under Rushlight and, where it is installed, under PyTorch.

    `words` are [script, *arguments] or ["-m", module, *arguments].
    """
    if torch_is_here():
        with Side("rushlight", words) as ours, Side("torch", words) as theirs:
            hand_on([ours, theirs])
            comparison = Comparison(ours.entries(), theirs.entries(), rtol, atol)
            return comparison.agrees, comparison.report
    with Side("rushlight", words) as ours:
        hand_on([ours])
        *entries, end = ours.entries()
    told = f"{len(entries)} operations recorded and none compared: PyTorch is not installed"
    return not end.name, f"{told}\nthe script ends in {end.name}" if end.name else told


def hand_on(sides):
    """Begin to give all sides what is piped into this process, as it comes."""
    inputs = [side.process.stdin for side in sides if side.process.stdin is not None]
    if not inputs:
        return

    def hand():
        with contextlib.suppress(OSError):  # where there is no input at all
            while given := os.read(0, 65536):
                for each in inputs:
                    # A side that has ended, or has closed its input, takes no more.
                    with contextlib.suppress(OSError, ValueError):
                        each.write(given)
                        each.flush()
        for each in inputs:
            with contextlib.suppress(OSError, ValueError):
                each.close()

    threading.Thread(target=hand, daemon=True).start()


def has_terminal():
    try:
        return os.isatty(0)
    except OSError:
        return False


class Side:
    """A process that runs the script under one library. Only what the script prints under Rushlight is shown."""

    def __init__(self, library, words):
        key = os.urandom(16)
        self.listener = Listener(authkey=key)
        self.address = self.listener.address
        path = os.pathsep.join([os.path.dirname(PACKAGE.rstrip(os.sep)), *filter(None, [os.environ.get("PYTHONPATH")])])
        # What is typed goes to Rushlight's side alone: whoever reads from a terminal takes it from the shell.
        shown = None if library == "rushlight" else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, library, self.address, *words],
            # Sets of strings have the same order in both.
            env={"PYTHONHASHSEED": "0", **os.environ, "PYTHONPATH": path, "RUSHLIGHT_CHECK_KEY": key.hex()},
            stdin=(shown if has_terminal() else subprocess.PIPE),
            stdout=shown,
            stderr=shown,
        )
        threading.Thread(target=self.knock, args=[key], daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The comparison is over: nothing that the process still does is of interest."""
        self.listener.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def knock(self, key):
        """Once the process is gone: `accept` is not to wait for what never came."""
        self.process.wait()
        with contextlib.suppress(OSError, EOFError):
            Client(self.address, authkey=key).close()

    def entries(self):
        """What the process sends, up to its end; one that died without a word ends with its exit status."""
        with self.listener.accept() as connection:
            while True:
                try:
                    entry = connection.recv()
                except (EOFError, OSError):
                    entry = Entry("end", f"exit status {self.process.wait()}", None)
                yield entry
                if entry.kind == "end":
                    return
