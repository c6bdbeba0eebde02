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


def check(script, arguments=(), rtol=None, atol=None):
    """(whether nothing differs, the report) of a script under Rushlight and, where it is installed, under PyTorch."""
    if torch_is_here():
        with Side("rushlight", script, arguments) as ours, Side("torch", script, arguments) as theirs:
            comparison = Comparison(ours.entries(), theirs.entries(), rtol, atol)
            return comparison.agrees, comparison.report
    with Side("rushlight", script, arguments) as ours:
        *entries, end = ours.entries()
    told = f"{len(entries)} operations recorded and none compared: PyTorch is not installed"
    return not end.name, f"{told}\nthe script ends in {end.name}" if end.name else told


class Side:
    """A process that runs the script under one library. Only what the script prints under Rushlight is shown."""

    def __init__(self, library, script, arguments):
        key = os.urandom(16)
        self.listener = Listener(authkey=key)
        self.address = self.listener.address
        path = os.pathsep.join([os.path.dirname(PACKAGE.rstrip(os.sep)), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, library, self.address, script, *arguments],
            # Sets of strings have the same order in both.
            env={"PYTHONHASHSEED": "0", **os.environ, "PYTHONPATH": path, "RUSHLIGHT_CHECK_KEY": key.hex()},
            stdin=None if library == "rushlight" else subprocess.DEVNULL,
            stdout=None if library == "rushlight" else subprocess.DEVNULL,
            stderr=None if library == "rushlight" else subprocess.DEVNULL,
        )
        threading.Thread(target=self.knock, args=[key], daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The comparison is over: nothing that the process still does is of interest."""
        self.listener.close()
        self.process.kill()
        self.process.wait()

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
