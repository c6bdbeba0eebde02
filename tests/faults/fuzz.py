"""Loads files that no program has written, for FUZZ_SECONDS: `make fuzz`.

Files of tests/faults/corpus.py are changed by tests/faults/mutation.py; those that reach new lines of the readers are
changed further. Each is loaded in a child process, which may not raise anything but what the documentation promises, run
anything (an audit hook sees it), take more memory than `hostile.PER_BYTE` for a byte of the file, or take long. A child
that dies gives away the file that killed it. What is found is written to out/fuzz, told, and makes the exit status 1.
"""

import argparse
import faulthandler
import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
import tracemalloc
import warnings
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np

import rushlight as rl
from rushlight import serialization

from . import corpus
from .hostile import AT_REST, CLEAR, PER_BYTE
from .mutation import changed

OUT = Path(__file__).parents[2] / "out" / "fuzz"
READERS = str(Path(serialization.__file__).parent)
# Memory that a child may ask for beyond what it has when it starts, and seconds of computing that one file may take.
HEADROOM, LONG = 1 << 30, 4
# One file of so many is traced, since tracing takes as long as reading three.
TRACED = 3
# After so many children that died fuzzing is given up.
DEATHS = 10
# What must not happen while a file is read.
FORBIDDEN = (
    "compile", "exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "marshal.", "pickle.find_class", "shutil.",
    "code.__new__", "function.__new__", "sys.settrace", "winreg.", "webbrowser.", "tempfile.", "urllib.", "glob.",
)  # fmt: skip


def tripwire(*args):
    raise Violation("a function of a file's choice was called")


class Violation(BaseException):
    """A promise that was broken."""


# -- what reads each kind, and what it may raise
def load(data):
    return [rl.load(io.BytesIO(data))]


def load_safetensors(data):
    from rushlight.serialization.safetensors import load

    return load(data).values()


def load_npy(data):
    """What NumPy reads, without pickles, is handed on; what NumPy itself raises and takes is its own affair."""
    arrays, watch.allowed = [], True
    with suppress(Exception):
        found = np.load(io.BytesIO(data), allow_pickle=False)
        arrays = list(found.values()) if hasattr(found, "values") else [found]
    watch.allowed = False
    watch.at_rest = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    return [rl.from_numpy(array) for array in arrays]


def kinds():
    """{kind: (what reads it, what it may raise, files to start from)}"""
    found = {
        "checkpoint": (load, CLEAR, corpus.checkpoints()),
        "old checkpoint": (load, CLEAR, corpus.old_checkpoints()),
        "npy": (load_npy, (TypeError, ValueError), corpus.npy_files()),
    }
    if corpus.safetensors is not None:
        errors = (corpus.safetensors.SafetensorError, TypeError)
        found["safetensors"] = (load_safetensors, errors, corpus.safetensors_files())
    return found


class Watch:
    """An audit hook, and what it has seen while a file was read; it cannot be taken away again."""

    def __init__(self):
        self.on = self.allowed = False
        self.seen, self.at_rest = None, 0

    def start(self):
        sys.addaudithook(self.hook)

    def hook(self, event, args):
        if self.on and not self.allowed and event.startswith(FORBIDDEN):
            self.seen = self.seen or (event, str(args)[:200])


watch = Watch()


class Lines:
    """The steps from line to line of the readers that have been taken."""

    def __init__(self):
        self.known, self._last = set(), None

    def called(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(READERS):
            return None
        self._last = (frame.f_code, 0)
        return self.stepped

    def stepped(self, frame, event, argument):
        if event == "line":
            here = (frame.f_code, frame.f_lineno)
            self.known.add((self._last, here))
            self._last = here
        return self.stepped


def touch(value):
    """Read every element that a file gave; walks containers without recursion."""
    waiting, seen = [value], set()
    while waiting and len(seen) < 10_000:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, rl.Tensor) and item.numel() < 1 << 20:
            item._array.copy()
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset)) or type(item).__name__ == "dict_values":
            waiting += item


def too_long(number, frame):
    raise Violation(f"it took more than {LONG} seconds")


def judge(read, errors, data):
    """What is wrong with how a file was read; None where nothing is."""
    watch.seen, watch.at_rest, watch.on = None, 0, True
    signal.setitimer(signal.ITIMER_PROF, LONG)
    # Within one call of C nothing is raised: then the process ends.
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * LONG)
    tracemalloc.start()
    wrong = None
    try:
        touch(read(data))
    except errors:
        pass
    except Violation as error:
        wrong = str(error)
    except BaseException as error:
        watch.on = False
        place = traceback.extract_tb(error.__traceback__)[-1]
        wrong = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:200]}"
    finally:
        watch.on = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        most = tracemalloc.get_traced_memory()[1] - watch.at_rest
        tracemalloc.stop()
    if watch.seen is not None:
        return f"it made the audit event {watch.seen}"
    if wrong is None and most > PER_BYTE * len(data) + AT_REST:
        return f"it took {most / max(len(data), 1):.0f} bytes of memory for each of its {len(data)} bytes"
    return wrong


# -- the child
def work(seconds, runs, seed, current):
    """Fuzz; the file that is being read is in the file `current`."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, too_long)
    faulthandler.enable()
    all_kinds, random = kinds(), Random(seed)
    for read, _, files in all_kinds.values():
        # What is imported late is imported now: reading a file must import nothing.
        for data in [*(data for name, data in files.items() if not name.startswith("found")), b"", b"PK\3\4"]:
            with suppress(Exception):
                read(data)
    with suppress(Exception):
        rl.load(io.BytesIO(corpus.written(rl.zeros(1 << 17))))
        import ml_dtypes  # noqa: F401
    taken = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    resource.setrlimit(resource.RLIMIT_AS, (taken + HEADROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    watch.start()
    lines, pools, found, count = Lines(), {}, set(), 0
    end = time.monotonic() + seconds
    with open(current, "wb", buffering=0) as file:

        def judged(kind, data, name):
            os.pwrite(file.fileno(), len(data).to_bytes(8, "little") + data, 0)
            wrong = judge(*all_kinds[kind][:2], data)
            tell(wrong, kind, data, found, name)
            return wrong is None

        for kind, (_, _, files) in all_kinds.items():
            pools[kind] = [data for name, data in files.items() if judged(kind, data, name)]
        while time.monotonic() < end and count < runs:
            count += 1
            kind = random.choice(list(pools))
            data = changed(random, kind, random.choice(pools[kind]), pools[kind])[: 1 << 16]
            before = len(lines.known)
            sys.settrace(None if count % TRACED else lines.called)
            good = judged(kind, data, "changed")
            sys.settrace(None)
            if good and len(lines.known) > before:
                pools[kind].append(data)
    grown = sum(map(len, pools.values()))
    print(f"{count} files read, {grown} reach lines of their own, {len(lines.known)} steps", flush=True)
    return bool(found)


def tell(wrong, kind, data, found, name="changed"):
    """Write down a file that broke a promise, one for each way of breaking it."""
    if wrong is None:
        return
    way = kind, wrong.split(": ")[0][:60]
    if way in found:
        return
    found.add(way)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    print(f"FOUND {kind} ({name}): {wrong}; {len(data)} bytes in {path}", flush=True)


# -- the parent
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS", 600)))
    parser.add_argument("--runs", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--current", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.current:
        sys.exit(work(options.seconds, options.runs, options.seed, options.current))
    OUT.mkdir(parents=True, exist_ok=True)
    end, seed, status = time.monotonic() + options.seconds, options.seed, 0
    print(f"fuzzing for {options.seconds:g} seconds from seed {seed}", flush=True)
    while (left := end - time.monotonic()) > 0:
        current = OUT / f"current-{os.getpid()}"
        command = [sys.executable, "-m", "faults.fuzz", "--seconds", str(left), "--runs", str(options.runs)]
        child = subprocess.run([*command, "--seed", str(seed), "--current", str(current)])
        if child.returncode in (0, 1):
            current.unlink(missing_ok=True)
            return status or child.returncode
        status = 1
        data = current.read_bytes() if current.exists() else b""
        data = data[8 : 8 + int.from_bytes(data[:8], "little")]
        tell(f"the process ended with {child.returncode}", "file", data, set())
        if seed - options.seed >= DEATHS or not data:
            break
        seed += 1
    return status


if __name__ == "__main__":
    sys.exit(main())
