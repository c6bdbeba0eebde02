"""Pictures as PNG: 8 bits a sample, grey, RGB or RGBA. https://www.w3.org/TR/png-3/"""

import struct
import zlib

from ..missing import of_module

_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def png(picture):
    """The file of a picture, an array (height, width, channels) of uint8 with 1 to 4 channels.

    >>> import numpy
    >>> png(numpy.zeros((2, 2, 3), "uint8"))[1:4]
    b'PNG'
    """
    height, width, channels = picture.shape
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    # Each row begins with its filter: none.
    rows = b"".join([b"\0" + row.tobytes() for row in picture])
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


__getattr__ = of_module(__name__)
