"""Trains under faults drawn from a seed, beside a process that trains undisturbed: `make soak`, SOAK_SECONDS long.

    cd tests && python -m faults.soak [--seconds 600] [--seed N]

Each part of a step (soak_training.py) is attempted with a fault (soak_faults.py) until it succeeds; what an attempt may
have changed is put back before the next. Again and again all bits of the two trainings are compared. Whatever is
complained of is printed, with the faults that came before it, and makes the exit status 1.
"""

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import multiprocessing
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter, deque
from pathlib import Path

import rushlight as rl
from rushlight import modes

from . import soak_faults as faults
from .soak_training import BATCHES, EVALUATED, SAVED, Training, dataset, finish_step, flat, plain_step

COMPILED = not modes.__file__.endswith(".py")
TESTS = Path(__file__).parents[1]
# An attempt is disturbed by this chance, and a thread computes beside so much of the time.
CHANCE, BESIDE = 0.35, 0.3
# Seconds after which a step is taken to hang, and between two looks at memory.
HANGS, LOOKS = 120, 1.0
# How much more there may be in the second half of a run than in the first.
MORE_MEMORY, MORE_OBJECTS, MORE_BLOCKS = 8 << 20, 200, 4000


class Complaint(Exception):
    """Something that must not be."""


class Twin:
    """The same training in another process, without faults."""

    def __init__(self):
        command = [sys.executable, "-m", f"{__package__}.soak", "--twin"]
        self.process = subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def digest(self, steps):
        """What it has come to after so many steps."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        if not line:
            raise Complaint("the undisturbed training has died")
        return line

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


def twin():
    training = Training(dataset())
    for line in sys.stdin:
        while training.steps < int(line):
            plain_step(training)
        print(training.digest(), flush=True)
    training.end_pass()


class Run:
    """A training under faults."""

    def __init__(self, seed, folder):
        self.pick = random.Random(seed)
        self.path = os.path.join(folder, "run.pt")
        self.data = dataset()
        self.training = Training(self.data)
        self.seconds = dict.fromkeys(faults.FAULTS, 0.005)
        self.recent = deque(maxlen=200)
        self.came, self.struck, self.dropped = Counter(), Counter(), 0
        self.beside, self.rounds = None, 0
        self.flags = modes.flags()
        sys.unraisablehook = self.unraisable

    def unraisable(self, what):
        """Python drops what is raised in destructors and callbacks; a fault that is dropped has no effect."""
        if isinstance(what.exc_value, faults.EXPECTED):
            self.dropped += 1
        else:
            sys.__unraisablehook__(what)
            self.recent.append(f"DROPPED {type(what.exc_value).__name__}: {what.exc_value}")
            self.unexpected = what.exc_value

    unexpected, killed_worker = None, -100

    # -- attempts
    def fault(self, part):
        """The fault of the next attempt, None for an attempt that is left in peace."""
        if self.pick.random() >= CHANCE:
            return None
        kind = self.pick.choice(faults.FAULTS[part])
        if kind in faults.ALONE:
            self.end_beside()
        self.came[kind.__name__] += 1
        return kind(self.pick, self.training, self.seconds[part])

    def attempt(self, part, work, undo=lambda: None, done=lambda: False):
        """What work() returns once it has come through; `done` tells whether an attempt that raised has done all the same."""
        while True:
            fault = self.fault(part)
            failed, result, start = None, None, time.perf_counter()
            try:
                try:
                    if fault is not None:
                        fault.arm()
                    result = work()
                finally:
                    if fault is not None:
                        fault.rest()
            except faults.EXPECTED as error:
                failed = error.with_traceback(None)
                failed.__context__ = failed.__cause__ = None
            except SystemError as error:
                # NumPy and Python lose the word of what is amiss in some places.
                if not isinstance(fault, faults.NoObject):
                    raise
                failed = MemoryError(str(error))
            except RuntimeError as error:
                # A worker is missed when its next batch is.
                lately = isinstance(fault, faults.DeadWorker) or self.training.steps - self.killed_worker < 10
                if part != "fetch" or "exited unexpectedly" not in str(error) or not lately:
                    raise
                failed = RuntimeError("a worker is dead")
            wrong = fault and fault.clear()
            if isinstance(fault, faults.DeadWorker):
                self.killed_worker = self.training.steps
            self.check(part, fault, failed, wrong)
            if failed is None and not (fault and fault.spoils):
                took = time.perf_counter() - start
                self.seconds[part] += 0.1 * (min(took, 0.5) - self.seconds[part])
                return result
            if done():
                return None
            undo()

    def check(self, part, fault, failed, wrong):
        """Complain of what a fault has left behind."""
        if fault is not None:
            name = type(fault).__name__
            self.struck["DeadWorker" if isinstance(failed, RuntimeError) else name] += failed is not None
            self.recent.append(f"{self.training.steps}.{part}: {name}, {failed!r}")
        if wrong:
            raise Complaint(wrong)
        if self.unexpected is not None:
            raise Complaint(f"dropped: {self.unexpected!r}")
        if failed is not None and fault is None and not isinstance(failed, RuntimeError):
            raise Complaint(f"{part} failed undisturbed: {failed!r}")
        if not COMPILED:
            # Methods of Python's own can be interrupted at the edge of a block: docs/faults.md.
            modes.put_flags(self.flags)
        if modes.flags() != self.flags:
            raise Complaint(f"{part} left other modes: {modes.flags()}")

    # -- a step
    def step(self):
        training = self.training
        faulthandler.dump_traceback_later(HANGS, exit=True)
        self.change_threads()
        if training.loader is None:
            self.begin_pass()
        batch = self.attempt("fetch", training.fetch, self.begin_again)
        if (training.steps + 1) % BATCHES == 0:
            training.end_pass()
        loss = self.gradients(batch)
        self.change()
        before = training.before_rates()
        self.attempt("rates", training.rates, lambda: training.undo_rates(before))
        before = training.before_average()
        self.attempt("follow", training.follow, lambda: training.undo_average(before))
        finish_step(training, loss)
        if training.steps % EVALUATED == 0:
            training.note(self.attempt("evaluate", training.evaluate))
        if training.steps % SAVED == 0:
            self.checkpoint()

    def begin_pass(self):
        self.attempt("begin", self.training.begin_pass, self.training.end_pass)

    def begin_again(self):
        self.training.end_pass()
        self.begin_pass()

    def gradients(self, batch):
        training = self.training
        before = training.before_gradients()
        return self.attempt("gradients", lambda: training.gradients(batch), lambda: training.undo_gradients(before))

    def change(self):
        """The step of the optimizer: whether it was done before an exception came is told by the counts of steps."""
        training = self.training
        steps = training.steps

        def done():
            counts = training.counts()
            if counts not in ({float(steps)}, {float(steps + 1)}):
                raise Complaint(f"a step was left half done: counts of {counts} after {steps} steps")
            return counts == {float(steps + 1)}

        self.attempt("change", training.change, done=done)

    def change_threads(self):
        if self.pick.random() > 0.05:
            return
        if self.beside is None and self.pick.random() < BESIDE * 2:
            self.beside = faults.Beside()
        else:
            self.end_beside()

    def end_beside(self):
        if self.beside is None:
            return
        wrong = self.beside.end()
        self.rounds += self.beside.rounds
        self.beside = None
        if wrong:
            raise Complaint(wrong)

    # -- checkpoints
    def checkpoint(self):
        """Save, with a reader or another writer that is killed; sometimes go on from what was saved."""
        training = self.training
        children = [self.forked(self.read)] if self.pick.random() < 0.5 and os.path.exists(self.path) else []
        self.attempt("save", self.save)
        if self.pick.random() < 0.5:
            children.append(self.forked(self.write))
            time.sleep(self.pick.uniform(0, 0.02))
        self.killed(children)
        saved = rl.load(self.path)
        if saved["steps"] != training.steps:
            raise Complaint(f"a file of step {saved['steps']}, not of {training.steps}")
        if self.pick.random() < 0.3:
            # What a new model begins with is drawn.
            before = rl.get_rng_state()
            self.attempt("resume", self.resume, lambda: rl.set_rng_state(before))

    def save(self):
        rl.save(self.training.state_dict(), self.path)

    def forked(self, work):
        """A child that does the same again and again until it is killed."""
        self.came[work.__name__] += 1
        child = os.fork()
        if child == 0:
            try:
                while True:
                    work()
            except BaseException as error:
                sys.stderr.write(f"in a child: {type(error).__name__}: {error}\n")
            finally:
                os._exit(2)
        return child

    def read(self):
        # Tensors that are looked at come from checked records.
        assert len(flat(rl.load(self.path))) > 20

    def write(self):
        rl.save({**self.training.state_dict(), "of": "another writer"}, self.path)

    def killed(self, children):
        """Kill the children, and remove the unfinished files that a killed writer leaves, as docs/checkpoints.md says."""
        for child in children:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                raise Complaint("a child could not read or write the file")
        folder, name = os.path.split(self.path)
        for other in os.listdir(folder):
            if other.startswith(f".{name}.") and other.endswith(".tmp"):
                os.unlink(os.path.join(folder, other))
                self.struck["write"] += 1

    def resume(self):
        """Go on with new objects, filled from the file."""
        new = Training(self.data)
        new.load_state_dict(rl.load(self.path))
        new.told, new.loader = self.training.told.copy(), self.training.loader
        self.training = new


# -- what must not grow
def look():
    """(memory in bytes, objects, blocks, descriptors, threads) of this process now."""
    gc.collect()
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[1]) * resource.getpagesize()
    descriptors = len(os.listdir("/proc/self/fd"))
    return size, len(gc.get_objects()), sys.getallocatedblocks(), descriptors, threading.active_count()


def growth(looks):
    """By how much the medians of the second half are above those of the first, after a time to warm up."""
    looks = looks[len(looks) // 4 :]
    half = len(looks) // 2
    return [statistics.median(b) - statistics.median(a) for a, b in zip(zip(*looks[:half]), zip(*looks[half:]))]


def judge(looks):
    memory, objects, blocks, descriptors, threads = growth(looks)
    print(
        f"memory {looks[-1][0] / 2**20:.0f} MiB, {memory / 2**20:+.1f}; objects {looks[-1][1]}, {objects:+.0f}; "
        f"blocks {blocks:+.0f}; descriptors {descriptors:+.0f}; threads {threads:+.0f} from the first half to the second"
    )
    if memory > MORE_MEMORY or objects > MORE_OBJECTS or blocks > MORE_BLOCKS or descriptors > 0 or threads > 1:
        yield "something grows"


def adopt_orphans():
    """Children of children that die become children of this process, so that none is overlooked."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def left_children():
    """The ids of all children, those that nobody waited for among them."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, IndexError):
            if entry.isdigit():
                with open(f"/proc/{entry}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == os.getpid():
                        found.append(int(entry))
    return found


def shared_memory():
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


def warm_up(folder):
    """Have imported what is imported later: an interrupt in the middle leaves files that Python's own import had open."""
    training, path = Training(dataset()), os.path.join(folder, "warm.pt")
    plain_step(training)
    training.note(training.evaluate())
    rl.save(training.state_dict(), path)
    training.load_state_dict(rl.load(path))
    training.digest()
    training.end_pass()
    os.unlink(path)


def opened():
    """{number of a descriptor: what it is of} of this process."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        # That of the folder itself is closed by now.
        with contextlib.suppress(OSError):
            found[name] = os.readlink(f"/proc/self/fd/{name}")
    return found


def soak(seconds, seed, folder):
    """The complaints of a run."""
    warm_up(folder)
    descriptors, shared = opened(), shared_memory()
    other, run, looks = Twin(), Run(seed, folder), []
    until = compared = looked = time.monotonic()
    until += seconds
    complaints = []
    try:
        while time.monotonic() < until or run.training.steps < 2:
            run.step()
            now = time.monotonic()
            if now - compared > 0.5:
                compared = now
                compare(run, other)
            if now - looked > min(LOOKS, seconds / 30):
                looked = now
                looks.append(look())
        compare(run, other)
        run.end_beside()
    except Exception as error:
        import traceback

        traceback.print_exc()
        complaints.append(f"{type(error).__name__}: {error}\n  " + "\n  ".join(run.recent))
    faulthandler.cancel_dump_traceback_later()
    print(f"seed {seed}: {run.training.steps} steps; faults and how many of them raised:")
    print(", ".join(f"{name} {n} ({run.struck[name]})" for name, n in sorted(run.came.items())), end="")
    print(f"; {run.rounds} rounds of a thread beside; {run.dropped} dropped by Python")
    run.training.end_pass()
    other.end()
    gc.collect()
    # Before so many steps something is still done for the first time.
    if not complaints and run.training.steps > 400:
        complaints += judge(looks)
    # Workers whose loader was interrupted in the middle of its start end by themselves, in some two seconds.
    until = time.monotonic() + 8
    while multiprocessing.active_children() + left_children() and time.monotonic() < until:
        time.sleep(0.05)
    gc.collect()
    complaints += [f"a child is left: {child}" for child in left_children()]
    complaints += [f"shared memory is left: {name}" for name in shared_memory() - shared if "rushlight" in name]
    files = sorted(set(os.listdir(folder)) - {"run.pt"})
    complaints += [f"a file is left: {name}" for name in files]
    now = opened()
    if len(now) > len(descriptors):
        complaints.append(f"descriptors are left: {[now[name] for name in now.keys() - descriptors.keys()]}")
    return complaints


def compare(run, other):
    here, there = run.training.digest(), other.digest(run.training.steps)
    other_parts = [a.partition("=")[0] for a, b in zip(here.split(), there.split()) if a != b]
    if other_parts or len(here) != len(there):
        raise Complaint(f"after {run.training.steps} steps other {', '.join(other_parts)} than undisturbed")
    run.recent.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--twin", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", "This process .* is multi-threaded")
    warnings.filterwarnings("ignore", "Full backward hook is firing when gradients are computed with respect to module")
    if given.twin:
        twin()
        return 0
    faulthandler.enable()
    adopt_orphans()
    with tempfile.TemporaryDirectory() as folder:
        complaints = soak(given.seconds, given.seed, folder)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
