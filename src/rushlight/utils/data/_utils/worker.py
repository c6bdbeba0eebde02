"""What a worker does, be it a process or a thread: fetch batches, one after the other, and send them back."""

import threading
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....generator import Generator
from . import fetch

ITERABLE, MAP = 1, 0
# Kinds of tasks and answers: a batch, to begin anew with the dataset; an exception, there are no more samples.
FETCH, RESUME, RAISED, ENDED = "fetch", "resume", "raised", "ended"

# The WorkerInfo of this process, where it is a worker.
_worker_info = None
_of_thread = threading.local()


@dataclass(frozen=True)
class _RNG:
    """Generators of a worker thread's own, seeded as those of a worker process are."""

    random_generator: Any
    torch_generator: Any
    numpy_generator: Any = None


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this is: `id` of `num_workers`, its `seed`, its copy of the `dataset`.

    Worker threads have `rng`, generators of their own, and are told apart by `worker_method`.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: Any = "multiprocessing"


def get_worker_info():
    """The WorkerInfo of the worker that this runs in; None elsewhere.

    In a worker process all threads know it, of worker threads each knows its own.

    >>> from rushlight.utils.data import DataLoader, get_worker_info
    >>> class Mine:
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return index, get_worker_info().id
    >>> list(DataLoader(Mine(), num_workers=2, batch_size=None, multiprocessing_context="thread"))
    [[0, 0], [1, 1]]
    """
    return getattr(_of_thread, "info", _worker_info)


def told_process(info):
    """Let all of this process know that it is a worker."""
    global _worker_info
    _worker_info = info


def told_thread(info):
    """Let this thread know that it is a worker."""
    _of_thread.info = info


def own_generators(seed, base_seed, worker_id):
    """The generators of a worker thread: what a worker process seeds globally."""
    import random

    return _RNG(
        random.Random(seed),
        Generator().manual_seed(seed),
        np.random.default_rng(_generate_state(base_seed, worker_id)),
    )


def _generate_state(base_seed, worker_id):
    """The seed of NumPy's generator, which must not be the same in two workers: four words of 32 bits."""
    entropy = (worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0)
    return np.random.SeedSequence(np.array(entropy, np.uint32)).generate_state(4).tolist()


@dataclass
class Job:
    """What a worker is told when it starts."""

    kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    worker_id: int
    num_workers: int

    @property
    def seed(self):
        """The worker's own seed."""
        return self.base_seed + self.worker_id


def create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last):
    """The fetcher for a kind of dataset."""
    made = fetch._MapDatasetFetcher if kind == MAP else fetch._IterableDatasetFetcher
    return made(dataset, auto_collation, collate_fn, drop_last)


class Raised:
    """An exception on its way to the one who iterates: its type, and a text with the worker's traceback."""

    def __init__(self, error, where):
        self.type = type(error)
        lines = "".join(traceback.format_exception(error))
        self.text = f"Caught {self.type.__name__} {where}.\nOriginal {lines}"

    def reraise(self):
        """Raise an exception of the same type; RuntimeError where that takes other arguments than a text."""
        if self.type is KeyError:
            raise KeyError(_Readable(self.text))
        if self.type is StopIteration:
            raise RuntimeError(self.text)
        try:
            # Some keep the text that they were made of, and find it by this name.
            error = self.type(message=self.text) if hasattr(self.type, "message") else self.type(self.text)
        except Exception:
            raise RuntimeError(self.text) from None
        raise error


class _Readable(str):
    """A text whose repr is the text: KeyError shows that of its argument."""

    def __repr__(self):
        return str(self)


def serve(job, receive, send, where):
    """Answer tasks until None comes: (FETCH, index) by (FETCH, batch), (RAISED, what) or (ENDED, None)."""
    fetcher, failed = _begun(job, where, job.init_fn)
    while (task := receive()) is not None:
        kind, index = task
        if kind == RESUME:
            if failed is None:
                fetcher, failed = _begun(job, where)
            send((RESUME, None))
        elif failed is not None:
            send((RAISED, failed))
        else:
            send(_fetched(fetcher, index, where))


def _begun(job, where, init_fn=None):
    """(a fetcher at the beginning of the dataset, None), or (None, what was raised)."""
    try:
        if init_fn is not None:
            init_fn(job.worker_id)
        return create_fetcher(job.kind, job.dataset, job.auto_collation, job.collate_fn, job.drop_last), None
    except Exception as error:
        return None, Raised(error, where)


def _fetched(fetcher, index, where):
    try:
        return FETCH, fetcher.fetch(index)
    except StopIteration:
        return ENDED, None
    except Exception as error:
        return RAISED, Raised(error, where)
