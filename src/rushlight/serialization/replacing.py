"""Files that are replaced as a whole: whatever happens while one is written, the old one stays whole."""

import errno
import os
import stat
from contextlib import contextmanager, suppress


@contextmanager
def replacing(path):
    """A file to write to, which takes the place of the file at `path` when the block ends without an exception.

    It is written beside it, synchronized with the disk and renamed. Its permissions are those that `open(path, "wb")`
    would leave: of the old file, or by the umask. A symbolic link stays, and what it points to is replaced. What is no
    regular file (a pipe, /dev/stdout) is written to directly.
    """
    target = os.path.realpath(path)
    old = _stat(target)
    if old is not None and not stat.S_ISREG(old.st_mode):
        with open(target, "wb") as file:
            yield file
        return
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name[:100]}.{os.getpid():x}{os.urandom(4).hex()}.tmp")
    try:
        # The descriptor is the file's from the beginning: one that is handed to it is lost where it finds no memory.
        with open(beside, "xb", buffering=0) as file:
            if old is not None:
                _same_owner(file.fileno(), old)
            yield _Whole(file)
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _synchronize(folder)


class _Whole:
    """A file without a buffer whose `write` writes all."""

    def __init__(self, file):
        self._file = file

    def write(self, data):
        view = memoryview(data)
        while len(view):
            view = view[self._file.write(view) :]


def _stat(path):
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _same_owner(descriptor, old):
    if not hasattr(os, "fchown"):
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _synchronize(folder):
    """Bring the new name of the file to the disk too, where folders can be synchronized."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
