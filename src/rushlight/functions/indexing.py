"""x[index], x[index] = value and index_put, with PyTorch's rules.

An index falls into a basic part (integers, slices, None, Ellipsis), which makes a view, and an advanced part (masks
and integer arrays), which gathers from that view. Integers are always basic: x[0, :, [1, 2]] is x[0][:, [1, 2]], as
in PyTorch and other than in NumPy.
"""

import functools
import warnings
from math import prod
from operator import index as as_int

import numpy as np

from .. import core, errors, watching
from ..bounds import C_NAMES
from ..core import TensorBase, wrap
from ..dtypes import of
from ..modes import grad_enabled
from ..ops import index as ops
from ..ops.copying import copy, to_dtype
from ..ops.copying import write as copy_over
from ..ops.declare import renamed
from ..ops.select import masked_select, places, write_masked_fill
from . import hidden_index, reading
from .arguments import accepts_out, check_flags, check_tensor, check_tensor_out
from .options import check_fits

FUNCTIONS = ("index_put", "index_put_")
METHODS = ("index_put",)

_FULL = slice(None)
_INT64 = np.dtype(np.int64)
# Elements from which on a compiled copy is faster than NumPy's.
_LONG = 1 << 15
_NUMBERS = (float, int, bool)
_SEQUENCE_WARNING = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], "
    "which will result either in an error or a different result"
)
_BYTE_WARNING = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
_WRONG_DTYPE = "tensors used as indices must be long, int, byte or bool tensors"


# -- reading


def getitem(x, index):
    """x[index] for every index: `reading` does the common ones that make a view by itself."""
    if watching.in_force:
        _note_index(index)
    if core.transforms_entered(0) and hidden_index.is_hidden(index):
        return hidden_index.getitem(x, index)
    if _is_mask(index) and index._array.shape == x._array.shape and x._array.ndim and not core.transforms_entered(0):
        # What backward needs is the mask as it is now.
        return _chosen(x, wrap(index._array.copy()) if recording(x) else index)
    key = _plain_key(x._array, index)
    if key is not None:
        # The places of a mask are nobody else's.
        lasting = not recording(x) or _is_mask(index)
        return _gathered(x, key if lasting else _lasting_key(key))
    op, basic, key, _ = split(x._array, index)
    if key is None:
        return _viewed(x, op, basic)
    return _gathered(_viewed(x, op, basic) if len(basic) > 1 else x, _lasting_key(key) if recording(x) else key)


_chosen = renamed(masked_select, "IndexBackward0")


def _note_index(index):
    for part in index if type(index) is tuple else (index,):
        if isinstance(part, TensorBase):
            watching.note("index", part, None)


def _is_mask(index):
    return isinstance(index, TensorBase) and index._array.dtype == np.bool_


def _lasting_key(key):
    """A key of arrays that no one else has: what backward needs is the index as it is now."""
    return tuple([part if type(part) is slice else part.copy() for part in key])


def _plain_key(array, index):
    """The key of one mask, or of tensors of integers and full slices; None where more must be looked at."""
    parts = index if type(index) is tuple else (index,)
    if not parts or len(parts) > array.ndim:
        return None
    key, used = [], 0
    for part in parts:
        if isinstance(part, TensorBase):
            part = part._array
            if part.dtype != _INT64 or part.ndim == 0:
                break
            used = len(key) + 1
        elif type(part) is not slice or not (part.start is part.stop is part.step is None):
            break
        key.append(part)
    else:
        return tuple(key[:used]) if used else None
    part = parts[0]
    if len(parts) > 1 or not isinstance(part, TensorBase) or part._array.dtype != np.bool_:
        return None
    mask = part._array
    return places(mask) if mask.ndim and mask.shape == array.shape[: mask.ndim] else None


def _viewed(x, op, key):
    try:
        return op(x, index=key)
    except (IndexError, ValueError, OverflowError) as error:
        raise _translated(error, x._array, key) from None


def _gathered(x, key):
    try:
        return ops.index(x, key=key)
    except IndexError as error:
        _check_key(key, x._array.shape)
        raise error


def _translated(error, array, key):
    """NumPy's complaint about a basic index in PyTorch's words."""
    text = str(error)
    if text.startswith("too many"):
        return _too_many(array, key)
    if isinstance(error, OverflowError) or text.startswith(("cannot fit", "only integers")):
        return ValueError("Overflow when unpacking long long")
    error = type(error)(text.replace("axis", "dimension"))
    return errors.coded("RL309", error) if "out of bounds" in text else error


def _too_many(array, index):
    if array.ndim == 0 and type(index) is int:
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
            "convert a 0-dim tensor to a number"
        )
    if array.ndim == 0 and type(index) is slice:
        return IndexError("slice() cannot be applied to a 0-dim tensor.")
    return errors.coded("RL310", IndexError(f"too many indices for tensor of dimension {array.ndim}"))


# -- what an index says


def split(array, index):
    """(view operation, basic index, advanced key or None, whether the key is one mask) of an index of `array`."""
    op, masks = ops.alias, 0
    basic, picked = [], []
    source = place = 0
    parts = _parts(index)
    spare = array.ndim - sum([_consumed(part) for part in parts])
    if spare < 0:
        raise _too_many(array, index)
    for part in parts:
        kind = type(part)
        if kind is int:
            basic.append(part)
            source += 1
            op = ops.select
            continue
        if part is ...:
            basic += [_FULL] * spare
            place, source, spare = place + spare, source + spare, 0
            continue
        if kind is slice:
            basic.append(part)
            op = op if part == _FULL else ops.getitem
        elif part is None or kind is bool:
            # True is a new dimension of size 1, False one of size 0.
            if kind is bool:
                picked.append((place, np.zeros(int(part), np.int64)))
            basic.append(None)
            place += 1
            op = ops.unsqueeze
            continue
        elif part.dtype == np.bool_:
            _check_mask(part, array, basic, source, place)
            picked += [(place + d, where) for d, where in enumerate(places(part))]
            masks += 1
            basic += [_FULL] * part.ndim
            place, source = place + part.ndim, source + part.ndim
            continue
        else:
            picked.append((place, part))
            basic.append(_FULL)
        place, source = place + 1, source + 1
    if not picked:
        return op, (*basic, ...), None, False
    key = [_FULL] * (picked[-1][0] + 1)
    for at, part in picked:
        key[at] = part
    return op, (...,) if op is ops.alias else (*basic, ...), tuple(key), masks == len(parts) == 1


def _parts(index):
    """The entries of an index: int, slice, None, Ellipsis, bool, and arrays of bool or int64."""
    if isinstance(index, tuple):
        return [_part(entry) for entry in index]
    if isinstance(index, (list, range)) and len(index) < 32 and any([_is_entry(entry) for entry in index]):
        warnings.warn(_SEQUENCE_WARNING, UserWarning, stacklevel=4)
        return [_part(entry) for entry in index]
    return [_part(index)]


def _is_entry(entry):
    """Whether an entry of a list makes PyTorch read the list as a tuple."""
    return entry is None or entry is ... or isinstance(entry, (slice, list, tuple, range, np.ndarray, TensorBase))


def _part(entry):
    kind = type(entry)
    if kind is int or kind is bool or entry is None or entry is ...:
        return entry
    if kind is slice:
        return _lasting_slice(entry)
    if isinstance(entry, TensorBase):
        return _index_array(entry._array)
    if isinstance(entry, (np.ndarray, list, tuple, range)):
        array = np.asarray(entry)
        if array.dtype.kind not in "biuf":
            raise errors.coded(
                "RL311", TypeError(f"new(): invalid data type '{type(array.reshape(-1)[0].item()).__name__}'")
            )
        return _index_array(array if array.dtype == np.bool_ else array.astype(np.int64))
    if isinstance(entry, (int, np.integer)):
        return int(entry)
    if isinstance(entry, str):
        raise errors.coded("RL311", TypeError("new(): invalid data type 'str'"))
    raise errors.coded(
        "RL311",
        IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {_type_name(entry)})"
        ),
    )


def _type_name(entry):
    kind = type(entry)
    return kind.__name__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__name__}"


def _lasting_slice(part):
    """A slice of plain numbers, which no one can change before backward."""
    try:
        numbers = [None if n is None else as_int(n) for n in (part.start, part.stop, part.step)]
    except TypeError:
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if numbers[2] is not None and numbers[2] < 0:
        raise ValueError("step must be greater than zero")
    return slice(*numbers)


def _index_array(array):
    """An array as an entry of an index: of bool or int64, or a number."""
    if array.dtype == np.uint8:
        warnings.warn(_BYTE_WARNING, UserWarning, stacklevel=2)
        array = array.astype(np.bool_)
    if array.dtype == np.bool_:
        return array if array.ndim else bool(array)
    if array.dtype != np.int64 and array.dtype != np.int32:
        raise errors.coded("RL311", IndexError(_WRONG_DTYPE))
    return array.astype(np.int64, copy=False) if array.ndim else int(array)


def _consumed(part):
    """How many dimensions of the tensor an entry speaks of."""
    if part is None or part is ... or type(part) is bool:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == np.bool_ else 1


def _check_mask(mask, array, basic, source, place):
    for d, n in enumerate(mask.shape):
        if n != array.shape[source + d]:
            raise errors.coded(
                "RL312",
                IndexError(
                    f"The shape of the mask {list(mask.shape)} at index {d} does not match the shape of the indexed tensor "
                    f"{list(array[(*basic, ...)].shape)} at index {place + d}"
                ),
            )


def _check_key(key, shape):
    _check_together(key)
    _check_inside(key, shape)


def _check_together(key):
    """IndexError in PyTorch's words for arrays that cannot be broadcast together."""
    if len(key) == 1:
        return
    shapes = [part.shape for part in key if type(part) is not slice]
    try:
        ops.common_shape(shapes)
    except ValueError:
        listed = ", ".join([str(list(shape)) for shape in shapes])
        raise errors.coded(
            "RL301",
            IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"),
        ) from None


def _check_inside(key, shape):
    """IndexError in PyTorch's words for arrays that point outside, and where they do."""
    if not all([type(part) is slice or part.size for part in key]):
        # Arrays that broadcast to none name no element, whatever the others say.
        return
    k = -1
    for part, n in zip(key, shape):
        if type(part) is slice:
            continue
        k += 1
        at = ops.first_outside(part, -n, n)
        if at < 0:
            continue
        if n == 0:
            raise errors.coded("RL309", IndexError("index is out of bounds for dimension with size 0"))
        raise errors.coded(
            "RL309",
            IndexError(f"index {part.reshape(-1)[at]} is out of bounds for dimension {k} with size {n}"),
            position=[int(p) for p in np.unravel_index(at, part.shape)],
        )


# -- writing


def setitem(input, index, value):
    """x[index] = value for every index and value: `reading` does the common ones by itself."""
    array = input._array
    if watching.in_force:
        _note_index(index)
    if input.inference:
        errors.check_inference(input)
    if type(value) in _NUMBERS and not recording(input) and _number_written(array, index, value):
        core.written(input)
        return
    if not isinstance(value, TensorBase):
        value = _constant(value, array.dtype)
    if index is False:
        return
    if reading.last_applied(index) is not None and not recording(input, value):
        _assigned(array, index, value)
        core.written(input)
        return
    if core.transforms_entered(0) and hidden_index.is_hidden(index):
        return hidden_index.setitem(input, index, value)
    if _is_mask(index) and value._array.ndim == 0 and index._array.shape == array.shape and not recording(input, value):
        errors.check_memory(array)
        write_masked_fill(array, index._array, _cast(value._array, array.dtype))
        core.written(input)
        return
    key = _plain_key(array, index)
    if key is not None and not _is_mask(index):
        put(input, key, value, False)
        return
    op, basic, key, one_mask = split(array, None if index is True else index)
    view = input if op is ops.alias and array.ndim else _viewed(input, op, basic)
    if key is not None:
        if one_mask and value._array.ndim == 0 and value._array.dtype != array.dtype:
            value = to_dtype(value, dtype=array.dtype)
        put(view, key, value, False)
        return
    _check_expands(value, view._array.shape)
    if recording(input, value):
        op = copy if value._array.ndim else _copy_number
        core.inplace(op, view, (_without_ones(value, view._array.ndim),), {})
        return
    _assigned(view._array, ..., value)
    core.written(input)


_copy_number = renamed(copy, "FillBackward3")


def _assigned(array, key, value):
    """Write a tensor where a basic index of an array points."""
    target = _target(array, key)
    _check_expands(value, target.shape)
    errors.check_memory(target)
    source = _cast(value._array, array.dtype)
    if target.size < _LONG or source.ndim > target.ndim or np.may_share_memory(source, target):
        target[...] = source
    else:
        copy_over(target, source)


def _target(array, index):
    try:
        return array[reading.basic_key(index)]
    except (IndexError, ValueError, OverflowError) as error:
        raise _translated(error, array, index) from None


def _number_written(array, index, value):
    """Write a number where a basic index or one mask points; whether that was possible."""
    if 0 in array.strides:
        return False
    if array.dtype.kind != "f" or not -1e4 < value < 1e4:
        value = _constant(value, array.dtype)._array
    if reading.last_applied(index) is not None:
        target = _target(array, index)
        if target.size < _LONG:
            target[...] = value
        else:
            copy_over(target, np.asarray(value, array.dtype))
        return True
    if isinstance(index, TensorBase) and index._array.dtype == np.bool_ and index._array.shape == array.shape:
        write_masked_fill(array, index._array, value)
        return True
    key = _plain_key(array, index)
    if key is None:
        return False
    _check_key(key, array.shape)
    array[key] = value
    return True


@np.errstate(all="ignore")
def _cast(array, dtype):
    if array.dtype == dtype:
        return array
    return (array.real if dtype.kind != "c" else array).astype(dtype)


def delitem(input, index):
    raise TypeError("Tensor does not support deleting items")


def recording(*tensors):
    """Whether an in-place write has to leave a trace: a history, or whatever a function transform wants."""
    if core.transforms_entered(0):
        return True
    if grad_enabled():
        for t in tensors:
            if isinstance(t, TensorBase) and t.requires_grad:
                return True
    return False


def _constant(value, dtype):
    """What is assigned where it is no tensor: a number that the dtype can hold, or an array."""
    if isinstance(value, np.ndarray):
        return wrap(_cast(value, dtype))
    if isinstance(value, (int, float, complex, np.number, np.bool_)):
        # Half precision takes any number: too large a one becomes infinite.
        if dtype.itemsize > 2 or dtype.kind not in "fV" or value.imag:
            value = check_fits(value, dtype)
        return wrap(_cast(np.array(value), dtype))
    raise TypeError(f"can't assign a {type(value).__name__} to a {errors.tensor_name(np.empty(0, dtype))[:-4]}")


def _without_ones(value, ndim):
    """A value without the leading dimensions of size 1 that it has more than its place."""
    extra = value._array.ndim - ndim
    return value if extra <= 0 else ops.getitem(value, index=(0,) * extra + (...,))


def _check_expands(value, shape):
    """RuntimeError in PyTorch's words where a value cannot be broadcast to the place it is assigned to."""
    given = value._array.shape
    if given == shape or not given:
        return
    while len(given) > len(shape) and given[0] == 1:
        given = given[1:]
    if len(given) > len(shape):
        kind = errors.tensor_name(value._array).split(" ")[0]
        raise errors.coded(
            "RL307",
            RuntimeError(
                f"expand({kind}{{{list(given)}}}, size={list(shape)}): the number of sizes provided ({len(shape)}) must be "
                f"greater or equal to the number of dimensions in the tensor ({len(given)})"
            ),
        )
    for d in range(1, len(given) + 1):
        if given[-d] != shape[-d] and given[-d] != 1:
            raise errors.coded(
                "RL307",
                RuntimeError(
                    f"The expanded size of the tensor ({shape[-d]}) must match the existing size ({given[-d]}) at "
                    f"non-singleton dimension {len(shape) - d}.  Target sizes: {list(shape)}.  Tensor sizes: {list(given)}"
                ),
            )


def write(op, writer, x, rest, params):
    """The in-place form of `op`: by `writer`, straight into the memory, where nothing is recorded."""
    if recording(x, *rest):
        return core.inplace(op, x, rest, params)
    errors.check_inference(x)
    out, arrays = x._array, []
    for part in rest:
        if isinstance(part, TensorBase):
            part = part._array
            # What is read must not change while it is written.
            if np.may_share_memory(part, out):
                part = part.copy()
        arrays.append(part)
    writer(out, *arrays, **params)
    core.written(x)
    return x


_SAME_TYPE = {
    "index_select": "index_select(): self and result must have the same scalar type",
    "masked_select": "masked_select(): self and result must have the same scalar type",
    "take": "take(): self and out expected to have the same dtype, but got self.dtype = {0} and out.dtype = {1}",
}


def accepts_typed_out(function):
    """`accepts_out` for functions that neither cast what they write nor write over what they read."""
    with_out = accepts_out(function)

    @functools.wraps(function)
    def checked(*args, out=None, **named):
        if out is None:
            return function(*args, **named)
        check_tensor_out(out, function.__name__)
        source, target = of(args[0]._array.dtype), of(out._array.dtype)
        if source is not target:
            sentence = _SAME_TYPE.get(function.__name__, "Expected out tensor to have dtype {2}, but got {3} instead")
            names = [
                source.scalar_type,
                target.scalar_type,
                *[C_NAMES.get(t.name, t.name) for t in (source, target)],
            ]
            raise RuntimeError(sentence.format(*names))
        errors.check_memory(out._array)
        over_itself = function.__name__ in ("index_add", "index_copy", "index_reduce")
        for part in args[over_itself:]:
            if not isinstance(part, TensorBase) or not np.may_share_memory(part._array, out._array):
                continue
            if function.__name__ != "gather" or part is args[0] or not _of_one_start(part._array, out._array):
                raise RuntimeError(
                    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
                    "single memory location. Please clone() the tensor before performing the operation."
                )
        return with_out(*args, out=out, **named)

    return checked


def _of_one_start(index, out):
    """Whether an index lies just where a result of its shape is to be: it is read before that is written."""
    at = index.__array_interface__["data"][0]
    return at == out.__array_interface__["data"][0] and index.flags.c_contiguous and out.flags.c_contiguous


def put(x, key, values, accumulate):
    """Write `values` into x where the advanced key points, after all checks."""
    values = _checked_values(x._array, key, values)
    return _put_into(x, key, values, accumulate)


def _put_into(x, key, values, accumulate):
    if recording(x, values) or x._array.dtype == _INT64:
        key = _lasting_key(key)
    return write(ops.index_put, ops.write_put, x, (values,), {"key": key, "accumulate": accumulate})


def _checked_values(array, key, values):
    shape, (dim, parts) = array.shape, ops.in_a_run(key)
    if parts:
        shape = (*shape[:dim], *parts[0].shape, *shape[dim + len(parts) :])
    else:
        _check_together(key)
        shape = ops.shape_of(shape, key)
    check_dtype(array, values._array)
    values = fitted(values, shape)
    _check_inside(key, array.shape)
    return values


def check_dtype(array, values):
    """Refuse values of another dtype than that of what they are written to."""
    if values.dtype != array.dtype:
        own, given = of(array.dtype).scalar_type, of(values.dtype).scalar_type
        raise errors.coded(
            "RL337",
            RuntimeError(
                f"Index put requires the source and destination dtypes match, got {own} for the destination and {given} "
                "for the source."
            ),
        )


def fitted(values, shape):
    """Values for what an index names, without leading dimensions of size 1; refused where they do not fit."""
    given = values._array.shape
    if given == shape or not given:
        return values
    values = _without_ones(values, len(shape)) if prod(given[: len(given) - len(shape)]) == 1 else values
    trimmed = values._array.shape
    if len(trimmed) > len(shape) or any([n != 1 and n != m for n, m in zip(reversed(trimmed), reversed(shape))]):
        raise errors.coded(
            "RL301",
            RuntimeError(
                f"shape mismatch: value tensor of shape {list(given)} cannot be broadcast to indexing result of shape "
                f"{list(shape)}"
            ),
        )
    return values


def index_put(input, indices, values, accumulate=False):
    """`input` with `values` written at `indices`, a tuple of index tensors; added to it with accumulate=True.

    >>> x = rushlight.zeros(3)
    >>> rushlight.index_put(x, (rushlight.tensor([0, 0]),), rushlight.tensor(1.0), accumulate=True)
    tensor([2., 0., 0.])
    """
    if type(accumulate) is not bool:
        check_flags("index_put", 4, accumulate=accumulate)
    if _is_hidden(input, indices, values):
        return hidden_index.index_put(input, indices, values, accumulate)
    key, values = _read_put(input, indices, values, "index_put")
    if recording(input, values):
        key = _lasting_key(key)
    return ops.index_put(input, values, key=key, accumulate=accumulate)


def index_put_(input, indices, values, accumulate=False):
    """The in-place form of `index_put`."""
    if type(accumulate) is not bool:
        check_flags("index_put_", 4, accumulate=accumulate)
    if _is_hidden(input, indices, values):
        hidden_index.setitem(input, tuple(indices), values, accumulate)
        return input
    key, values = _read_put(input, indices, values, "index_put_")
    return _put_into(input, key, values, accumulate)


INPLACE = {"index_put_": index_put_}


def _is_hidden(input, indices, values):
    """Whether index tensors differ between samples, in a call that is otherwise in order."""
    if not core.transforms_entered(0) or not isinstance(indices, (tuple, list)) or not hidden_index.is_hidden(indices):
        return False
    tensors = all([isinstance(x, TensorBase) for x in (input, values, *indices)])
    return tensors and len(indices) <= input._array.ndim


def _read_put(input, indices, values, function):
    check_tensor(input, function)
    if not isinstance(indices, (tuple, list)):
        raise TypeError(
            f"{function}(): argument 'indices' (position 1) must be tuple of Tensors, not {type(indices).__name__}"
        )
    check_tensor(values, function, 2, "values")
    for k, part in enumerate(indices):
        if not isinstance(part, TensorBase):
            raise TypeError(f"expected Tensor as element {k} in argument 0, but got {type(part).__name__}")
    array = input._array
    if not indices:
        raise IndexError("index_put needs at least one index tensor")
    if len(indices) > array.ndim:
        raise errors.coded(
            "RL310", IndexError(f"too many indices for tensor of dimension {array.ndim} (got {len(indices)})")
        )
    key = _plain_key(array, tuple(indices))
    if key is not None and indices[0]._array.dtype != np.bool_:
        return key, _checked_values(array, key, values)
    parts = tuple([_part(part) for part in indices])
    _, _, key, one_mask = split(array, tuple([np.full(1, p) if type(p) is int else p for p in parts]))
    if one_mask and values._array.ndim == 0 and values._array.dtype != array.dtype and not values.requires_grad:
        values = to_dtype(values, dtype=array.dtype)
    return key, _checked_values(array, key, values)


reading.bind(getitem, setitem, _translated)
core.bind(getitem=reading.getitem, setitem=reading.setitem, delitem=delitem)
