"""DataLoader: batches of a dataset, made here or by workers."""

import itertools
import math
import os
import warnings
from collections import deque
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from ...errors import noted
from ...generator import default_generator
from ._utils import worker
from ._utils.collate import default_collate, default_convert
from ._utils.worker import ENDED, FETCH, RESUME, get_worker_info
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, drawn_seed

_T_co = TypeVar("_T_co", covariant=True)

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

THREAD = "thread"
# Seconds that workers have to finish what they are at; after Ctrl-C there is less patience.
_GRACE, _HASTE = 5.0, 0.5


class _DatasetKind:
    Map = worker.MAP
    Iterable = worker.ITERABLE
    create_fetcher = staticmethod(worker.create_fetcher)


class _InfiniteConstantSampler(Sampler):
    """Stands for the order of an IterableDataset, which only the dataset knows."""

    def __iter__(self):
        return itertools.repeat(None)


class DataLoader(Generic[_T_co]):
    """Batches of a dataset, in the same order as PyTorch's for the same seed.

    Args:
        dataset: samples by index (`dataset[i]`, and `len(dataset)` unless a sampler is given), or an IterableDataset.
        batch_size: samples of a batch; None hands on each sample by itself.
        shuffle: a new random order for each pass.
        sampler, batch_sampler: other orders, of indices or of lists of them.
        num_workers: workers that make batches ahead of time; with 0 they are made when they are asked for.
        collate_fn: makes a batch of a list of samples; `default_collate`, or `default_convert` without batches.
        pin_memory, pin_memory_device: no effect, and a warning: there is no accelerator.
        drop_last: leave out a last short batch.
        timeout: seconds to wait for a worker's batch, after which RuntimeError is raised; 0 waits for ever.
        worker_init_fn: called in each worker with its number.
        multiprocessing_context: how processes are started ("fork", "spawn", "forkserver" or a context of
            `multiprocessing`), or "thread" for workers that are threads of this process.
        generator: where the order and the workers' seeds are drawn from.
        prefetch_factor: batches that each worker makes ahead, 2 by default.
        persistent_workers: keep the workers from one pass to the next.
        in_order: with False, batches come as they are ready.

    Raises ValueError and TypeError for arguments that contradict each other. An exception in a worker is raised here
    again, with the worker's traceback in its text; RuntimeError where a worker was killed.

    >>> import rushlight
    >>> from rushlight.utils.data import DataLoader, TensorDataset
    >>> x, y = rushlight.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), rushlight.tensor([0, 1, 2])
    >>> for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=2):
    ...     print(tuple(inputs.shape), labels)
    (2, 2) tensor([0, 1])
    (1, 2) tensor([2])
    """

    __initialized = False
    _iterator = None
    _FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")

    def __init__(
        self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
        pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None,
        generator=None, *, prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True,
    ):  # fmt: skip
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.generator = generator
        self.persistent_workers = persistent_workers

        iterable = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if iterable else _DatasetKind.Map
        if iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        _check_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            if iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._IterableDataset_len_called = None
        self.__initialized = True
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self):
        """The context that worker processes are started by, "thread" for worker threads, None for the default."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        self.__multiprocessing_context = None if context is None else _context(context, self.num_workers)

    def __setattr__(self, name, value):
        if self.__initialized and name in self._FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if not self.persistent_workers or not self.num_workers:
            return self._get_iterator()
        if self._iterator is None or self._iterator._closed:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def _get_iterator(self):
        return (_MultiProcessingDataLoaderIter if self.num_workers else _SingleProcessDataLoaderIter)(self)

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self):
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def check_worker_number_rationality(self):
        """Warn of more worker processes than there are processors to run them."""
        if not self.num_workers or self.multiprocessing_context == THREAD:
            return
        most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if most is None or self.num_workers <= most:
            return
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of "
            f"worker in current system is {most}, which is smaller than what this DataLoader is going to create. Please "
            "be aware that excessive worker creation might get DataLoader running slow or even freeze, lower the worker "
            "number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_iterable(shuffle, sampler, batch_sampler):
    unwanted = {"shuffle": shuffle if shuffle not in (None, False) else None}
    unwanted |= {"sampler": sampler, "batch_sampler": batch_sampler}
    for name, given in unwanted.items():
        if given is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={given}"
            )


def _check_order(batch_size, shuffle, sampler, batch_sampler, drop_last):
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


def _context(context, num_workers):
    """The context that workers are started by, of its name."""
    import multiprocessing
    from multiprocessing.context import BaseContext

    if not num_workers > 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
    if isinstance(context, BaseContext) or context == THREAD:
        return context
    if not isinstance(context, str):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got multiprocessing_context={context}"
        )
    methods = multiprocessing.get_all_start_methods()
    if context not in methods:
        raise noted(
            ValueError(
                f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                f"multiprocessing_context={context!r}"
            ),
            f"{THREAD!r} is valid too: workers are threads then.",
        )
    return multiprocessing.get_context(context)


class _BaseDataLoaderIter:
    """One pass over a DataLoader; draws from the loader's generator when and what PyTorch's does."""

    _closed = False

    def __init__(self, loader):
        self._dataset_kind = loader._dataset_kind
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._timeout = loader.timeout
        self._persistent_workers = loader.persistent_workers
        if loader.pin_memory:
            _warn_of_pinning(loader.pin_memory_device)
        self._start(loader)
        self._base_seed = drawn_seed(loader.generator or default_generator)

    def _start(self, loader):
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._reported = loader._IterableDataset_len_called
        self._dataset = loader.dataset

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._index_sampler)

    def __next__(self):
        data = self._next_data()
        self._num_yielded += 1
        if self._reported is not None and self._num_yielded > self._reported:
            self._warn_of_length()
        return data

    def _warn_of_length(self):
        workers = (
            "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset "
            "replica at each worker. Please see https://pytorch.org/docs/stable/data.html#torch.utils.data."
            "IterableDataset for examples."
        )
        warnings.warn(
            f"Length of IterableDataset {self._dataset} was reported to be {self._reported}(when accessing "
            f"len(dataloader)), but {self._num_yielded} samples have been fetched. {workers * bool(self._num_workers)}",
            stacklevel=3,
        )


def _warn_of_pinning(device):
    if device:
        warnings.warn(
            "pin_memory_device is deprecated, the current accelerator will be used as the device,ignore "
            f"pin_memory_device='{device}'.",
            stacklevel=5,
        )
    warnings.warn(
        "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.",
        stacklevel=5,
    )


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes each batch when it is asked for."""

    def __init__(self, loader):
        super().__init__(loader)
        self._fetch = worker.create_fetcher(
            self._dataset_kind, self._dataset, loader._auto_collation, loader.collate_fn, self._drop_last
        ).fetch

    def _next_data(self):
        return self._fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands indices out to workers, in turn, and their batches on.

    Answers are taken in the order of the tasks, so that which worker makes which batch never depends on who is quicker;
    that is so with an IterableDataset too, of which some workers end before others.
    """

    _pool = None

    def __init__(self, loader):
        super().__init__(loader)
        self._ahead = loader.prefetch_factor * self._num_workers
        if not self._ahead:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._in_order = loader.in_order
        jobs = [
            worker.Job(
                self._dataset_kind, self._dataset, loader._auto_collation, loader.collate_fn, self._drop_last,
                self._base_seed, loader.worker_init_fn, number, self._num_workers,
            )
            for number in range(self._num_workers)
        ]  # fmt: skip
        self._asked = deque()
        self._pool = _started(jobs, loader.multiprocessing_context)
        self._give_first_tasks()

    def _give_first_tasks(self):
        self._turn = 0
        # The workers that have a task, in the order of their tasks, and those that can have another.
        self._asked = deque()
        self._active = [True] * self._num_workers
        for _ in range(self._ahead):
            self._give_task()

    def _reset(self, loader):
        """Begin another pass with the same workers."""
        for number in range(self._num_workers):
            self._pool.send(number, (RESUME, None))
        for number in range(self._num_workers):
            while self._answer((number,), None)[1][0] != RESUME:
                pass
        self._start(loader)
        self._give_first_tasks()

    def _next_data(self):
        while self._asked:
            numbers = (self._asked[0],) if self._in_order else tuple(dict.fromkeys(self._asked))
            number, (kind, data) = self._answer(numbers, self._timeout or None)
            self._asked.remove(number)
            if kind == ENDED:
                self._active[number] = False
            self._give_task()
            if kind == FETCH:
                return data
            if kind != ENDED:
                data.reraise()
        if not self._persistent_workers:
            self._shutdown_workers()
        raise StopIteration

    def _answer(self, numbers, timeout):
        try:
            return self._pool.receive(numbers, timeout)
        except TimeoutError:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except BaseException:
            # A worker is dead, or this process was interrupted in the middle of an answer.
            self._shutdown_workers(_HASTE)
            raise

    def _give_task(self):
        if not any(self._active):
            return
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        number = self._next_worker()
        self._asked.append(number)
        self._pool.send(number, (FETCH, index))

    def _next_worker(self):
        """The next one in turn of those that have samples left; out of order, of those the one with least to do."""
        turns = [(self._turn + step) % self._num_workers for step in range(self._num_workers)]
        able = [number for number in turns if self._active[number]]
        number = able[0] if self._in_order else min(able, key=self._asked.count)
        self._turn = (number + 1) % self._num_workers
        return number

    def _shutdown_workers(self, grace=_GRACE):
        if self._pool is None or self._closed:
            return
        self._closed = True
        self._asked.clear()
        self._pool.stop(grace)

    def __del__(self):
        self._shutdown_workers()


def _started(jobs, context):
    """The workers for the jobs."""
    if context == THREAD:
        from .threads import Threads

        return Threads(jobs)
    import multiprocessing

    from .processes import Processes

    return Processes(jobs, context or multiprocessing.get_context())
