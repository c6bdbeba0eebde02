"""Worker processes, seen from the process that iterates, and their life from within."""

import contextlib
import os
import signal
import sys
import time
import weakref
from multiprocessing import connection

from ... import spelling
from . import transfer
from ._utils import worker
from ._utils.worker import RAISED, Raised, WorkerInfo, serve
from .interrupts import WAITING, forget_postponed, postponed

# The ends of pipes that this process holds as the parent of workers.
_held = weakref.WeakSet()


def _close_held():
    """A child must not hold its parent's ends: a worker knows by them that its parent is gone."""
    for end in list(_held):
        # One that was being closed when the child was forked, by a handler of a signal, is closed but does not know it.
        with contextlib.suppress(OSError):
            end.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_held)


class Processes:
    """The worker processes of one iterator. Each has two pipes of its own: one that dies breaks nothing of another's."""

    # Of one whose making was interrupted, there is nothing to stop.
    _pid, _workers = None, ()

    def __init__(self, jobs, context):
        self._workers = []
        self._pid = os.getpid()
        try:
            for job in jobs:
                with postponed(), _masked(context):
                    self._workers.append(_Process(job, context))
        except BaseException:
            self.stop(0)
            raise

    def send(self, number, task):
        """Give a task to a worker."""
        # One that is dead is found out by whoever waits for its answer.
        with contextlib.suppress(OSError):
            self._workers[number].tasks.send(task)

    def receive(self, numbers, timeout):
        """(number, answer) of the first of these workers that has one.

        Raises TimeoutError after `timeout` seconds (None: never), RuntimeError where a worker is dead.
        """
        waiting = {}
        for number in numbers:
            waiting[self._workers[number].answers] = waiting[self._workers[number].process.sentinel] = number
        ready = connection.wait(list(waiting), timeout)
        if not ready:
            raise TimeoutError
        # What a dead worker has still answered counts.
        number = waiting[ready[0]]
        answers = self._workers[number].answers
        try:
            message = transfer.receive(answers) if answers.poll(0) else None
        except (EOFError, ConnectionError):
            message = None
        if message is None:
            self._died(number)
        try:
            return number, transfer.load(*message)
        except Exception as error:
            return number, (RAISED, Raised(error, f"while reading what DataLoader worker process {number} sent"))

    def _died(self, number):
        process = self._workers[number].process
        _wait(process, 1)
        code = process.exitcode
        self.stop(0)
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                code = signal.Signals(-code).name
            how = f"DataLoader worker (pid {process.pid}) is killed by signal: {code}."
        else:
            how = (
                f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {code}. Its own output may "
                "say more, and so may num_workers=0."
            )
        raise RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly") from RuntimeError(how)

    def stop(self, grace):
        """End all workers: at the end of what they are at, or after `grace` seconds whatever they do."""
        if self._pid != os.getpid():
            return
        for each in self._workers:
            with contextlib.suppress(OSError):
                each.tasks.send(None)
            with postponed():
                each.tasks.close()
                each.answers.close()
        for end, seconds in ((None, grace), ("terminate", 1), ("kill", 1)):
            until = time.monotonic() + seconds
            with postponed():
                alive = [each.process for each in self._workers if each.process.is_alive()]
            for process in alive:
                if end is not None:
                    getattr(process, end)()
            for process in alive:
                _wait(process, max(0, until - time.monotonic()))

    def __del__(self):
        # Whoever was interrupted while stopping them has not come to the end.
        self.stop(0)


class _Process:
    """A worker process, and this process's ends of its pipes."""

    def __init__(self, job, context):
        with _torch_means_the_same():
            # Descriptors travel on the second, which must therefore be a socket.
            their_tasks, self.tasks = context.Pipe(False)
            self.answers, their_answers = context.Pipe(True)
            _held.update((self.tasks, self.answers))
            self.process = context.Process(target=run, args=(job, their_tasks, their_answers), daemon=True)
            self.process.start()
            their_tasks.close()
            their_answers.close()


def _wait(process, seconds):
    """Wait for the end of a process, and ask the system how it ended: an answer that is lost cannot be asked for again."""
    if connection.wait([process.sentinel], seconds):
        with postponed():
            process.join()


@contextlib.contextmanager
def _masked(context):
    """Ctrl-C waits, within a child, until the child has said what it does about it."""
    if context.get_start_method() == "forkserver" or not hasattr(signal, "pthread_sigmask"):
        # What the server inherits would hold for all of its children.
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WAITING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _torch_means_the_same():
    """A process that does not begin as a copy imports the program before it is told anything, but for its path."""
    if spelling.module != "torch":
        yield
        return
    folder = os.path.join(os.path.dirname(__file__), "spawned")
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


# -- within the worker


def run(job, tasks, answers):
    """The life of a worker process."""
    forget_postponed()
    # Ctrl-C is the parent's to answer. A handler, unlike SIG_IGN, is not inherited by programs that a dataset starts.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITING)
    seed(job)
    worker.told_process(WorkerInfo(job.worker_id, job.num_workers, job.seed, job.dataset))
    where = f"in DataLoader worker process {job.worker_id}"
    with contextlib.suppress(BrokenPipeError, ConnectionError):
        serve(job, _inbox(tasks), lambda answer: _send(answers, answer, where), where)


def seed(job):
    """Random numbers that no other worker has, and that follow from the loader's seed; one thread for long loops."""
    import random

    import numpy as np

    from ...functions.random import manual_seed
    from ...functions.settings import set_num_threads

    set_num_threads(1)
    random.seed(job.seed)
    manual_seed(job.seed)
    np.random.seed(worker._generate_state(job.base_seed, job.worker_id))


def _inbox(tasks):
    """A function that waits for the next task.

    A thread reads the pipe: the parent never waits to write to it, and its death is noticed whatever the dataset does.
    """
    import queue
    import threading

    inbox = queue.SimpleQueue()

    def read():
        task = True
        try:
            while task is not None:
                task = tasks.recv()
                inbox.put(task)
        except (EOFError, OSError):
            inbox.put(None)
            # The parent is gone: whoever has not come to an end by then is not waited for.
            time.sleep(2)
            os._exit(1)

    threading.Thread(target=read, daemon=True, name="rushlight-tasks").start()
    return inbox.get


def _send(answers, answer, where):
    try:
        transfer.send(answers, answer)
    except (BrokenPipeError, ConnectionError):
        raise
    except Exception as error:
        kind, what = answer
        if kind == RAISED:
            # Of a class that cannot be sent.
            what.type = RuntimeError
        else:
            what = Raised(error, where)
        transfer.send(answers, (RAISED, what))
