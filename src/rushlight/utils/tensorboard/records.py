"""Files of events: records, each with its length and two checksums (CRC-32C, masked)."""

import struct
from functools import cache

import numpy as np

from ...missing import of_module


def record(content):
    """The bytes of one record."""
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


@cache
def _table():
    """The CRC-32C (Castagnoli et al., Optimization of Cyclic Redundancy-Check Codes, 1993) of each byte."""
    numbers = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        numbers = np.where(numbers & 1, numbers >> 1 ^ np.uint32(0x82F63B78), numbers >> 1)
    return numbers.tolist()


def crc32c(content):
    """The checksum of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(content):
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


__getattr__ = of_module(__name__)
