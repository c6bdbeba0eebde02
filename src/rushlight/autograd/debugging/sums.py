"""Checksums of what nodes keep: a write that nobody counts changes them."""

import weakref
import zlib

import numpy as np

from ... import errors
from ...core import TensorBase
from ...lines import line_number


def checksum(array):
    """A checksum of the values of an array, whatever its strides."""
    if 0 in array.strides:
        array = array[tuple([slice(0, 1) if step == 0 else slice(None) for step in array.strides])]
    if not array.flags.c_contiguous:
        array = array.T if array.flags.f_contiguous else np.ascontiguousarray(array)
    return zlib.crc32(array)


def count(tensor):
    """How many writes to the storage of a tensor were counted."""
    return 0 if tensor.versions is None else tensor.versions.n


def kept(node, unsaved=()):
    """{what: (array, whether no write was counted since)} of the arrays that a node keeps and nobody packed.

    `unsaved` names the tensors that a custom Function keeps on its context.
    """
    found = {}
    if node.freed:
        return found
    if node.op.custom is not None:
        for i, entry in enumerate(node.saved0 or ()):
            if entry is not None and isinstance(entry[0], TensorBase):
                found[f"saved tensor {i}"] = entry[0]._array, count(entry[0]) == entry[1]
        for name in unsaved:
            tensor = getattr(node.params["ctx"], name, None)
            if isinstance(tensor, TensorBase):
                found[f"ctx.{name}"] = tensor._array, True
    else:
        inputs = [(node.saved0, node.version0), (node.saved1, node.version1)]
        inputs += [(value, version) for _, _, value, version in node.more or ()]
        for i, (value, version) in enumerate(inputs):
            if isinstance(value, TensorBase):
                found[f"input {i}"] = value._array, count(value) == version
    for k, (value, counter, version) in enumerate(node.outs or ()):
        found[f"output {k}"] = value, counter.n == version
    # What hooks have packed is no array.
    return {what: entry for what, entry in found.items() if type(entry[0]) is np.ndarray}


def sums(node, unsaved=()):
    """{what: checksum} of the same."""
    return {what: checksum(array) for what, (array, _) in kept(node, unsaved).items()}


class Lenders:
    """Which lines got hold of the memory of tensors behind autograd's back, by .data or as NumPy arrays."""

    def __init__(self):
        self.lines = {}

    def lent(self, kind, tensor, calls):
        """A tensor's memory was handed out, by these calls."""
        owner = _owner(tensor._array)
        if owner is None or not calls:
            return
        key = id(owner)
        if key not in self.lines:
            self.lines[key] = weakref.ref(owner, lambda _: self.lines.pop(key, None)), {}
        self.lines[key][1][kind, calls[0]] = None

    def of(self, array):
        """The lines that may have written to `array`, as one text."""
        owner = _owner(array)
        found = self.lines.get(id(owner))
        borrowed = [] if found is None else list(found[1])[-3:]
        return "; ".join([f".{kind} at {described(call)}" for kind, call in borrowed])


def _owner(array):
    """The array that the memory of an array belongs to."""
    if type(array) is not np.ndarray:
        return None
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def check(node, before, unsaved, lenders):
    """RuntimeError (RL137) where something kept has another checksum than `before`, and no write to it was counted."""
    now = kept(node, unsaved)
    for what, sum_before in before.items():
        array, uncounted = now.get(what, (None, False))
        if uncounted and checksum(array) != sum_before:
            raise _changed(node, what, array, lenders.of(array))


def _changed(node, what, array, lines):
    return errors.coded(
        "RL137",
        RuntimeError(
            "one of the variables needed for gradient computation has been modified without being noticed by autograd: "
            f"[{errors.tensor_name(array)}], {_named(node, what)} of {node.name()}, has other values than when it was kept."
        ),
        name=node.name(),
        place=node.describe(),
        lines=lines or "?",
    )


def _named(node, what):
    """Input 0 by its name."""
    kind, _, number = what.partition(" ")
    if kind != "input" or int(number) >= len(node.op.inputs):
        return what
    own = node.op.inputs[int(number)]
    return f"input '{node.op.aliases.get(own, own)}'"


def described(call):
    """'file.py:12, in train: loss = model(x)' of a (code object, offset)."""
    import linecache

    code, offset = call
    number = line_number(code, offset)
    source = linecache.getline(code.co_filename, number).strip()
    where = f"{code.co_filename}:{number}" + (f", in {code.co_name}" if code.co_name != "<module>" else "")
    return f"{where}: {source}" if source else where
