"""Reads the zip archives that checkpoints are.

The directory at the end is checked before anything it tells of is believed: records are stored, not compressed, lie
one behind the other within the file, and have names of their own. So nothing is ever larger than the file is, and a
name is nothing but a name: no record becomes a file.
"""

import struct
import zlib

import numpy as np

from ..errors import coded
from .damage import damaged

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
# From here on the checksum is another thread's to compute.
_LARGE = 1 << 18


class Record:
    """Where a record lies in the file: its header begins at `header`, and all of it ends before `end`."""

    __slots__ = ("crc", "end", "header", "name", "size")

    def __init__(self, name, header, size, crc):
        self.name, self.header, self.size, self.crc = name, header, size, crc


class Reader:
    """The records of an archive by name, without the folder that all of them are in."""

    def __init__(self, source):
        self._source = source
        self._checker, self._checks = None, []
        place, size, count = self._find_directory()
        records = self._directory(source.read(place, size), count)
        self._bound(records, place)
        self.records = self._of_one_folder(records)

    def _fault(self, reason):
        return damaged(self._source.name, reason)

    # -- the directory
    def _find_directory(self):
        """(place, size, number of entries) of the directory."""
        source = self._source
        first = max(source.start, source.size - _END.size - _MAX16)
        tail = source.read(first, max(source.size - first, 0))
        at = tail.rfind(b"PK\x05\x06", 0, len(tail) - _END.size + 4)
        if at < 0:
            raise self._fault("failed finding central directory")
        _, disk, first_disk, _, count, size, offset, _ = _END.unpack_from(tail, at)
        end = first + at
        wide = self._find_directory64(end)
        if wide is not None:
            count, size, offset, end = wide
        elif disk or first_disk:
            raise self._fault("it is in several parts")
        if source.start + offset + size != end:
            raise self._fault("its directory is not where it says that it is")
        return source.start + offset, size, count

    def _find_directory64(self, end):
        """(number of entries, size, offset, end) by the record for large archives, None where there is none."""
        source = self._source
        if end - source.start < _LOCATOR64.size:
            return None
        mark, _, offset, _ = _LOCATOR64.unpack(source.read(end - _LOCATOR64.size, _LOCATOR64.size))
        if mark != b"PK\x06\x07":
            return None
        place = source.start + offset
        if place + _END64.size + _LOCATOR64.size > end:
            raise self._fault("failed finding central directory")
        mark, _, _, _, _, _, _, count, size, offset = _END64.unpack(source.read(place, _END64.size))
        if mark != b"PK\x06\x06":
            raise self._fault("failed finding central directory")
        return count, size, offset, place

    def _directory(self, directory, count):
        records, at = [], 0
        while at < len(directory):
            if len(directory) - at < _ENTRY.size:
                raise self._fault("its directory is cut off")
            fields = _ENTRY.unpack_from(directory, at)
            mark, _, _, flags, method, _, _, crc, stored, size, of_name, of_extra, of_comment, _, _, _, header = fields
            begin = at + _ENTRY.size
            at = begin + of_name + of_extra + of_comment
            if mark != b"PK\x01\x02" or at > len(directory):
                raise self._fault("its directory is damaged")
            try:
                name = directory[begin : begin + of_name].decode("utf-8")
            except UnicodeDecodeError:
                raise self._fault("a name in its directory is not text") from None
            if flags & 1:
                raise self._fault(f"record {name!r} is encrypted")
            if method:
                raise self._fault(f"record {name!r} is compressed, which no record of a checkpoint is")
            extra = directory[begin + of_name : begin + of_name + of_extra]
            size, stored, header = self._sizes64(name, extra, (size, stored, header))
            if size != stored:
                raise self._fault(f"record {name!r} says that it has {size} bytes and {stored} bytes")
            records.append(Record(name, self._source.start + header, size, crc))
        if len(records) != count:
            raise self._fault(f"its directory says that there are {count} records, and tells of {len(records)}")
        return records

    def _sizes64(self, name, extra, sizes):
        """The sizes, those that need more than 32 bits taken from the extra field."""
        if _MAX32 not in sizes:
            return sizes
        at = 0
        while at + 4 <= len(extra):
            kind, length = struct.unpack_from("<2H", extra, at)
            wide = extra[at + 4 : at + 4 + length]
            if kind == 1 and len(wide) >= 8 * sizes.count(_MAX32):
                numbers = iter(struct.unpack_from(f"<{sizes.count(_MAX32)}Q", wide))
                return tuple([next(numbers) if size == _MAX32 else size for size in sizes])
            at += 4 + length
        raise self._fault(f"the size of record {name!r} is missing")

    def _bound(self, records, directory):
        """Check that the records lie one behind the other, in front of the directory."""
        behind = directory
        for record in sorted(records, key=lambda record: record.header, reverse=True):
            record.end = behind
            if record.header + _LOCAL.size + len(record.name) + record.size > behind:
                raise self._fault(f"record {record.name!r} of {record.size} bytes reaches into what follows it")
            behind = record.header

    def _of_one_folder(self, records):
        roots = {name[: -len("data.pkl")] for name in (r.name for r in records) if name.count("/") == 1}
        roots = [root for root in roots if any(r.name == root + "data.pkl" for r in records)]
        if len(roots) != 1:
            raise self._fault("file data.pkl not found" if not roots else "there are several files data.pkl")
        root, found = roots[0], {}
        for record in records:
            name = record.name.removeprefix(root)
            if name in found:
                raise self._fault(f"there are two records {record.name!r}")
            found[name] = record
        return found

    # -- records
    def record(self, name):
        record = self.records.get(name)
        if record is None:
            sentence = f"PytorchStreamReader failed locating file {name}"
            raise damaged(self._source.name, "file not found", sentence)
        return record

    def place(self, record):
        """Where the bytes of a record begin."""
        source = self._source
        mark, _, _, _, _, _, _, _, _, of_name, of_extra = _LOCAL.unpack(source.read(record.header, _LOCAL.size))
        place = record.header + _LOCAL.size + of_name + of_extra
        if mark != b"PK\x03\x04" or place + record.size > record.end:
            raise self._fault(f"record {record.name!r} is not where the directory says that it is")
        return place

    def bytes_of(self, name):
        """The bytes of a record, as an array; RuntimeError where they are not what they were when they were written.

        A large record is checked by another thread while the next one is read: `finish` waits for it.
        """
        record = self.record(name)
        array = np.empty(record.size, np.uint8)
        self._source.fill(self.place(record), memoryview(array))
        # A checksum of zero: it was not computed (`set_crc32_options(False)` in PyTorch).
        if not record.crc:
            return array
        if record.size < _LARGE:
            self._check(record, zlib.crc32(array))
            return array
        if self._checker is None:
            from concurrent.futures import ThreadPoolExecutor

            self._checker = ThreadPoolExecutor(1)
        self._checks.append((record, self._checker.submit(zlib.crc32, array)))
        return array

    def _check(self, record, crc):
        if crc != record.crc:
            sentence = f"PytorchStreamReader failed reading file {record.name}"
            raise damaged(self._source.name, "its checksum differs", sentence)

    def finish(self):
        """Wait until all that was read is checked too; RuntimeError where it is not what was written."""
        try:
            for record, crc in self._checks:
                self._check(record, crc.result())
        finally:
            self._checks = []
            if self._checker is not None:
                self._checker.shutdown()
                self._checker = None

    def text_of(self, name, default):
        """A short record as text, `default` where there is none."""
        return self.bytes_of(name).tobytes().decode("latin-1").strip() if name in self.records else default

    def check_kind(self):
        if "constants.pkl" in self.records:
            raise coded(
                "RL701",
                RuntimeError(
                    "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. "
                    f"{self._source.name} holds a compiled program."
                ),
                names="the code of a TorchScript module",
            )
