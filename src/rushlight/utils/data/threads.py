"""Worker threads: for datasets that spend their time where Python's lock is released, or that cannot be copied."""

import contextlib
import copy
import queue
import threading
import time
from collections import deque

from ._utils import worker
from ._utils.worker import RAISED, Raised, WorkerInfo, serve


class Threads:
    """The worker threads of one iterator, with the methods of Processes."""

    def __init__(self, jobs):
        self._answers = queue.SimpleQueue()
        self._waiting = [deque() for _ in jobs]
        self._inboxes = [queue.SimpleQueue() for _ in jobs]
        self._threads = [
            threading.Thread(
                target=_run, args=(job, inbox, self._answers), daemon=True, name=f"rushlight-worker-{job.worker_id}"
            )
            for job, inbox in zip(jobs, self._inboxes)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, number, task):
        """Give a task to a worker."""
        self._inboxes[number].put(task)

    def receive(self, numbers, timeout):
        """(number, answer) of the first of these workers that has one; TimeoutError after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            for number in numbers:
                if self._waiting[number]:
                    return number, self._waiting[number].popleft()
            try:
                rest = None if until is None else max(0, until - time.monotonic())
                number, answer = self._answers.get(timeout=rest)
            except queue.Empty:
                raise TimeoutError from None
            self._waiting[number].append(answer)

    def stop(self, grace):
        """End all workers at the end of what they are at, which is waited for at most `grace` seconds."""
        for inbox in self._inboxes:
            # What has not been begun is not begun.
            with contextlib.suppress(queue.Empty):
                while True:
                    inbox.get_nowait()
            inbox.put(None)
        until = time.monotonic() + grace
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0, until - time.monotonic()))


def _run(job, inbox, answers):
    """The life of a worker thread."""
    # As in a process, what a worker sets on its dataset is its own. What the dataset refers to is shared.
    with contextlib.suppress(Exception):
        job.dataset = copy.copy(job.dataset)
    rng = worker.own_generators(job.seed, job.base_seed, job.worker_id)
    worker.told_thread(WorkerInfo(job.worker_id, job.num_workers, job.seed, job.dataset, rng, "thread"))
    where = f"in DataLoader worker thread {job.worker_id}"

    def send(answer):
        answers.put((job.worker_id, answer))

    try:
        serve(job, inbox.get, send, where)
    except BaseException as error:
        # SystemExit and its like end the work, not the program, and nobody waits for it.
        raised = Raised(error, where)
        raised.type = RuntimeError
        send((RAISED, raised))
        while inbox.get() is not None:
            send((RAISED, raised))
