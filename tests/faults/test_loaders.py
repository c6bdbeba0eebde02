"""Worker processes whose loader is interrupted: none of them stays, nor any descriptor."""

import gc
import multiprocessing
import os
import random
import signal
import threading
import time

import pytest

import rushlight as rl
from rushlight import kernels
from rushlight.utils.data import DataLoader, TensorDataset, processes, transfer
from rushlight.utils.data.interrupts import postponed

from .beneath import Failure, posix, printed

pytestmark = posix


def passing(values=None):
    # A generator of its own, since a pass draws a seed.
    data = TensorDataset(rl.arange(16.0) if values is None else values)
    return iter(DataLoader(data, batch_size=4, num_workers=2, generator=rl.Generator(), multiprocessing_context="fork"))


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_workers_end_though_stopping_them_was_interrupted():
    batches = passing()
    assert next(batches)[0].tolist() == [0, 1, 2, 3]
    workers = [each.process for each in batches._pool._workers]
    first = batches._pool._workers[0].tasks
    send, first.send = first.send, None

    def interrupted(task):
        first.send = send
        raise KeyboardInterrupt

    first.send = interrupted
    with pytest.raises(KeyboardInterrupt):
        batches._shutdown_workers()
    del batches
    gc.collect()
    assert not any(worker.is_alive() for worker in workers)


def test_handlers_wait_for_the_end_of_a_section():
    """Also where another thread takes the signal, which a mask of the main thread's does not keep from it."""

    def ring(*_):
        raise Failure

    def handled():
        return [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGUSR1)]

    before = signal.signal(signal.SIGALRM, ring), signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        steps = []
        with pytest.raises(Failure), postponed():
            with postponed():
                sender = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGALRM))
                sender.start(), sender.join()
                steps.append("within")
            steps.append("after")
        assert steps == ["within", "after"]
        assert handled() == [ring, signal.SIG_IGN]
        with pytest.raises(ZeroDivisionError), postponed():
            raise ZeroDivisionError
        assert handled() == [ring, signal.SIG_IGN]
    finally:
        signal.signal(signal.SIGALRM, before[0]), signal.signal(signal.SIGUSR1, before[1])


def test_an_interrupt_right_after_a_descriptor_came_does_not_lose_it(monkeypatch):
    def ring(*_):
        raise Failure

    def taken(connection):
        descriptor = recv_handle(connection)
        signal.raise_signal(signal.SIGALRM)
        return descriptor

    # Rows that travel as descriptors of shared memory.
    values = rl.zeros(40, 2100)
    next(passing(values))
    left = descriptors()
    recv_handle = transfer.reduction.recv_handle
    monkeypatch.setattr(transfer.reduction, "recv_handle", taken)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for _ in range(3):
            with pytest.raises(Failure):
                next(passing(values))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert descriptors() <= left


def test_an_interrupt_right_after_a_worker_was_waited_for_does_not_lose_the_answer(monkeypatch):
    came = []

    def ring(*_):
        came.append("ring")
        if len(came) == 1:
            raise Failure

    def waited(pid, flags):
        answer = waitpid(pid, flags)
        if answer[0]:
            signal.raise_signal(signal.SIGALRM)
        return answer

    batches = passing()
    next(batches)
    waitpid = os.waitpid
    monkeypatch.setattr(os, "waitpid", waited)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Failure):
            batches._shutdown_workers()
        del batches
        gc.collect()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(came) == 2
    assert multiprocessing.active_children() == []


def test_workers_whose_making_was_interrupted_have_nothing_to_stop():
    unmade = processes.Processes.__new__(processes.Processes)
    unmade.stop(0)
    iterator = type(passing()).__new__(type(passing()))
    iterator._shutdown_workers()


def test_interrupts_while_workers_are_started_leave_nothing():
    def ring(*_):
        raise Failure

    pick, came = random.Random(1), 0
    next(passing())
    left = descriptors()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for _ in range(25):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, pick.uniform(1e-4, 0.02))
                    batches = passing()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Failure:
                came += 1
            batches = None  # noqa: F841
            # Not while a signal is to come: Python drops what is raised in __del__, and pytest keeps its frames.
            gc.collect()
    finally:
        signal.signal(signal.SIGALRM, before)
    until = time.monotonic() + 5
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.02)
    assert came
    assert multiprocessing.active_children() == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert descriptors() <= left


def test_a_child_that_is_forked_while_a_pipe_is_closed_does_not_mind(monkeypatch):
    reader, writer = multiprocessing.Pipe(False)
    # As an interrupt leaves it, between closing a descriptor and noting that it is closed.
    os.close(reader.fileno())
    monkeypatch.setattr(processes, "_held", {reader})
    processes._close_held()
    writer.close()
    assert processes._held == set()


def test_two_allocations_that_fail_in_a_row_do_not_crash_a_backward(compiled):
    if not compiled or kernels.load("elementwise") is None:
        # NumPy's errstate, without which kernels do, is such a variable too.
        pytest.skip("Python 3.11's own ContextVar.set crashes then")
    pytest.importorskip("_testcapi")
    program = """
        import _testcapi, sys
        import rushlight as rl
        if not hasattr(_testcapi, "set_nomemory"):
            sys.exit()
        x = rl.ones(8, 4, requires_grad=True)
        for n in range(60):
            y = x.reshape(32).sum()
            try:
                _testcapi.set_nomemory(n, n + 2)
                y.backward()
            except MemoryError:
                pass
            finally:
                _testcapi.remove_mem_hooks()
            assert x.grad is None or x.grad.sum().item() == 32
            x.grad = None
    """
    assert printed(program) == []
