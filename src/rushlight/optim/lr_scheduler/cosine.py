"""Schedulers along half a cosine: from the given rate down to the least, once and back, or again and again."""

import math

from .base import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """lr(t) = eta_min + (lr(0) - eta_min) * (1 + cos(pi * t / T_max)) / 2, which rises again after epoch `T_max`.

    Computed from the rate before, so that it goes together with other schedulers. Loshchilov and Hutter, "SGDR:
    stochastic gradient descent with warm restarts" (2016), equation 5, without the restarts.

    >>> import rushlight
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0)
    >>> scheduler = rushlight.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for epoch in range(5):
    ...     print(f"{scheduler.get_last_lr()[0]:.3f}")
    ...     optimizer.step()
    ...     scheduler.step()
    1.000
    0.854
    0.500
    0.146
    0.000
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._check_within_step()
        if self._is_initial:
            return self._lrs()
        epoch, low = self.last_epoch, self.eta_min
        if self._step_count == 1 and epoch > 0:
            return self._get_closed_form_lr()
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # At the bottom the ratio below is 0 / 0.
            risen = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - low) * risen for base, lr in zip(self.base_lrs, self._lrs(), strict=True)]
        height, before = (1 + math.cos(math.pi * e / self.T_max) for e in (epoch, epoch - 1))
        return [height / before * (lr - low) + low for lr in self._lrs()]

    def _get_closed_form_lr(self):
        return _annealed(self.base_lrs, self.eta_min, self.last_epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the given rate to `eta_min` in `T_0` epochs, then again from the top, `T_mult` times as long.

    lr = eta_min + (lr(0) - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2, where T_cur counts from the last restart, and T_i is
    the length of this round. `step(epoch)` goes to any epoch, also to a fraction of one. Loshchilov and Hutter, "SGDR:
    stochastic gradient descent with warm restarts" (2016), equation 5. ValueError for a `T_0` or `T_mult` that is no
    positive whole number, and for a negative epoch.

    >>> import rushlight
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0)
    >>> scheduler = rushlight.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for epoch in range(4):
    ...     print(f"{scheduler.get_last_lr()[0]:.3f}")
    ...     optimizer.step()
    ...     scheduler.step()
    1.000
    0.500
    1.000
    0.500
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._check_within_step()
        return _annealed(self.base_lrs, self.eta_min, self.T_cur / self.T_i)

    def step(self, epoch=None):
        """Go on to the next epoch, or to the one that is named, which may be a fraction: `epoch + i / batches`."""
        self._update_lr(0 if epoch is None and self.last_epoch < 0 else epoch)

    def _update_lr(self, epoch=None):
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_lr(self.get_lr)

    def _go_to(self, epoch):
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        self.T_cur, self.T_i = epoch, self.T_0
        if self.T_mult == 1:
            self.T_cur = epoch % self.T_0
            return
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult


def _annealed(tops, low, part):
    """Where half a cosine is when that part of it is over."""
    return [low + (top - low) * (1 + math.cos(math.pi * part)) / 2 for top in tops]
