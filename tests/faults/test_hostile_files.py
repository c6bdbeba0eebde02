"""Files that are cut off, damaged or made to do harm: a clear error each, no more memory than they have bytes, no code."""

import io
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import serialization

from . import fuzz
from .hostile import (
    CLEAR,
    ORDERED,
    STOP,
    archive,
    integer,
    load,
    peak,
    reference,
    sequence,
    tensor,
    text,
    written,
)  # fmt: skip


def test_what_these_tests_are_made_of_loads():
    assert load(archive(tensor())).tolist() == [0.0] * 4
    assert load(archive(tensor(size=(0, 3), stride=(3, 1), offset=9))).shape == (0, 3)
    assert load(archive(tensor(size=(2**20, 2**20), stride=(0, 0)))).shape == (2**20, 2**20)


# -- cut off and changed
WHOLE = {
    "archive": written({"x": rl.arange(5.0), "y": [rl.nn.Parameter(rl.ones(2)), 3, "text"], (1, 2): {3}}),
    "old": written({"x": rl.arange(5.0), "y": rl.ones(2)}, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_length_but_the_whole_is_refused(kind):
    data = WHOLE[kind]
    for length in range(len(data)):
        with pytest.raises(CLEAR):
            load(data[:length])


def test_a_changed_byte_of_a_storage_is_noticed():
    data = bytearray(written(rl.arange(100.0)))
    data[data.index(rl.arange(100.0).numpy().tobytes()) + 37] ^= 0x10
    with pytest.raises(
        RuntimeError, match=r"^PytorchStreamReader failed reading file archive/data/0: its checksum differs"
    ) as e:
        load(bytes(data))
    assert e.value.code == "RL703"


def test_large_storages_are_checked_too():
    data = bytearray(written([rl.zeros(1 << 18), rl.zeros(1 << 17)]))
    data[len(data) // 2] ^= 1
    with pytest.raises(RuntimeError, match="its checksum differs"):
        load(bytes(data))


def test_the_path_is_named(tmp_path):
    path = tmp_path / "broken.pt"
    path.write_bytes(WHOLE["archive"][:-5])
    with pytest.raises(RuntimeError, match=r"^PytorchStreamReader failed reading zip archive: .*broken\.pt"):
        rl.load(path)


# -- code
class Ran(Exception):
    """Something of a file has run."""


def explode(*args):
    raise Ran


CALLS = {
    "os.system": b"cos\nsystem\n" + text("true") + b"\x85R",
    "eval": b"c__builtin__\neval\n" + text("1") + b"\x85R",
    "getattr": b"c__builtin__\ngetattr\n" + b"NN\x86R",
    "by stack": text("os") + text("system") + b"\x93" + text("true") + b"\x85R",
    "inst": b"(ios\nsystem\n",
    "obj": b"(cos\nsystem\no",
    "of a test": b"c" + __name__.encode() + b"\nexplode\n)R",
    "class": b"c" + __name__.encode() + b"\nRan\n)\x81",
    "extension": b"\x82\x01",
    "load": b"ctorch\nload\n" + text("x") + b"\x85R",
    "a list": b"c__builtin__\nlist\n" + text("x") + b"\x85R",
    "a tensor": tensor() + b")R",
    "an int": b"K\x01)R",
    "a dtype": b"ctorch\nfloat32\n)R",
    "set": b"c__builtin__\nset\n)\x81",
    "attributes of a function": b"ctorch._utils\n_rebuild_tensor_v2\n}" + text("__code__") + b"Nsb",
    "attributes of a tensor": tensor() + b"}" + text("_array") + b"Nsb",
    "attributes of a list": b"]}" + text("a") + b"Nsb",
    "methods of a dictionary": ORDERED + b")R}" + text("items") + b"Nsb",
    "a default that calls": b"ccollections\ndefaultdict\ncos\nsystem\n\x85R",
    "a default that is no class": b"ccollections\ndefaultdict\n" + tensor() + b"\x85R",
    "storages of another kind": b"(" + text("module") + b"NNNNtQ",
    "codec": b"c_codecs\nencode\n" + text("00") + text("hex") + b"\x86R",
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_called(name):
    with pytest.raises(pickle.UnpicklingError, match=r"^Weights only load failed. "):
        load(archive(CALLS[name]))


def test_what_is_blocked_stays_so_when_it_is_declared():
    with (
        serialization.safe_globals([(os.system, "os.system"), (os.system, "posix.system")]),
        pytest.raises(
            pickle.UnpicklingError, match=r"^Weights only load failed. Trying to load unsupported GLOBAL os.sys"
        ),
    ):
        load(archive(CALLS["os.system"]))


def test_declared_code_does_not_run_where_the_file_asks_for_more():
    with serialization.safe_globals([explode]):
        with pytest.raises(Ran):
            load(archive(CALLS["of a test"]))
        with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL pickle\.loads"):
            load(archive(CALLS["of a test"] + b"0cpickle\nloads\n"))


def test_looking_at_names_makes_nothing():
    data = archive(CALLS["of a test"] + b"0" + CALLS["eval"] + b"0" + CALLS["by stack"])
    names = serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data))
    assert names == [f"{__name__}.explode", "eval", "os.system"]


# -- false sizes
@pytest.mark.parametrize(
    "wrong",
    [
        tensor(size=(5,)),
        tensor(offset=1),
        tensor(offset=-1),
        tensor(offset=3, stride=(-1,)),
        tensor(stride=(2**62,)),
        tensor(size=(2**40,)),
        tensor(size=(-1,)),
        tensor(size=(2, 2)),
        tensor(size=(2**32, 2**32), stride=(0, 0)),
        tensor(size=(1,) * 65, stride=(1,) * 65),
        tensor(size=(0, 2**62, 2**62), stride=(1, 1, 1)),
        tensor(reference(count=5)),
        tensor(reference(count=2**50)),
        tensor(reference(count=-4)),
        tensor(reference(key="1")),
        tensor(reference(key="../data.pkl")),
        tensor(reference(kind="torch\nDoubleStorage")),
        tensor(grad=b"N"),
        tensor(hooks=b"}" + integer(1) + b"Ns"),
        tensor(more=b"}" + text("conj") + b"\x88" + text("odd") + b"\x88u".replace(b"u", b"s")),
        tensor(b"N"),
        tensor(b"]"),
        tensor(reference(location="cuda:0")),
        b"ctorch._utils\n_rebuild_tensor_v2\n)R",
        b"ctorch\nSize\n" + b"]\x85R",
        b"ctorch\ndevice\n" + text("nowhere") + b"\x85R",
        b"c__builtin__\nslice\n" + b"]]\x86R",
        b"ctorch._utils\n_rebuild_parameter\n" + text("x") + b"\x88" + ORDERED + b")R\x87R",
        tensor(reference(kind="torch\nLongStorage", count=2), size=(2,), grad=b"\x88"),
        b"}" + b"]Ns",
        b"}" + b"c__builtin__\nfrozenset\n](e\x85RNs",
        b"c__builtin__\nset\n](]e\x85R",
        b"h\x05",
        b"j\xff\xff\xff\xff",
        b"",
        b"t",
        b"NN",
        b"(",
        b"\x80\x09N",
        b"X\xff\xff\xff\x7fabc",
        b"\x8d" + b"\xff" * 8 + b"abc",
        b"B\xff\xff\xff\xffabc",
        b"\x8b\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\x7f1",
        b"T\xff\xff\xff\xffabc",
        b"X\x02\x00\x00\x00\xff\xfe",
        b"c\xff\n\xff\n",
    ],
)
def test_false_sizes_are_refused(wrong):
    data = archive(wrong)
    with pytest.raises(CLEAR):
        load(data)
    assert peak(load, data)[0] < 1 << 20


def test_old_files_with_false_sizes_take_no_memory():
    data = WHOLE["old"].replace(b"K\x05Nt", b"J\xff\xff\xff\x7fNt").replace(b"K\x05NtQ", b"J\xff\xff\xff\x7fNtQ")
    size = b"\x8a\x05\xff\xff\xff\xff\x00"
    for wrong in (data, WHOLE["old"].replace(b"K\x05", size)):
        assert wrong != WHOLE["old"]
        with pytest.raises(RuntimeError):
            load(wrong)
        assert peak(load, wrong)[0] < 1 << 20


# -- archives
def test_compressed_records_are_refused_from_the_directory():
    bomb = archive(tensor(reference(count=1 << 24)), {"0": bytes(1 << 26)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 17
    with pytest.raises(RuntimeError, match="is compressed, which no record of a checkpoint is"):
        load(bomb)
    assert peak(load, bomb)[0] < 1 << 20


def changed_directory(data, offset, value, entry=1):
    """The archive with other bytes in an entry of its directory."""
    data, at = bytearray(data), -1
    for _ in range(entry + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    data[at + offset : at + offset + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    "offset, value",
    [
        (8, b"\x01"),  # encrypted
        (10, b"\x08"),  # compressed
        (20, b"\xff\xff\xff\x7f"),  # another size than it has, or two that differ
        (24, b"\xff\xff\xff\x7f"),
        (20, b"\xf0\xff\xff\x7f\xf0\xff\xff\x7f"),
        (20, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        (28, b"\xff\xff"),
        (30, b"\xff\xff"),
        (42, b"\xff\xff\xff\x7f"),  # elsewhere
        (42, b"\x01"),
        (42, b"\x00\x00\x00\x00"),
        (46, b"archive/data.pkl"[:14]),
        (46, b"\xff\xfe"),
        (0, b"PK\x01\x03"),
    ],
)
def test_a_directory_that_lies_is_refused(offset, value):
    data = changed_directory(archive(tensor()), offset, value)
    with pytest.raises(CLEAR):
        load(data)
    assert peak(load, data)[0] < 1 << 20


def test_records_that_lie_over_one_another_are_refused():
    """One record that many names mean would be read many times."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("archive/data.pkl", b"\x80\x02" + tensor() + STOP)
        made.writestr("archive/data/0", bytes(16))
        made.filelist.append(made.getinfo("archive/data/0"))
        second = zipfile.ZipInfo("archive/data/1")
        first = made.getinfo("archive/data/0")
        second.header_offset, second.file_size = first.header_offset, first.file_size
        second.compress_size, second.CRC = first.compress_size, first.CRC
        made.filelist[-1] = second
    with pytest.raises(RuntimeError, match="reaches into what follows it"):
        load(file.getvalue())


def test_two_records_of_one_name_are_refused():
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "w") as made:
        for _ in range(2):
            made.writestr("archive/data.pkl", b"\x80\x02N.")
    with pytest.raises(RuntimeError, match="there are two records"):
        load(file.getvalue())


@pytest.mark.parametrize("names", [["data.pkl"], ["a/b/data.pkl"], ["a/data.pkl", "b/data.pkl"], ["a/data"], []])
def test_archives_of_something_else_are_refused(names):
    file = io.BytesIO(b"")
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, b"\x80\x02N.")
    with pytest.raises(CLEAR):
        load(file.getvalue())


def test_names_are_only_names(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("../data.pkl", b"\x80\x02" + tensor(reference(key="/../../evil")) + STOP)
        made.writestr("../data//../../evil", bytes(16))
        made.writestr("/absolute", b"x")
    assert load(file.getvalue()).tolist() == [0.0] * 4
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["a", os.path.join("a", "b")]


def test_a_compiled_program_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("m/data.pkl", b"\x80\x02N.")
        made.writestr("m/constants.pkl", b"\x80\x02N.")
    with pytest.raises(RuntimeError, match=r"^Cannot use ``weights_only=True`` with TorchScript archives"):
        load(file.getvalue())


def test_a_checksum_of_zero_is_none():
    """PyTorch writes it where it was told to compute none."""
    data = archive(tensor())
    for entry in range(2):
        data = changed_directory(data, 16, bytes(4), entry)
    assert load(data).tolist() == [0.0] * 4


# -- small files that would grow
def repeated(head, body, count, tail=b""):
    return archive(head + body * count + tail)


GROWING = {
    "a list copied to sets": repeated(
        b"](" + b"K\x01" * 3000 + b"eq\x000](", b"c__builtin__\nset\nh\x00\x85R", 3000, b"e"
    ),
    "text encoded over and over": repeated(
        text("a" * 30000) + b"q\x000](", b"c_codecs\nencode\nh\x00" + text("latin1") + b"\x86R", 1000, b"e"
    ),
    "conjugates of one number": archive(tensor(size=(2**30,), stride=(0,), more=b"}" + text("conj") + b"\x88s")),
    "a memo with a far index": archive(b"Nr\xff\xff\xff\x7f0N"),
    "lists of lists of lists": repeated(b"](" + b"NNNNNNNNNN" + b"e", b"q\x000](" + b"h\x00" * 10 + b"e", 300),
    "tuples as keys": repeated(b"K\x01K\x02\x86", b"q\x000h\x00h\x00\x86", 60, b"q\x000}h\x00Ns"),
}


@pytest.mark.parametrize("name", GROWING)
def test_memory_is_in_proportion_to_the_file(name):
    assert peak(load, GROWING[name])[0] < 100 * len(GROWING[name]) + (1 << 20)


DEEP = 100_000
NESTED = {
    "lists": (b"]" * DEEP + b"a" * (DEEP - 1), None),
    "tuples": (b"N" + b"\x85" * DEEP, None),
    "dictionaries": (b"}" * 1 + (b"N}" * DEEP) + b"s" * DEEP, None),
    "ordered dictionaries": (ORDERED + b"q\x00)R" + b"Nh\x00)R" * DEEP + b"s" * DEEP, None),
    "keys": (b"}N" + b"\x85" * DEEP + b"Ns", pickle.UnpicklingError),
    "elements of sets": (b"\x8f(N" + b"\x85" * DEEP + b"\x90", pickle.UnpicklingError),
    "marks": (b"(" * DEEP, CLEAR),
    "attributes of tensors": (
        tensor() + b"q\x010h\x01" + b"q\x000ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
        b"ctorch\nTensor\n(" + reference() + integer(0) + sequence([4]) + sequence([1]) + b"\x89}t}" + text("a")
        + b"]h\x00astR" * 1, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_deep_nesting_neither_recurses_nor_crashes(name):
    data, error = NESTED[name]
    if error is None:
        load(archive(data))
        return
    with pytest.raises(error):
        load(archive(data))


def test_tensors_that_hold_one_another_in_a_long_chain():
    link = (
        b"q\x000ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(h\x01"
        + integer(0) + sequence([4]) + sequence([1]) + b"\x89}t}" + text("a") + b"]h\x00astR"
    )  # fmt: skip
    data = archive(reference() + b"q\x010N" + link * 10_000)
    load(data)


def test_the_limits_of_recursion_are_left_alone():
    before = sys.getrecursionlimit()
    load(archive(NESTED["lists"][0]))
    assert sys.getrecursionlimit() == before


def test_checksums_are_those_of_zip():
    data = written(rl.ones(2))
    info = zipfile.ZipFile(io.BytesIO(data)).getinfo("archive/data/0")
    assert zlib.crc32(rl.ones(2).numpy().tobytes()) == info.CRC


# -- what once did harm, and what nobody has thought of
def test_files_that_are_changed_at_random_never_do_more_than_raise():
    """Seeds first, those that once did harm among them; in a process where running anything is noticed (`fuzz.py`)."""
    command = [sys.executable, "-m", "faults.fuzz", "--seconds", "60", "--runs", "400", "--seed", "1"]
    told = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "400 files read" in told.stdout


def test_good_seeds_are_read():
    for read, _, files in fuzz.kinds().values():
        for name, data in files.items():
            if not name.startswith("found") and name not in ("other order", "texts", "records"):
                assert read(data) is not None


@pytest.mark.parametrize("array", [np.array([{}]), np.zeros(2, "M8[s]"), np.zeros(2, "S3"), np.zeros(2, [("a", "f4")])])
def test_arrays_that_are_no_numbers_are_refused(array):
    """Whatever `numpy.load(allow_pickle=False)` makes of a file, `from_numpy` takes numbers alone."""
    with pytest.raises(TypeError, match=r"^can't convert np.ndarray of type numpy\."):
        rl.from_numpy(array)
