"""What hostile checkpoints are made of: pieces of pickles, archives around them, and how much memory loading takes."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import rushlight as rl

# What a file that is wrong may raise.
CLEAR = (pickle.UnpicklingError, RuntimeError, EOFError)
ORDERED = b"ccollections\nOrderedDict\n"
STOP = b"."
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
# What an object of Python takes for a byte of a pickle: `\x8f` makes an empty set of 216 bytes, beside where it is kept.
PER_BYTE, AT_REST = 300, 1 << 20


def integer(n):
    data = pickle.encode_long(n)
    return b"\x8a" + bytes([len(data)]) + data


def long_integer(n):
    data = pickle.encode_long(n)
    return b"\x8b" + struct.pack("<I", len(data)) + data


def text(s):
    data = s.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def sequence(numbers):
    return b"(" + b"".join(map(integer, numbers)) + b"t"


def reference(kind="torch\nFloatStorage", key="0", location="cpu", count=4):
    return b"(" + text("storage") + b"c" + kind.encode() + b"\n" + text(key) + text(location) + integer(count) + b"tQ"


def tensor(storage=None, offset=0, size=(4,), stride=(1,), grad=b"\x89", hooks=ORDERED + b")R", more=b""):
    storage = reference() if storage is None else storage
    size, stride = [part if isinstance(part, bytes) else sequence(part) for part in (size, stride)]
    return TENSOR + b"(" + storage + integer(offset) + size + stride + grad + hooks + more + b"tR"


def archive(data, records=None, compression=zipfile.ZIP_STORED):
    """An archive of a pickle (its STOP is put behind) and of the storages."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("archive/data.pkl", b"\x80\x02" + data + STOP)
        for key, record in ({"0": bytes(16)} if records is None else records).items():
            made.writestr(f"archive/data/{key}", record)
    return file.getvalue()


def load(data):
    return rl.load(io.BytesIO(data))


def written(obj, **options):
    file = io.BytesIO()
    rl.save(obj, file, **options)
    return file.getvalue()


def peak(call, *args):
    """The most memory that a call takes, whatever comes of it: (bytes, what it returned or raised)."""
    tracemalloc.start()
    try:
        result = call(*args)
    except Exception as error:
        result = error
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most, result
