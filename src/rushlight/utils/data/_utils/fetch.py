"""From indices to a batch."""

import numpy as np

from ....core import wrap
from ..dataset import Subset, TensorDataset
from . import collate

_COLLATED_BY = dict(collate.default_collate_fn_map)


class _BaseDatasetFetcher:
    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Takes the next samples of an iterator; raises StopIteration where there are none."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter = iter(dataset)
        self.ended = False

    def fetch(self, index):
        """The next batch; `index` is a list as long as the batch shall be."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.dataset_iter))
        samples = []
        for _ in index:
            try:
                samples.append(next(self.dataset_iter))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.collate_fn(samples)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Takes the samples at the indices."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        plain = collate_fn is collate.default_collate and collate.default_collate_fn_map == _COLLATED_BY
        self.tensors = _tensors_below(dataset) if auto_collation and plain else None

    def fetch(self, index):
        """The batch of the samples at a list of indices; without collation, the sample at an index."""
        if self.tensors is not None:
            batch = self._rows(index)
            if batch is not None:
                return batch
        try:
            if not self.auto_collation:
                data = self.dataset[index]
            elif getattr(self.dataset, "__getitems__", None):
                data = self.dataset.__getitems__(index)
            else:
                data = [self.dataset[i] for i in index]
        except StopIteration as error:
            raise RuntimeError("the dataset raised StopIteration") from error
        return self.collate_fn(data)

    def _rows(self, index):
        """What collating the samples of a TensorDataset gives, as one look-up in each tensor; None where it is not."""
        dataset = self.dataset
        try:
            while type(dataset) is Subset:
                index, dataset = [dataset.indices[i] for i in index], dataset.dataset
            places = np.array(index)
            if places.dtype.kind != "i" or places.ndim != 1 or not collate.without_history(self.tensors):
                return None
            return [wrap(_looked_up(x._array, places)) for x in self.tensors]
        except (IndexError, TypeError, ValueError):
            # The look-up of one sample after the other says what is wrong.
            return None


def _looked_up(array, places):
    """Rows of an array. `take` is the quicker one, and copies first the whole of an array whose rows are not in order."""
    return array.take(places, 0) if array.flags.c_contiguous else array[places]


def _tensors_below(dataset):
    """The tensors of a TensorDataset, also below Subsets of it; None for other datasets."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return dataset.tensors if type(dataset) is TensorDataset else None
