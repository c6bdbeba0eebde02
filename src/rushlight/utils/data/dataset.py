"""Datasets: what has samples by index or one after the other, and datasets made of others."""

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable
from typing import Generic, TypeVar

from ...generator import default_generator

_T_co = TypeVar("_T_co", covariant=True)

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset",
    "random_split",
]  # fmt: skip


class Dataset(Generic[_T_co]):
    """Samples by index: subclasses define `__getitem__`, and `__len__` for the samplers that need it.

    `__getitems__(indices)`, which returns a list of samples, is called instead for a whole batch where there is one.

    >>> from rushlight.utils.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index * index
    >>> list(DataLoader(Squares(), batch_size=3))
    [tensor([0, 1, 4]), tensor([9])]
    """

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset[_T_co], Iterable[_T_co]):
    """Samples one after the other: subclasses define `__iter__`.

    Each worker iterates over a copy of the dataset, and by `get_worker_info()` it knows which part is its own.
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Sample i is the tuple of the i-th entries of the tensors, which are of one size in their first dimension.

    >>> import rushlight
    >>> from rushlight.utils.data import TensorDataset
    >>> TensorDataset(rushlight.tensor([0.5, 1.5]), rushlight.tensor([1, 2]))[1]
    (tensor(1.5000), tensor(2))
    """

    def __init__(self, *tensors):
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self):
        return self.tensors[0].size(0)


class StackDataset(Dataset):
    """Sample i is a tuple (or, of keyword arguments, a dictionary) of the i-th samples of the datasets.

    >>> from rushlight.utils.data import StackDataset
    >>> StackDataset(image=["a", "b"], text=["c", "d"])[1]
    {'image': 'b', 'text': 'd'}
    """

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        parts = self._parts()
        self._length = len(parts[0])
        if any(len(part) != self._length for part in parts):
            raise ValueError("Size mismatch between datasets")

    def _parts(self):
        return list(self.datasets.values()) if isinstance(self.datasets, dict) else list(self.datasets)

    def _sample(self, values):
        return dict(zip(self.datasets, values)) if isinstance(self.datasets, dict) else tuple(values)

    def __getitem__(self, index):
        return self._sample([part[index] for part in self._parts()])

    def __getitems__(self, indices):
        columns = [_several(part, indices) for part in self._parts()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(column)}")
        return [self._sample(row) for row in zip(*columns)]

    def __len__(self):
        return self._length


def _several(dataset, indices):
    """The samples at the indices, by one call where the dataset offers it."""
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


class ConcatDataset(Dataset[_T_co]):
    """One dataset after the other, each with a length.

    >>> from rushlight.utils.data import ConcatDataset
    >>> [ConcatDataset(["ab", "cde"])[i] for i in (1, 2, -1)]
    ['b', 'c', 'e']
    """

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence):
        """Where each of the datasets ends."""
        return list(itertools.accumulate(len(dataset) for dataset in sequence))

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        begin = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][idx - begin]

    @property
    def cummulative_sizes(self):
        """`cumulative_sizes`, as it was once spelled."""
        warnings.warn("`cummulative_sizes` attribute is renamed to `cumulative_sizes`", FutureWarning, stacklevel=2)
        return self.cumulative_sizes


class ChainDataset(IterableDataset):
    """The samples of one IterableDataset after those of the other."""

    def __init__(self, datasets):
        super().__init__()
        self.datasets = datasets

    def __iter__(self):
        for dataset in self.datasets:
            yield from self._checked(dataset)

    def __len__(self):
        return sum([len(self._checked(dataset)) for dataset in self.datasets])

    @staticmethod
    def _checked(dataset):
        if not isinstance(dataset, IterableDataset):
            raise AssertionError("ChainDataset only supports IterableDataset")
        return dataset


class Subset(Dataset[_T_co]):
    """The samples of a dataset at the given indices.

    >>> from rushlight.utils.data import Subset
    >>> Subset("abcd", [3, 0])[0]
    'd'
    """

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        return _several(self.dataset, [self.indices[index] for index in indices])

    def __len__(self):
        return len(self.indices)


def random_split(dataset, lengths, generator=default_generator):
    """Divide a dataset at random into Subsets of the given lengths, or of fractions that sum to 1.

    Of fractions, what rounding down leaves over goes to the first parts, one sample each. Raises ValueError where
    the lengths do not sum to the dataset's.

    >>> import rushlight
    >>> from rushlight.utils.data import random_split
    >>> parts = random_split(range(10), [0.7, 0.3], rushlight.Generator().manual_seed(0))
    >>> [list(part) for part in parts]
    [[4, 1, 7, 5, 3, 9, 0], [8, 6, 2]]
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _shares(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    indices = (generator or default_generator).randperm(sum(lengths)).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, indices[end - length : end]) for end, length in zip(ends, lengths)]


def _shares(total, fractions):
    """Whole numbers that sum to `total`, as near to the fractions as rounding down allows."""
    for place, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {place} is not between 0 and 1")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for place in range(total - sum(lengths)):
        lengths[place % len(lengths)] += 1
    for place, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {place} is 0. This might result in an empty dataset.", stacklevel=3
            )
    return lengths
