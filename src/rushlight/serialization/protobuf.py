"""Messages in protocol buffers' wire format, written: https://protobuf.dev/programming-guides/encoding/."""

import struct

from ..missing import of_module


def varint(number):
    """A whole number, seven bits to a byte; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field, number):
    return varint(field << 3) + varint(number)


def double(field, number):
    return varint(field << 3 | 1) + struct.pack("<d", number)


def single(field, number):
    return varint(field << 3 | 5) + struct.pack("<f", number)


def data(field, content):
    """Bytes, a text, or a message, which is bytes here.

    >>> data(2, "testing").hex()
    '120774657374696e67'
    """
    content = content.encode() if isinstance(content, str) else bytes(content)
    return varint(field << 3 | 2) + varint(len(content)) + content


def integers(field, numbers):
    """Whole numbers, packed."""
    return data(field, b"".join([varint(n) for n in numbers])) if numbers else b""


def doubles(field, numbers):
    """Doubles, packed."""
    return data(field, struct.pack(f"<{len(numbers)}d", *numbers)) if len(numbers) else b""


def singles(field, numbers):
    return data(field, struct.pack(f"<{len(numbers)}f", *numbers)) if len(numbers) else b""


__getattr__ = of_module(__name__)
