"""Bytes to read from at any place: of a file by its path, or of what has seek, tell and read."""

import os

from .damage import damaged

_PIECE = 1 << 20


class Source:
    """`size` bytes from `start` on; `name` is what messages call them."""

    start = 0

    def read(self, offset, count):
        """`count` bytes from `offset` on; RuntimeError where there are fewer."""
        if count > self.size - offset:
            raise self.ended(count - max(self.size - offset, 0))
        buffer = bytearray(count)
        self.fill(offset, memoryview(buffer))
        return bytes(buffer)

    def fill(self, offset, view):
        """Fill a memory of bytes with those from `offset` on."""
        self._file.seek(offset)
        _fill(self, view)

    def seek(self, offset):
        """Leave off there, for whoever reads on."""
        self._file.seek(offset)

    def ended(self, lacking):
        return damaged(
            self.name,
            "the file ends before what it tells of",
            f"unexpected EOF, expected {lacking} more bytes. The file might be corrupted",
        )


class File(Source):
    """A file of the file system, open."""

    def __init__(self, path):
        self.name = os.fspath(path)
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        self.size = os.fstat(self._file.fileno()).st_size

    def fileno(self):
        return self._file.fileno()

    def _read_into(self, view):
        return self._file.readinto(view)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def __del__(self):
        # Of whoever was interrupted before he could enter it; Python would warn of a file that nobody closed.
        if hasattr(self, "_file"):
            self._file.close()


class Stream(Source):
    """What somebody else has opened, from its position on; it stays open."""

    def __init__(self, file):
        self.name = str(getattr(file, "name", None) or f"a {type(file).__name__}")
        for method in ("seek", "tell", "read"):
            if not hasattr(file, method):
                raise AttributeError(
                    f"'{type(file).__name__}' object has no attribute '{method}'. You can only torch.load from a file that is "
                    "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
                )
        self._file = file
        self.start = file.tell()
        file.seek(0, os.SEEK_END)
        self.size = file.tell()
        file.seek(self.start)

    def _read_into(self, view):
        if hasattr(self._file, "readinto"):
            return self._file.readinto(view)
        data = self._file.read(min(len(view), _PIECE))
        if not isinstance(data, (bytes, bytearray, memoryview)) or len(data) > len(view):
            raise TypeError(f"load(): {self.name} must give bytes, and at most as many as it is asked for")
        view[: len(data)] = data
        return len(data)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def _fill(source, view):
    done = 0
    while done < len(view):
        count = source._read_into(view[done:])
        if not count:
            raise source.ended(len(view) - done)
        done += count


def source_of(f):
    """The Source of a path or of an open file; AttributeError for anything else."""
    return File(f) if isinstance(f, (str, os.PathLike)) else Stream(f)
