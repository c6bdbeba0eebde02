"""Functions that make arrays."""

import rushlight

from .types import is_kind


def _shape(shape):
    return (shape,) if isinstance(shape, int) else tuple(shape)


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    """Numbers from start (0 where stop is left out) to before stop."""
    if stop is None:
        start, stop = 0, start
    # The standard has an empty array where the step leads away; rushlight, as PyTorch, an error.
    if (stop - start) * step <= 0:
        kinds = rushlight.result_type(rushlight.tensor(start + stop + step), rushlight.tensor(0))
        return rushlight.empty(0, dtype=dtype or kinds, device=device)
    if dtype is not None and is_kind(dtype, "integral") and isinstance(start + stop + step, float):
        # Whole numbers of the steps, not steps of their whole numbers.
        return rushlight.arange(start, stop, step, dtype=rushlight.float64).to(dtype)
    return rushlight.arange(start, stop, step, dtype=dtype, device=device)


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """A tensor of numbers, nested sequences, or anything with a buffer; copied where it must be, or as `copy` says."""
    return rushlight.asarray(obj, dtype=dtype, device=device, copy=copy)


def empty(shape, *, dtype=None, device=None):
    return rushlight.empty(_shape(shape), dtype=dtype, device=device)


def empty_like(x, /, *, dtype=None, device=None):
    return rushlight.empty_like(x, dtype=dtype, device=device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    """Ones on the k-th diagonal."""
    columns = n_rows if n_cols is None else n_cols
    where = rushlight.arange(n_rows)[:, None] + k == rushlight.arange(columns)
    return where.to(dtype or rushlight.get_default_dtype())


def from_dlpack(x, /, *, device=None, copy=None):
    return rushlight.from_dlpack(x, device=device, copy=copy)


def full(shape, fill_value, *, dtype=None, device=None):
    return rushlight.full(_shape(shape), fill_value, dtype=dtype, device=device)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    return rushlight.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    """`num` numbers at equal distances; without the last where `endpoint` is false."""
    if dtype is None and (isinstance(start, complex) or isinstance(stop, complex)):
        dtype = rushlight.promote_types(rushlight.get_default_dtype(), rushlight.complex64)
    if num == 0 or endpoint:
        return rushlight.linspace(start, stop, num, dtype=dtype, device=device)
    return rushlight.linspace(start, stop, num + 1, dtype=dtype, device=device)[:-1]


def meshgrid(*arrays, indexing="xy"):
    return tuple(rushlight.meshgrid(*arrays, indexing=indexing)) if arrays else ()


def ones(shape, *, dtype=None, device=None):
    return rushlight.ones(_shape(shape), dtype=dtype, device=device)


def ones_like(x, /, *, dtype=None, device=None):
    return rushlight.ones_like(x, dtype=dtype, device=device)


def tril(x, /, *, k=0):
    return rushlight.tril(x, k)


def triu(x, /, *, k=0):
    return rushlight.triu(x, k)


def zeros(shape, *, dtype=None, device=None):
    return rushlight.zeros(_shape(shape), dtype=dtype, device=device)


def zeros_like(x, /, *, dtype=None, device=None):
    return rushlight.zeros_like(x, dtype=dtype, device=device)
