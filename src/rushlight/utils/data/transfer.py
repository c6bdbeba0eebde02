"""Batches from process to process: small ones through the pipe, the arrays of large ones in shared memory.

The memory is an anonymous file, which no name outlives: it is gone with the last process that holds it, however that
ends. The sender writes its arrays to it once and sends the descriptor; the receiver's arrays lie in it as they are.
"""

import io
import mmap
import os
import pickle
import weakref
from multiprocessing import reduction

import numpy as np

from ...core import TensorBase
from .interrupts import postponed

# Bytes from which on an array goes by shared memory: below, the pipe is quicker.
_LARGE = 32768
# Where arrays begin in the memory: at whole cache lines.
_ALIGNED = 64
# Maps keep a descriptor each. Beyond so many a batch is copied, so that a program may keep all of its batches.
_MOST_MAPS = 256
# Weak references to them. A set of these would run Python code whenever a batch goes, and an interrupt that comes within
# such code is lost.
_maps = []


class _Pickler(reduction.ForkingPickler):
    def reducer_override(self, what):
        if isinstance(what, TensorBase) and what.grad_fn is not None:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
                "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor before "
                "serializing (e.g., putting it on the queue)."
            )
        return NotImplemented


def send(connection, data):
    """Send an object. What raises does so before anything is sent."""
    large = []

    def goes_along(buffer):
        """Whether the pickle shall contain an array's memory; otherwise it is put aside."""
        raw = buffer.raw()
        if raw.nbytes < _LARGE or not hasattr(os, "pwrite"):
            return True
        large.append(raw)
        return False

    body = io.BytesIO()
    _Pickler(body, 5, True, goes_along).dump(data)
    if not large:
        connection.send_bytes(pickle.dumps(()) + body.getbuffer())
        return
    places, total = _laid_out(large)
    shared = _anonymous_file()
    try:
        os.ftruncate(shared, total)
        for (begin, _), raw in zip(places, large):
            _write(shared, raw, begin)
        connection.send_bytes(pickle.dumps((total, places)) + body.getbuffer())
        reduction.send_handle(connection, shared, None)
    finally:
        os.close(shared)


def receive(connection):
    """What was sent: a message and memory, of which `load` makes the object."""
    message = io.BytesIO(connection.recv_bytes())
    layout = pickle.load(message)
    if not layout:
        return message, ()
    total, places = layout
    # Whoever waits may be interrupted; whoever is handed a descriptor would lose it.
    connection.poll(None)
    with postponed():
        shared = reduction.recv_handle(connection)
        try:
            memory = memoryview(_memory(shared, total))
        finally:
            os.close(shared)
    return message, [memory[begin:end] for begin, end in places]


def load(message, buffers):
    """The object of a message."""
    return pickle.load(message, buffers=buffers)


def _laid_out(buffers):
    """[(begin, end)] of each buffer in one memory, and the size of that."""
    places, total = [], 0
    for raw in buffers:
        places.append((total, total + raw.nbytes))
        total += -(-raw.nbytes // _ALIGNED) * _ALIGNED
    return places, total


def _anonymous_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rushlight-batch", os.MFD_CLOEXEC)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(file, raw, begin):
    done = 0
    while done < raw.nbytes:
        done += os.pwrite(file, raw[done:], begin + done)


def _memory(file, total):
    """The file's memory itself; a copy where a great number of batches are alive."""
    if len(_maps) >= _MOST_MAPS:
        _maps[:] = [kept for kept in _maps if kept() is not None]
    if len(_maps) < _MOST_MAPS:
        memory = mmap.mmap(file, total)
        _maps.append(weakref.ref(memory))
        return memory
    copied = np.empty(total, np.uint8)
    done = 0
    while done < total:
        done += os.preadv(file, [memoryview(copied)[done:]], done)
    return copied
