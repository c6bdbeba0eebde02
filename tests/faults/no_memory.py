"""Fails one allocation after the other while a small network is trained, and tells what came of it, as JSON.

    python no_memory.py WORK [FIRST LAST]

For each n a new network is made, allocation n of a phase (forward, backward, step) fails, and the phase is tried again.
What must hold is said at each `complain`. It runs in a process of its own, since a mistake here is a crash.
"""

import faulthandler
import gc
import json
import sys
import warnings

import numpy as np

import rushlight as rl
from rushlight import autograd, nn, optim

# So many allocations past the last one that made a phase fail, a phase is taken to have no more.
PATIENCE = 60


class Square(autograd.Function):
    """A custom function that keeps its input and another value."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.factor = 2
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * ctx.factor


class Training:
    """A network, its optimizer, and the three phases of one step."""

    phases = ("forward", "backward", "step")

    def __init__(self):
        rl.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))
        self.optimizer = optim.Adam(self.net.parameters(), lr=0.1)
        self.x, self.target = rl.randn(5, 3), rl.tensor([0, 1, 2, 1, 0])
        self.leaves = list(self.net.parameters())
        self.loss = None

    def forward(self):
        self.loss = nn.functional.cross_entropy(self.net(self.x), self.target)

    def backward(self):
        self.loss.backward()

    def step(self):
        self.optimizer.step()

    def gradients(self):
        return [None if leaf.grad is None else leaf.grad.numpy().copy() for leaf in self.leaves]

    def values(self):
        return [leaf.detach().numpy().copy() for leaf in self.leaves]


class Again(Training):
    """The same with gradients that are there already, so that they are added to."""

    def __init__(self):
        super().__init__()
        self.forward()
        self.backward()


class Views(Training):
    """Views, writes in place, broadcasting, indexing, several outputs and a custom function."""

    phases = ("forward", "backward")

    def __init__(self):
        rl.manual_seed(0)
        self.leaves = [rl.randn(4, 3).requires_grad_() for _ in range(3)]

    def forward(self):
        a, b, c = self.leaves
        # Not written through views: for those NumPy looks up __array_interface__, which crashes where it finds no memory.
        y = (a * b).view(3, 4)
        y *= 2.0
        y.add_(c.reshape(3, 4))
        first, second = Square.apply(y).split(2, 1)
        z = rl.cat([first, second.exp()], 0)[[0, 2, 5]].t()
        self.loss = (z @ z.t()).softmax(1).sum() + rl.einsum("ij,kj->", b, c) + c.amax(0).prod()


class Hooks(Views):
    """Hooks of tensors, of leaves and of nodes, retained gradients, a second derivative."""

    def __init__(self):
        super().__init__()
        self.kept = None
        for leaf in self.leaves:
            leaf.register_hook(lambda g: g * 2)

    def forward(self):
        a, b, c = self.leaves
        y = a * b
        y.register_hook(lambda g: g + 1)
        y.retain_grad()
        y.grad_fn.register_hook(lambda inputs, outputs: None)
        (g,) = autograd.grad((y * y * c).sum(), a, create_graph=True)
        self.loss, self.kept = (g * g).sum() + y.sum(), y

    def gradients(self):
        kept = None if self.kept is None or self.kept.grad is None else self.kept.grad.detach().numpy().copy()
        return [*super().gradients(), kept]


WORKS = {work.__name__: work for work in (Training, Again, Views, Hooks)}


def same(some, others):
    return all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in zip(some, others, strict=True)
    )


class Trial:
    """All allocations of all phases of one kind of work."""

    def __init__(self, work, failing):
        self.work, self.failing = work, failing
        self.complaints = []
        self.failed = dict.fromkeys(work.phases, 0)
        # By how many blocks of Python's memory there were more, when all allocations of a phase had failed.
        self.grown = dict.fromkeys(work.phases, 0)

    def complain(self, phase, n, what):
        self.complaints.append(f"{self.work.__name__}.{phase}, allocation {n}: {what}")

    def run(self, first=0, last=100_000):
        # What is made once and kept is made now.
        expected = {}
        for _ in range(3):
            trial = self.work()
            for phase in trial.phases:
                expected[phase, "before"] = trial.gradients(), trial.values()
                getattr(trial, phase)()
                expected[phase, "after"] = trial.gradients(), trial.values()
        for phase in self.work.phases:
            n, quiet = first, 0
            gc.collect()
            before = sys.getallocatedblocks()
            while quiet < PATIENCE and n < last:
                quiet = 0 if self.one(phase, n, expected) else quiet + 1
                n += 1
            gc.collect()
            self.grown[phase] = sys.getallocatedblocks() - before

    def one(self, phase, n, expected):
        """Whether the phase failed when its allocation n did."""
        trial = self.work()
        for earlier in trial.phases[: trial.phases.index(phase)]:
            getattr(trial, earlier)()
        error = self.failing(n, getattr(trial, phase))
        before, after = expected[phase, "before"], expected[phase, "after"]
        gradients, values = trial.gradients(), trial.values()
        if error is None:
            if not (same(gradients, after[0]) and same(values, after[1])):
                self.complain(phase, n, "the phase said nothing, and its results are wrong")
            return False
        self.failed[phase] += 1
        # NumPy returns some results although an exception is set, which Python makes a SystemError.
        if not isinstance(error, (MemoryError, SystemError)):
            self.complain(phase, n, f"{type(error).__name__}: {error}")
        if not same(gradients, before[0]):
            self.complain(phase, n, "gradients changed" if same(gradients, after[0]) else "some gradients changed")
            return True
        if not same(values, before[1]):
            self.complain(phase, n, "values changed" if same(values, after[1]) else "some values changed")
            return True
        try:
            getattr(trial, phase)()
        except Exception as again:
            self.complain(phase, n, f"tried again: {type(again).__name__}: {again}")
            return True
        if not (same(trial.gradients(), after[0]) and same(trial.values(), after[1])):
            self.complain(phase, n, "tried again, it gave something else")
        return True


def failing_of_python():
    """Makes allocation n of Python's fail, and no other: objects, and the headers of arrays."""
    import _testcapi

    def failing(n, call):
        caught = None
        # What a collection calls, of whomever's, is not what is asked about.
        gc.disable()
        _testcapi.set_nomemory(n, n + 1)
        try:
            call()
        except BaseException as error:
            caught = error
        finally:
            _testcapi.remove_mem_hooks()
            gc.enable()
        return without_frames(caught)

    return failing


def failing_of_c(library):
    """Makes allocation n of C's malloc fail, which NumPy and the kernels call for the elements of arrays."""
    import ctypes

    shim = ctypes.CDLL(library)

    def failing(n, call):
        caught = None
        shim.fail_at(n)
        try:
            call()
        except BaseException as error:
            caught = error
        finally:
            shim.fail_at(-1)
        return without_frames(caught)

    return failing


def without_frames(error):
    """The same without what its frames hold."""
    return error and error.with_traceback(None)


def main(name, library, first=0, last=100_000):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    failing = failing_of_c(library) if library else failing_of_python()
    complaints, rounds = [], []
    for _ in range(5):
        trial = Trial(WORKS[name], failing)
        trial.run(int(first), int(last))
        complaints += trial.complaints
        rounds.append(trial.grown)
    # What is made once and kept is made in the first two rounds. What the interpreter keeps for later comes and goes by
    # some dozens of blocks from round to round; what is lost is so each time.
    grown = {phase: min(told[phase] for told in rounds[2:]) for phase in trial.failed}
    print(json.dumps({"failed": trial.failed, "complaints": complaints, "grown": grown}))


if __name__ == "__main__":
    main(*sys.argv[1:])
