"""The files that PyTorch wrote before 1.6: five pickles, one behind the other, and then the storages.

The magic number, the version of the format, the sizes of C types, the object, and the keys of its storages in order.
"""

import pickle
import struct
import sys

import numpy as np

from .building import Builder, Names, storage_of
from .damage import Ended, damaged, unreadable
from .locations import restoring
from .opcodes import Machine
from .running import ended, not_allowed, unpickled

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_WINDOW = 1 << 20


def write(file_write, data, storages, protocol):
    """Write a file in the old format."""
    sizes = {"protocol_version": _VERSION, "little_endian": sys.byteorder == "little"}
    sizes["type_sizes"] = {"short": 2, "int": 4, "long": 4}
    for value in (_MAGIC, _VERSION, sizes):
        file_write(pickle.dumps(value, protocol))
    file_write(data)
    file_write(pickle.dumps([piece.key for piece in storages.named], protocol))
    for piece in storages.named:
        file_write(struct.pack("<q", piece.numel))
        file_write(piece.array())


def read(source, map_location, encoding):
    """The object of a file in the old format."""
    pickles = _Pickles(source)
    storages = _Storages(source, restoring(map_location))
    first = pickles.next(storages)
    if first != _MAGIC or type(first) is not int:
        raise unreadable(f"Invalid magic number; corrupt file? ({source.name})")
    if pickles.next(storages) != _VERSION:
        raise damaged(source.name, "the version of its format is not 1001", "Invalid protocol version")
    sizes = pickles.next(storages)
    if type(sizes) is not dict or sizes.get("little_endian") is not True:
        raise damaged(source.name, "it is written in another byte order", "Cannot change the byte order")
    result = pickles.next(storages, encoding)
    storages.fill(pickles.next(storages), pickles.at)
    return result


def asked(source):
    """The names that a file asks for, and that are neither loaded always nor declared."""
    pickles = _Pickles(source)
    for _ in range(3):
        pickles.bytes()
    return not_allowed(pickles.bytes(), source.name)


class _Pickles:
    """Pickles that follow one another; `at` is where the next one begins."""

    def __init__(self, source):
        self._source, self.at = source, source.start

    def bytes(self):
        """The bytes of the next pickle: where it ends is known when it has been gone through."""
        window, rest = _WINDOW, self._source.size - self.at
        while True:
            data = self._source.read(self.at, min(window, rest))
            machine = Machine(data, Names())
            try:
                machine.run()
            except Ended:
                if window >= rest:
                    raise ended(self._source.name) from None
                window *= 4
                continue
            self.at += machine.at
            return data[: machine.at]

    def next(self, storages, encoding="utf-8"):
        data = self.bytes()
        return unpickled(data, Builder(storages.load, len(data) + self._source.size, encoding), self._source.name)


class _Storages:
    """Storages that the pickle tells of before their bytes have come: made of no more bytes than there are."""

    def __init__(self, source, restore):
        self._source, self._restore = source, restore
        self._rest = source.size - source.start
        self._memory, self._loaded = {}, {}

    def load(self, dtype, key, location, count, rest):
        if rest not in ((), (None,)):
            raise unreadable("a storage is a part of another, as in files of PyTorch 0.1")
        if key not in self._loaded:
            step = 1 if dtype is None else dtype.itemsize
            if not 0 <= count * step <= self._rest:
                raise damaged(
                    self._source.name,
                    "its storages are larger than the file",
                    f"unexpected EOF, expected {count * step - self._rest} more bytes. The file might be corrupted",
                )
            self._rest -= count * step
            memory = np.empty(count * step, np.uint8)
            self._memory[key] = (memory, count)
            self._loaded[key] = self._restore(storage_of(memory, dtype), location)
        return self._loaded[key]

    def fill(self, keys, at):
        """Read the storages, which begin at `at`."""
        if type(keys) is not list or len(keys) != len(self._memory) or not all([type(key) is str for key in keys]):
            raise damaged(self._source.name, "it has other storages than its pickle says", "storages do not match")
        for key in keys:
            memory, count = self._memory.pop(key, (None, None))
            if memory is None or struct.unpack("<q", self._source.read(at, 8))[0] != count:
                raise damaged(
                    self._source.name,
                    f"storage {key[:40]} has another size than its pickle says",
                    "storages do not match",
                )
            if len(memory) > self._source.size - at - 8:
                raise self._source.ended(len(memory) - (self._source.size - at - 8))
            self._source.fill(at + 8, memoryview(memory))
            at += 8 + len(memory)
        self._source.seek(at)
