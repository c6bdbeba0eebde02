"""Samplers: in which order indices come, equal to PyTorch's for the same seed."""

import itertools
from typing import Generic, TypeVar

from ...functions.literal import as_tensor
from ...generator import Generator, default_generator

_T_co = TypeVar("_T_co", covariant=True)

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler",
]  # fmt: skip


class Sampler(Generic[_T_co]):
    """An order of indices, or of lists of them: subclasses define `__iter__`, and mostly `__len__`."""

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2 and so on."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All indices in a random order, `num_samples` of them; with `replacement` each is drawn by itself.

    Without a `generator` each pass takes a seed from the default one, and draws from a generator of its own.

    >>> import rushlight
    >>> from rushlight.utils.data import RandomSampler
    >>> list(RandomSampler(range(5), generator=rushlight.Generator().manual_seed(0)))
    [4, 0, 1, 3, 2]
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self):
        """How many indices come; by default as many as there are samples, also where their number changes."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n, count = len(self.data_source), self.num_samples
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(drawn_seed(default_generator))
        if self.replacement:
            # Thirty-two at a time, and nothing drawn that is not asked for: the stream is PyTorch's.
            for size in [32] * (count // 32) + [count % 32]:
                yield from generator.randint(0, n, size).tolist()
            return
        for _ in range(count // n):
            yield from generator.randperm(n).tolist()
        yield from generator.randperm(n)[: count % n].tolist()

    def __len__(self):
        return self.num_samples


def drawn_seed(generator):
    """A seed from a generator, as PyTorch draws one."""
    return int(generator.random_((), "int64"))


class SubsetRandomSampler(Sampler[int]):
    """The given indices in a random order."""

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for place in (self.generator or default_generator).randperm(len(self.indices)).tolist():
            yield self.indices[place]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` of the indices 0 to len(weights) - 1, drawn with chances in proportion to `weights`.

    The weights need not sum to 1. Raises ValueError for weights of another shape than (n,) and for a number of samples
    that is not positive.

    >>> import rushlight
    >>> from rushlight.utils.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0, 3, 0, 1], 4, generator=rushlight.Generator().manual_seed(0)))
    [3, 1, 1, 3]
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype="float64")
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        generator = self.generator or default_generator
        yield from generator.multinomial(self.weights._array, self.num_samples, self.replacement).tolist()

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler[list]):
    """The indices of another sampler in lists of `batch_size`; a last short one is left out with `drop_last`.

    >>> from rushlight.utils.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self):
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1
