"""Faults of a soak: each is armed before an attempt of a part of a step, strikes once or never, and is put away after it."""

import contextlib
import gc
import os
import resource
import signal
import sys
import threading
import time

import rushlight as rl
from rushlight import nn

try:
    import _testcapi
except ImportError:
    _testcapi = None


class Failure(Exception):
    """What a hook raises."""


class Alarm(KeyboardInterrupt):
    """What the handler of SIGALRM raises."""


EXPECTED = (Failure, KeyboardInterrupt, MemoryError)
MODULES = ("conv", "norm", "letters", "lstm", "attention", "dropout", "head", "")


class Fault:
    """One fault: `arm` before the attempt, `rest` right after it, `clear` when nothing can be raised any more."""

    # Whether an attempt that nothing was raised in counts as failed, too.
    spoils = False

    def __init__(self, pick, training, seconds):
        self.pick, self.training, self.seconds = pick, training, seconds
        self.armed = False
        self.undo = []

    def arm(self):
        pass

    def rest(self):
        self.armed = False

    def clear(self):
        """Returns what went wrong, or None."""
        for undo in self.undo:
            undo()

    def after(self):
        """Seconds to wait: any moment of the part, or a little later."""
        return self.pick.uniform(1e-6, 1.2 * self.seconds)


# -- exceptions in hooks
FULL_BACKWARD = 4


class Hook(Fault):
    """An exception in a hook of a tensor, a leaf, a node, a module or the optimizer."""

    def arm(self):
        model, optimizer = self.training.model, self.training.optimizer
        module = model.get_submodule(self.pick.choice(MODULES))
        leaf = self.pick.choice(list(model.parameters()))
        hooks = [
            lambda: leaf.register_hook(self.strike),
            lambda: leaf.register_post_accumulate_grad_hook(self.strike),
            lambda: module.register_forward_pre_hook(self.strike),
            lambda: module.register_forward_hook(self.strike),
            lambda: module.register_full_backward_hook(self.strike),
            lambda: module.register_forward_hook(self.watch_output),
            lambda: optimizer.register_step_pre_hook(self.strike),
            lambda: optimizer.register_step_post_hook(self.strike),
        ]
        self.armed = True
        number = self.pick.randrange(len(hooks))
        # The nodes of a full backward hook add up gradients in another order: the last bits are not the same.
        self.spoils = number == FULL_BACKWARD
        self.undo = [hooks[number]().remove]

    def strike(self, *_):
        if self.armed and self.pick.random() < 0.7:
            self.armed = False
            raise Failure

    def watch_output(self, module, args, output):
        first = output[0] if isinstance(output, tuple) else output
        if first.grad_fn is not None:
            (first.register_hook if self.pick.random() < 0.5 else first.grad_fn.register_prehook)(self.strike)


# -- signals
def ignore(*_):
    pass


class Ring(Fault):
    """SIGALRM at a random moment; its handler raises."""

    def arm(self):
        signal.signal(signal.SIGALRM, self.handle)
        self.armed = True
        signal.setitimer(signal.ITIMER_REAL, self.after())

    def handle(self, *_):
        if self.armed:
            self.armed = False
            self.strike()

    def strike(self):
        raise Alarm

    def clear(self):
        signal.setitimer(signal.ITIMER_REAL, 0)
        # SIG_IGN would make Python complain of one that has come and waits for its handler.
        signal.signal(signal.SIGALRM, ignore)
        return super().clear()


class Press(Fault):
    """SIGINT at a random moment, sent by a thread, as Ctrl-C would be."""

    def arm(self):
        signal.signal(signal.SIGINT, self.handle)
        self.armed = True
        self.over = threading.Event()
        seconds = self.after()
        self.thread = threading.Thread(target=self.send, args=(seconds,))
        self.thread.start()

    def send(self, seconds):
        if not self.over.wait(seconds):
            os.kill(os.getpid(), signal.SIGINT)

    def handle(self, *_):
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def clear(self):
        self.over.set()
        self.thread.join()
        signal.signal(signal.SIGINT, ignore)


class Collect(Ring):
    """The garbage collector at a random moment; nothing is raised."""

    def strike(self):
        gc.collect()


class Draw(Ring):
    """Random numbers drawn at a random moment, from a state that is put back; nothing is raised."""

    def strike(self):
        before = rl.get_rng_state()
        rl.randn(5), rl.rand(3), rl.manual_seed(3)
        rl.set_rng_state(before)


class Within(Ring):
    """A whole forward and backward of other tensors at a random moment, in the handler; nothing is raised."""

    def strike(self):
        assert computed() == COMPUTED


class Fork(Ring):
    """A child forked at a random moment, within whatever runs then; it computes, differentiates and exits."""

    def arm(self):
        self.children = []
        super().arm()

    def strike(self):
        child = os.fork()
        if child == 0:
            code = 3
            try:
                signal.alarm(0)
                code = 0 if computed() == COMPUTED else 2
            finally:
                os._exit(code)
        self.children.append(child)

    def clear(self):
        super().clear()
        for child in self.children:
            status = waited(child)
            if status != 0:
                return f"a forked child ended with {status}"


def waited(child, seconds=30):
    """The exit status of a child; one that does not end is killed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "no end"


# -- memory
class NoObject(Fault):
    """One allocation of Python's fails. Python 3.11's own ContextVar.set crashes where several do."""

    def arm(self):
        at = int(self.pick.lognormvariate(5, 2.5))
        self.undo = [_testcapi.remove_mem_hooks]
        _testcapi.set_nomemory(at, at + 1)

    def rest(self):
        _testcapi.remove_mem_hooks()


class NoSpace(Fault):
    """An address space that is full: what a module computes beside its output, or its gradient, does not fit in."""

    spoils = True

    def arm(self):
        self.at = self.pick.choice(("forward", "backward"))
        module = self.training.model.get_submodule(self.pick.choice(MODULES))
        self.undo = [module.register_forward_hook(self.compute).remove]

    def compute(self, module, args, output):
        first = output[0] if isinstance(output, tuple) else output
        if self.at == "forward":
            self.limit()
        wide = first.sum().expand(40_000, 1000) * 1.0
        if self.at == "backward":
            added = first + 0 * wide.sum()
            self.limit()
            return (added, *output[1:]) if isinstance(output, tuple) else added

    def limit(self):
        with open("/proc/self/statm") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**25, resource.RLIM_INFINITY))

    def rest(self):
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


# -- processes
class DeadWorker(Fault):
    """A worker of the DataLoader is killed."""

    def arm(self):
        import multiprocessing

        workers = multiprocessing.active_children()
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pick.choice(workers).pid, signal.SIGKILL)


# -- other threads
class Beside:
    """A thread that computes the same again and again, while the training goes on."""

    def __init__(self):
        self.over = threading.Event()
        self.rounds, self.wrong = 0, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.over.is_set():
                if computed() != COMPUTED:
                    raise AssertionError("a thread computed something else")
                self.rounds += 1
                time.sleep(0.001)
        except BaseException as error:
            self.wrong = error

    def end(self):
        self.over.set()
        self.thread.join(60)
        if self.thread.is_alive():
            return "a thread does not end"
        return self.wrong and f"in a thread: {type(self.wrong).__name__}: {self.wrong}"


def computed():
    """A forward and a backward of tensors of their own; their gradients as bytes."""
    stream = rl.Generator().manual_seed(5)
    weight = rl.randn(9, 9, generator=stream).requires_grad_()
    x = rl.randn(40, 9, generator=stream)
    with rl.no_grad():
        still = (x @ weight).tanh()
    # It may be called by the handler of a signal that came while gradients were off.
    with rl.enable_grad():
        loss = nn.functional.mse_loss((x @ weight).tanh().sort(1)[0].cumsum(0), still) + weight.exp().sum()
        loss.backward()
    return weight.grad.numpy().tobytes()


COMPUTED = computed()

# No thread computes beside these.
ALONE = (NoObject, NoSpace)
QUIET = [Collect, Draw, Within, Fork]
EVERYWHERE = [Ring, Ring, Press, *QUIET]
FAULTS = {
    "begin": EVERYWHERE,
    "fetch": [*EVERYWHERE, DeadWorker],
    "gradients": [*EVERYWHERE, Hook, Hook, Hook, NoSpace],
    "change": [*EVERYWHERE, Hook],
    "rates": EVERYWHERE,
    "follow": EVERYWHERE,
    "evaluate": EVERYWHERE,
    "save": EVERYWHERE,
    "resume": EVERYWHERE,
}
# Not where modes are switched, since a context variable cannot be set back without memory, nor where NumPy's
# __array_interface__ is asked for (as_strided, save), which crashes without it. In no_memory.py each allocation of other
# forwards and backwards fails.
if _testcapi is not None and hasattr(_testcapi, "set_nomemory"):
    for part in ("change", "rates"):
        FAULTS[part] = [*FAULTS[part], NoObject]
if not sys.platform.startswith("linux"):
    FAULTS["gradients"].remove(NoSpace)
