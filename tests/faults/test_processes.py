"""Forks at any moment, and the end of a process while threads compute."""

import os

import pytest

from .beneath import posix, printed


@posix
def test_a_forked_child_computes_and_differentiates():
    program = """
        import os, warnings
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        import rushlight as rl
        def step():
            x = rl.full((300, 300), 0.01, requires_grad=True)
            y = rl.randn(1_000_000).exp().sum()
            ((x @ x).tanh().sum() + y * 0).backward()
            return x.grad.sum().item()
        here = step()
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if abs(step() - here) < 1e-3 * abs(here) else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert printed(program) == ["0", "0", "0"]


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="threads are counted in Linux' /proc")
def test_importing_starts_no_thread():
    program = """
        import os
        import numpy
        before = len(os.listdir("/proc/self/task"))
        import rushlight
        import rushlight.nn, rushlight.optim
        print(len(os.listdir("/proc/self/task")) - before)
    """
    assert printed(program) == ["0"]


FORKS = """
    import os, sys, threading, time, warnings
    warnings.filterwarnings("ignore", "This process .* is multi-threaded")
    import rushlight as rl
    count = int(sys.argv[1])
    w = rl.ones(150_000, requires_grad=True)
    done = False

    def large():
        while not done:
            (rl.randn(150_000) * w).exp().sum().backward()

    def small():
        x = rl.ones(3, requires_grad=True)
        while not done:
            (x * rl.rand(3)).sum().backward()

    def settings():
        while not done:
            rl.set_num_threads(1)
            rl.set_num_threads(3)

    threads = [threading.Thread(target=work) for work in (large, large, small, settings)]
    for thread in threads:
        thread.start()
    ends = []
    for k in range(count):
        time.sleep(0.001 * (k % 7))
        child = os.fork()
        if child == 0:
            # Whoever waits for a lock that nobody can give back is ended by the alarm.
            import signal
            signal.alarm(60)
            w.grad = None
            x = rl.full((150_000,), 0.5, requires_grad=True)
            (x * x + w * 2 + rl.randn(150_000) * 0).sum().backward()
            os._exit(0 if (x.grad == 1).all() and (w.grad == 2).all() else 1)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    done = True
    for thread in threads:
        thread.join()
    print(*sorted(set(ends)))
"""


@posix
def test_a_child_forked_while_threads_compute_computes():
    assert printed(FORKS, 20) == ["0"]


@posix
def test_a_child_forked_while_another_thread_imports_imports_too():
    """It would wait for ever for the lock of the module, which the thread held when the child was made."""
    program = """
        import os, signal, sys, threading, time, warnings
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        import rushlight as rl
        begun = threading.Event()

        class Slow:
            @staticmethod
            def find_spec(name, path, target=None):
                if name == "rushlight.functions.gamma" and not begun.is_set():
                    begun.set()
                    time.sleep(1)

        sys.meta_path.insert(0, Slow)
        thread = threading.Thread(target=lambda: rl.lgamma(rl.ones(3)))
        thread.start()
        begun.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            rl.lgamma(rl.ones(3))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        thread.join()
    """
    assert printed(program) == ["0"]


@posix
@pytest.mark.parametrize("at", ["commit", "draw"])
def test_a_child_never_inherits_a_lock_that_another_thread_holds(at):
    """Forking waits for the lock: were it held in the child, the first backward or draw there would wait for ever."""
    program = """
        import os, signal, sys, threading, time, warnings
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        import rushlight as rl
        x = rl.zeros(4_000_000, requires_grad=True)
        begun, done = threading.Event(), False

        def commit():
            x.grad = None
            x.sum().backward()  # copies what is one number, and lets other threads run meanwhile

        def draw():
            rl.rand(4_000_000)

        def work():
            while not done:
                globals()[sys.argv[1]]()
                begun.set()

        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        ends = []
        for k in range(12):
            time.sleep(0.003)
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                y = rl.rand(3).requires_grad_()
                y.sum().backward()
                os._exit(0)
            ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        done = True
        thread.join()
        print(*sorted(set(ends)))
    """
    assert printed(program, at) == ["0"]


ENDS = """
    import sys, threading
    import rushlight as rl
    from rushlight.utils.data import DataLoader, TensorDataset

    begun = threading.Event()

    def forward():
        x = rl.randn(200_000)
        while True:
            (x * 2).exp().sum()
            begun.set()

    def backward():
        x, small, a = rl.randn(200_000).requires_grad_(), rl.ones(3, requires_grad=True), rl.ones(99, 99)
        while True:
            (x * x).sum().backward()
            (small * small).sum().backward()
            (a @ a).sum()
            begun.set()

    def loader():
        data = TensorDataset(rl.randn(100, 3))
        while True:
            for _ in DataLoader(data, batch_size=10, num_workers=2, multiprocessing_context="thread"):
                begun.set()

    for _ in range(2):
        threading.Thread(target=globals()[sys.argv[1]], daemon=True).start()
    begun.wait()
"""


@pytest.mark.parametrize("work", ["forward", "backward", "loader"])
def test_a_process_ends_while_daemon_threads_compute(work):
    for _ in range(2):
        assert printed(ENDS, work) == []
