"""The part of a dataset that one of several processes takes."""

import math

from ...errors import noted
from ...generator import Generator
from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Every `num_replicas`-th index from the `rank`-th on, of an order that is the same in all processes.

    The order follows from `seed` and from the number that `set_epoch` was told. The parts are of one size: the first
    indices come again at the end, or with `drop_last` the last ones are left out. `num_replicas` and `rank` must be
    given: here is no process group to ask for them, and ValueError says so.

    >>> from rushlight.utils.data import DistributedSampler
    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        if num_replicas is None or rank is None:
            raise noted(
                ValueError(
                    "Default process group has not been initialized, please make sure to call init_process_group."
                ),
                "Rushlight has no process groups: give num_replicas and rank.",
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self):
        n = len(self.dataset)
        if self.shuffle:
            indices = Generator().manual_seed(self.seed + self.epoch).randperm(n).tolist()
        else:
            indices = list(range(n))
        if not self.drop_last and indices:
            indices = indices * math.ceil(self.total_size / n)
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Tell the number of the epoch, so that each has an order of its own."""
        self.epoch = epoch
