"""Writes the zip archives that checkpoints are: records stored, not compressed, each beginning at a multiple of 64.

Checksums stand behind a record, as in PyTorch's files: they are those of the bytes that were written, whatever
another thread has done to the memory meanwhile.
"""

import struct
import zlib

ALIGNMENT = 64
# What is larger is written in pieces of this size.
_LARGE = 1 << 20
# From here on numbers stand in fields of 64 bits, and the shorter ones say so.
_LIMIT32, _ELSEWHERE32, _ELSEWHERE16 = 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF
# The version that a reader needs for sizes beyond 32 bits; names are UTF-8 and sizes follow the bytes.
_VERSION64, _FLAGS = 45, 0x808


class Writer:
    """An archive whose records are in the folder `root`; `write` takes its bytes, one piece after the other."""

    def __init__(self, write, root):
        self._write, self._root = write, root
        self._at, self._entries, self._other = 0, [], None

    def _put(self, data):
        self._write(data)
        self._at += len(data)

    def add(self, name, data):
        """Write a record: bytes, or an array of bytes."""
        name, view = f"{self._root}/{name}".encode(), memoryview(data).cast("B")
        header, size = self._at, len(view)
        long = size >= _LIMIT32
        extra = struct.pack("<2H2Q", 1, 16, size, size) if long else b""
        begin = header + 30 + len(name) + len(extra) + 4
        padding = -begin % ALIGNMENT
        extra += struct.pack("<2s H", b"FB", padding) + b"Z" * padding
        stated = _ELSEWHERE32 if long else 0
        version = _VERSION64 if long else 0
        fields = (b"PK\x03\x04", version, _FLAGS, 0, 0, 0, 0, stated, stated, len(name), len(extra))
        self._put(struct.pack("<4s5H3L2H", *fields) + name + extra)
        crc = self._put_pieces(view)
        self._put(struct.pack("<4sL2Q" if long else "<4s3L", b"PK\x07\x08", crc, size, size))
        self._entries.append((name, header, size, crc))

    def _put_pieces(self, view):
        """Write the bytes, piece by piece; returns their checksum, which another thread computes of large ones."""
        if len(view) < _LARGE:
            data = bytes(view)
            self._put(data)
            return zlib.crc32(data)
        if self._other is None:
            from concurrent.futures import ThreadPoolExecutor

            self._other = ThreadPoolExecutor(1)
        crc = 0
        for at in range(0, len(view), _LARGE):
            piece = bytes(view[at : at + _LARGE])
            computed = self._other.submit(zlib.crc32, piece, crc)
            self._put(piece)
            crc = computed.result()
        return crc

    def identity(self):
        """Forty digits that tell the records of this archive from those of others."""
        names = b"/".join([entry[0].partition(b"/")[2] for entry in self._entries])
        sums = b"".join([entry[3].to_bytes(4, "little") for entry in self._entries])
        return f"{zlib.crc32(names):020d}{zlib.crc32(sums):020d}".encode()

    def finish(self):
        """Write the directory."""
        if self._other is not None:
            self._other.shutdown()
        begin = self._at
        for entry in self._entries:
            self._put(_entry(*entry))
        size, count = self._at - begin, len(self._entries)
        # The record for large archives stands in all, as in PyTorch's.
        fields = (b"PK\x06\x06", 44, _VERSION64, _VERSION64, 0, 0, count, count, size, begin)
        self._put(struct.pack("<4sQ2H2L4Q", *fields) + struct.pack("<4sLQL", b"PK\x06\x07", 0, begin + size, 1))
        few, short, near = min(count, _ELSEWHERE16), _short(size), _short(begin)
        self._put(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, few, few, short, near, 0))


def _short(number):
    """What stands for a number in a field of 32 bits."""
    return number if number < _LIMIT32 else _ELSEWHERE32


def _entry(name, header, size, crc):
    """An entry of the directory."""
    wide = [number for number in (size, size, header) if number >= _LIMIT32]
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version, stated, place = _VERSION64 if wide else 0, _short(size), _short(header)
    fields = (b"PK\x01\x02", 0, version, _FLAGS, 0, 0, 0, crc, stated, stated, len(name), len(extra), 0, 0, 0, 0, place)
    return struct.pack("<4s6H3L5H2L", *fields) + name + extra
