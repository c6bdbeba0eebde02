"""Files from which fuzzing starts: good ones of each kind, and those that once did harm."""

import io
import json
import struct

import numpy as np

import rushlight as rl

from .hostile import ORDERED, archive, integer, long_integer, reference, sequence, tensor, text, written

try:
    import safetensors
except ImportError:
    safetensors = None


_LONG = long_integer(2 ** (8 * 60_000) - 1) + b"q\x0a0"
_SAME = b"X\1\0\0\x000"

# Bodies of pickles that once did more than raise one of the errors that are promised, or took minutes.
FOUND = {
    "sizes of a megabyte, multiplied": _LONG + tensor(size=b"(K\0" + b"h\x0a" * 60 + b"t", stride=(0,) * 61),
    "sizes of a megabyte, added": _LONG
    + tensor(size=b"(" + b"h\x0a" * 2000 + b"t", stride=b"(" + b"h\x0a" * 2000 + b"t"),
    "a name that is long to tell": (text("x" * 50_000) + b"q\x0a0" + ORDERED + b")R}(" + b"h\x0a" * 900 + b"tNsb"),
    "keys that are long to hash": _LONG + b"}" + (b"(" + b"h\x0a" * 990 + b"tNs") * 50,
}


def _one_storage_twice():
    """The list of storages names one twice, and the size of the second is that of one that is not there."""
    x = rl.arange(4.0)
    good = written({"x": x, "y": rl.ones(2)}, _use_new_zipfile_serialization=False)
    begin = good.rindex(b"]q")
    storages = struct.pack("<q", 4) + x.numpy().tobytes() + struct.pack("<q", -1) + bytes(16)
    return good[:begin] + b"](" + _SAME * 2 + b"e." + storages


def safetensors_file(header, data=b""):
    """A file of any header: JSON as bytes."""
    return struct.pack("<Q", len(header)) + header + data


def _empty(shape):
    return safetensors_file(json.dumps({"x": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}).encode())


FOUND_OLD = {"a storage named twice": _one_storage_twice}
FOUND_SAFETENSORS = {
    "an empty tensor with long dimensions": _empty([0, 2**62, 2**62]),
    "an empty tensor of many dimensions": _empty([0] * 70),
}


def checkpoints():
    """Good files, and pickles of every sort of thing that is loaded."""
    x = rl.arange(6.0).reshape(2, 3)
    several = {"x": x, "y": [rl.nn.Parameter(x[0]), 3, "text", None, True], (1, 2): {3}, "z": 2.5, "b": b"bytes"}
    kinds = [rl.tensor([1, 2]), rl.tensor([True]), rl.tensor([1j]), rl.tensor([1.0], dtype=rl.float16), rl.float32]
    plain = b"](" + b"".join([
        b"}q\x05" + text("key") + b"q\x06K\x01s", b"c__builtin__\nset\n](K\x01K\x02e\x85R", b"\x8f(K\x01\x90",
        b"(K\x01\x91", b"\x96" + struct.pack("<Q", 3) + b"abc", b"c__builtin__\nslice\n" + b"K\x01K\x02N\x87R",
        ORDERED + b")R}" + text("a") + b"K\x01sb", b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R",
        b"ccollections\nCounter\n}" + text("a") + b"K\x01s\x85R", b"ctorch\nSize\n" + sequence([2, 3]) + b"\x85R",
        b"ctorch\ndevice\n" + text("cpu") + b"\x85R", b"c_codecs\nencode\n" + text("ab") + text("latin1") + b"\x86R",
        b"c__builtin__\ncomplex\nG\x3f\xf0\0\0\0\0\0\0G\x3f\xf0\0\0\0\0\0\0\x86R", b"U\x03old", b"T\x02\0\0\0ol",
    ]) + b"e"  # fmt: skip
    subclass = (
        b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n("
        + reference() + integer(0) + sequence([4]) + sequence([1]) + b"\x89t}" + text("mine") + text("name") + b"stR"
    )  # fmt: skip
    return {
        "a model": written(rl.nn.Linear(2, 2).state_dict()),
        "several": written(several, pickle_protocol=4),
        "dtypes": written(kinds),
        "views": archive(
            b"]("
            + tensor(size=(2, 2), stride=(1, 2))
            + tensor(offset=1, size=(3,))
            + tensor(size=(0, 2), stride=(2, 1))
            + b"e"
        ),
        "plain": archive(plain),
        "subclass": archive(subclass),
        "conjugate": archive(
            tensor(reference("torch\nComplexFloatStorage", count=2), size=(2,), more=b"}" + text("conj") + b"\x88s")
        ),
        **{f"found: {name}": archive(data) for name, data in FOUND.items()},
    }


def old_checkpoints():
    """Files of before PyTorch 1.6."""
    x = rl.arange(4.0)
    return {
        "old": written({"x": x, "y": [x[1:], rl.ones(2, dtype=rl.int64)]}, _use_new_zipfile_serialization=False),
        "old parameter": written(rl.nn.Parameter(x), _use_new_zipfile_serialization=False),
        **{f"found: {name}": data() for name, data in FOUND_OLD.items()},
    }


def safetensors_files():
    if safetensors is None:
        return {}
    from rushlight.serialization.safetensors import save

    x = rl.arange(6.0).reshape(2, 3)
    return {
        "two": save({"x": x, "y": rl.tensor([1, 2])}, {"format": "pt"}),
        "none": save({}),
        "empty": save({"x": rl.zeros(0, 3)}),
        **{f"found: {name}": data for name, data in FOUND_SAFETENSORS.items()},
    }


def npy_files():
    def saved(array):
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    several = io.BytesIO()
    np.savez(several, x=np.arange(3.0), y=np.ones((2, 2), np.int8))
    return {
        "floats": saved(np.arange(6.0).reshape(2, 3)),
        "columns": saved(np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3))),
        "none": saved(np.zeros((0, 3), np.float32)),
        "one": saved(np.array(2 + 1j)),
        "other order": saved(np.arange(3, dtype=">f4")),
        "texts": saved(np.array(["ab", "c"])),
        "records": saved(np.zeros(2, [("a", "f4"), ("b", "i2")])),
        "archive": several.getvalue(),
    }
