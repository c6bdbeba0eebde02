"""Checkpoints: what is saved is what is loaded, tensors share what they shared, and files are replaced as a whole."""

import copy
import io
import os
import pickle
import signal
import stat
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import serialization
from rushlight.dtypes import DTYPES
from rushlight.serialization import writer


def written(obj, **options):
    file = io.BytesIO()
    rl.save(obj, file, **options)
    return file.getvalue()


def again(obj, **options):
    return rl.load(io.BytesIO(written(obj, **options)))


def address(tensor):
    return tensor.data_ptr()


# -- tensors
FORMATS = [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 3}, {"pickle_protocol": 5}]


@pytest.mark.parametrize("options", FORMATS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_every_dtype(dtype, options):
    x = rl.arange(12).reshape(3, 4).to(dtype)
    y = again(x, **options)
    assert y.dtype is dtype and rl.equal(x, y) and type(y) is rl.Tensor


@pytest.mark.parametrize(
    "make",
    [
        lambda: rl.tensor(3.5),
        lambda: rl.empty(0),
        lambda: rl.zeros(2, 0, 3),
        lambda: rl.arange(6.0).reshape(2, 3).t(),
        lambda: rl.arange(10.0)[1::3],
        lambda: rl.ones(1).expand(4, 5),
        lambda: rl.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)[1:],
    ],
)
def test_shapes_and_strides(make):
    x = make()
    y = again(x)
    assert (y.shape, y.stride()) == (x.shape, x.stride())
    assert rl.equal(x, y)


@pytest.mark.parametrize("options", FORMATS, ids=str)
def test_what_shared_memory_shares_it_again(options):
    x = rl.arange(8.0)
    views = [x, x[2:4], x.view(2, 4).t(), x.detach()[1:3], rl.nn.Parameter(x), x[6:]]
    y = again(views, **options)
    y[0][:] = 7
    assert all([(view == 7).all() for view in y])


def test_views_found_before_the_whole_share_its_memory():
    x = rl.arange(8.0)
    parts = [x.detach()[1:3].detach(), x.detach()[2:6].detach(), x]
    y = again(parts)
    assert address(y[0]) == address(y[2]) + 4 and address(y[1]) == address(y[2]) + 8


def test_a_part_of_an_array_is_saved_without_the_rest():
    data = np.arange(100_000.0)
    assert len(written(rl.from_numpy(data[10:20]))) < 5000


def test_the_whole_base_of_a_view_is_saved():
    x = rl.arange(1000.0)[:2]
    assert len(written(x)) > 4000


def test_memory_seen_as_two_dtypes_is_refused():
    x = rl.zeros(4)
    with pytest.raises(
        RuntimeError, match=r"^Cannot save multiple tensors or storages that view the same data as different"
    ):
        written([x, x.view(rl.int32)])


def test_what_is_written_while_it_is_saved_has_its_own_checksum():
    """Checksums are those of the bytes in the file, not those of the memory a moment before or after."""
    x = rl.zeros(1 << 20)

    class Meddling(io.BytesIO):
        def write(self, data):
            x.fill_(x[0].item() + 1)
            return super().write(data)

    file = Meddling()
    rl.save(x, file)
    file.seek(0)
    rl.load(file)


def test_requires_grad_parameters_and_attributes():
    x = rl.ones(2, requires_grad=True)
    p = rl.nn.Parameter(rl.ones(3), requires_grad=False)
    named = rl.nn.Parameter(rl.ones(2))
    named.note = {"a": [1, 2]}
    marked = rl.ones(2)
    marked.origin = "here"
    buffer = rl.nn.Buffer(rl.ones(2), persistent=False)
    y = again([x, p, named, marked, buffer, x * 2])
    assert y[0].requires_grad and y[0].is_leaf
    assert type(y[1]) is rl.nn.Parameter and not y[1].requires_grad
    assert type(y[2]) is rl.nn.Parameter and y[2].requires_grad and y[2].note == {"a": [1, 2]}
    assert y[3].origin == "here"
    assert isinstance(y[4], rl.nn.Buffer) and y[4].persistent is False
    assert y[5].requires_grad and y[5].is_leaf


def test_one_tensor_twice_is_one_tensor():
    x = rl.ones(2)
    y = again([x, x])
    assert y[0] is y[1]


def test_storages():
    x = rl.arange(3.0)
    y = again([x.untyped_storage()])[0]
    assert y.tolist() == x.untyped_storage().tolist()


def test_hooks_are_not_saved_and_that_is_said():
    x = rl.ones(2, requires_grad=True)
    x.register_hook(lambda g: g)
    with pytest.warns(UserWarning, match="on tensor will not be serialized"):
        again(x)


# -- everything else
PLAIN = {
    "none": None, "bools": [True, False], "ints": [0, -1, 255, 65536, -(2**31), 2**100, -(2**100)],
    "floats": [1.5, float("inf")], "text": "é\N{GRINNING FACE}", "bytes": b"\x00\xff", "no bytes": b"",
    "tuples": (1, (2,), (), (1, 2, 3, 4)), "set": {1, "a"}, "frozenset": frozenset([1, 2]), "complex": 1 - 2j,
    "array": bytearray(b"abc"), "no array": bytearray(), "slice": slice(1, None, 2), "counter": Counter("aab"),
    "ordered": OrderedDict(b=1, a=2), "default": defaultdict(list, {1: [2]}), "keys": {(1, "a"): 2, 1.5: 3, None: 4},
    "dtype": rl.float16, "device": rl.device("cuda:1"), "size": rl.Size([1, 2]), "layout": rl.strided,
    "memory format": rl.channels_last,
}  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 3, 4, 5, -1])
@pytest.mark.parametrize("name", PLAIN)
def test_plain_things(name, protocol):
    value = PLAIN[name]
    loaded = again(value, pickle_protocol=protocol)
    assert loaded == value and type(loaded) is type(value)


def test_what_holds_itself():
    x = [1]
    x.append(x)
    y = again(x)
    assert y[1] is y


def test_a_model_and_its_optimizer():
    model = rl.nn.Sequential(rl.nn.Linear(3, 4), rl.nn.BatchNorm1d(4))
    optimizer = rl.optim.Adam(model.parameters(), lr=0.1)
    model(rl.randn(5, 3)).sum().backward()
    optimizer.step()
    saved = again({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3})
    assert saved["model"]._metadata == model.state_dict()._metadata
    other = rl.nn.Sequential(rl.nn.Linear(3, 4), rl.nn.BatchNorm1d(4))
    assert str(other.load_state_dict(saved["model"])) == "<All keys matched successfully>"
    stepping = rl.optim.Adam(other.parameters(), lr=0.5)
    stepping.load_state_dict(saved["optimizer"])
    for net, steps in ((model, optimizer), (other, stepping)):
        steps.zero_grad()
        net(rl.ones(2, 3) * rl.tensor([[1.0], [2.0]])).square().sum().backward()
        steps.step()
    assert all([rl.equal(a, b) for a, b in zip(model.parameters(), other.parameters())])


def test_tied_weights_stay_tied():
    model = rl.nn.Sequential(rl.nn.Linear(2, 2), rl.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    state = again(model.state_dict())
    assert address(state["0.weight"]) == address(state["1.weight"])


# -- classes of the user's
class Options:
    def __init__(self, lr):
        self.lr = lr


class Slotted:
    __slots__ = ("a",)


class Marked(rl.Tensor):
    pass


def test_what_is_not_plain_is_refused_by_name():
    data = written({"options": Namespace(lr=0.1), "o": Options(1)})
    with pytest.raises(pickle.UnpicklingError) as caught:
        rl.load(io.BytesIO(data))
    assert str(caught.value).startswith(
        "Weights only load failed. WeightsUnpickler error: Unsupported global: GLOBAL argparse.Namespace was not an allowed "
        "global by default. Please use `rushlight.serialization.add_safe_globals([argparse.Namespace])`"
    )
    assert caught.value.code == "RL701"
    assert any(["argparse.Namespace, test_checkpoints.Options" in note for note in caught.value.__notes__])


def test_declared_classes_are_made():
    slotted = Slotted()
    slotted.a = 3
    data = written([Options(0.5), slotted, rl.ones(2).as_subclass(Marked)])
    with serialization.safe_globals([Options, Slotted, Marked]):
        assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == []
        first, second, third = rl.load(io.BytesIO(data))
    assert (first.lr, second.a, type(third)) == (0.5, 3, Marked)
    assert serialization.get_safe_globals() == []
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [
        "test_checkpoints.Options",
        "test_checkpoints.Slotted",
        "test_checkpoints.Marked",
    ]


def test_a_whole_module_is_loaded_by_those_who_declare_its_classes():
    model = rl.nn.Linear(2, 3)
    data = written(model)
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL rushlight.nn.modules.linear.Linear was not an allowed"):
        rl.load(io.BytesIO(data))
    with serialization.safe_globals([rl.nn.Linear]):
        loaded = rl.load(io.BytesIO(data))
    assert rl.equal(loaded(rl.ones(2)), model(rl.ones(2)))


def test_declared_by_another_name():
    data = archive(pickle_of(written(Options(1))).replace(b"test_checkpoints\nOptions", b"elsewhere\nTheirs"))
    with serialization.safe_globals([(Options, "elsewhere.Theirs")]):
        assert rl.load(io.BytesIO(data)).lr == 1


def pickle_of(data):
    begin = data.index(b"\x80\x02")
    return data[begin : data.index(b"PK\x07\x08", begin)]


def archive(data):
    file = io.BytesIO()
    made = writer.Writer(file.write, "archive")
    made.add("data.pkl", data)
    made.finish()
    return file.getvalue()


def test_declarations_are_checked():
    with pytest.raises(TypeError, match="expected classes and functions, but got <class 'int'>"):
        serialization.add_safe_globals([3])
    with pytest.raises(TypeError, match="Expected second item in tuple to be str of callable full path, but got"):
        serialization.add_safe_globals([(Options, 3)])
    with pytest.raises(ValueError, match="Expected tuple of length 2"):
        serialization.add_safe_globals([(Options,)])
    serialization.add_safe_globals([Options, Options])
    assert serialization.get_safe_globals() == [Options]
    serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []


# -- arguments
def test_weights_only_false_is_refused_with_a_reason(monkeypatch):
    data = written(rl.ones(2))
    with pytest.raises(RuntimeError, match="would run whatever the file asks for") as caught:
        rl.load(io.BytesIO(data), weights_only=False)
    assert caught.value.code == "RL702"
    with pytest.raises(RuntimeError, match=r"^Can not safely load weights when explicit pickle_module is specified"):
        rl.load(io.BytesIO(data), pickle_module=pickle)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    assert rl.load(io.BytesIO(data), weights_only=False).tolist() == [1, 1]


@pytest.mark.parametrize(
    "location", ["cpu", rl.device("cpu"), {"cuda:0": "cpu"}, lambda storage, tag: storage, lambda storage, tag: None]
)
def test_map_location(location):
    assert rl.load(io.BytesIO(written(rl.ones(2))), map_location=location).tolist() == [1, 1]


def test_map_location_may_put_another_storage_in_its_place():
    def doubled(storage, location):
        assert (location, storage.nbytes()) == ("cpu", 8)
        return rl.full((2,), 2.0).untyped_storage()

    assert rl.load(io.BytesIO(written(rl.ones(2))), map_location=doubled).tolist() == [2, 2]


@pytest.mark.parametrize(
    "location, error, message",
    [
        ("cuda:0", RuntimeError, "^Attempting to deserialize object on a CUDA device but torch.cuda.is_available"),
        ("mps", RuntimeError, "^don't know how to restore data location of"),
        (3, TypeError, "^'int' object is not callable"),
        (lambda storage, tag: 3, TypeError, "must return a storage or None"),
    ],
)
def test_other_devices_are_refused(location, error, message):
    with pytest.raises(error, match=message):
        rl.load(io.BytesIO(written(rl.ones(2))), map_location=location)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: rl.load(3),
            AttributeError,
            "^'int' object has no attribute 'seek'. You can only torch.load from a file that",
        ),
        (lambda: rl.load(io.BytesIO(b"")), EOFError, "is empty"),
        (lambda: rl.load("no such file.pt"), FileNotFoundError, "no such file.pt"),
        (
            lambda: rl.load(io.BytesIO(b"x"), mmap=True),
            ValueError,
            "^f must be a file path in order to use the mmap argument$",
        ),
        (lambda: rl.load(io.BytesIO(b"x"), errors="strict"), TypeError, "unexpected keyword argument 'errors'"),
        (lambda: rl.load(io.BytesIO(b"no checkpoint")), pickle.UnpicklingError, "Unsupported operand 110"),
        (lambda: rl.load(io.StringIO("no checkpoint")), TypeError, "must give bytes"),
        (
            lambda: rl.save(1, 3),
            AttributeError,
            "^expected 'f' to be string, path, or a file-like object with a 'write'",
        ),
        (lambda: rl.save(1, "/no/such/folder/x"), RuntimeError, "^Parent directory /no/such/folder does not exist.$"),
        (lambda: rl.save(1, "/"), IsADirectoryError, "Is a directory"),
        (lambda: written(1, pickle_protocol=6), ValueError, "^pickle protocol must be <= 5$"),
        (lambda: written(1, pickle_protocol=1), ValueError, "pickle_protocol must be from 2 to 5, not 1"),
        (lambda: written(1, pickle_module=copy), ValueError, "pickle_module must be pickle, not 'copy'"),
        (lambda: written(lambda: 1), (AttributeError, pickle.PicklingError), "lambda"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- files
def test_a_file_is_named_after_its_path(tmp_path):
    rl.save(rl.ones(2), tmp_path / "a.model.pt")
    names = zipfile.ZipFile(tmp_path / "a.model.pt").namelist()
    assert names == [
        f"a.model/{name}"
        for name in (
            "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "version", ".data/serialization_id",
        )
    ]  # fmt: skip
    assert zipfile.ZipFile(tmp_path / "a.model.pt").testzip() is None


def test_records_begin_at_multiples_of_64():
    data = written([rl.full((n,), n, dtype=rl.uint8) for n in (1, 100, 3)])
    for n in (1, 100, 3):
        assert data.index(bytes([n]) * n + b"PK\x07\x08") % 64 == 0


def test_equal_things_make_equal_files():
    assert written({"x": rl.ones(3)}) == written({"x": rl.ones(3)})


def test_mmap(tmp_path):
    x = rl.arange(4.0)
    rl.save([x, x[1:], rl.empty(0)], tmp_path / "x.pt")
    y = rl.load(tmp_path / "x.pt", mmap=True)
    assert [t.tolist() for t in y] == [[0, 1, 2, 3], [1, 2, 3], []]
    y[0][1] = 9
    assert y[1][0] == 9
    assert rl.load(tmp_path / "x.pt")[0][1] == 1
    rl.save(x, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match=r"^mmap can only be used with files saved with"):
        rl.load(tmp_path / "old.pt", mmap=True)


def test_mmap_does_not_read_what_nobody_looks_at(tmp_path):
    path = tmp_path / "x.pt"
    rl.save([rl.zeros(1 << 20), rl.ones(2)], path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert rl.load(path, mmap=True)[1].tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="its checksum differs"):
        rl.load(path)


def test_files_that_others_have_opened(tmp_path):
    with open(tmp_path / "x", "wb") as file:
        file.write(b"before")
        rl.save(rl.ones(2), file)
    with open(tmp_path / "x", "rb") as file:
        file.seek(6)
        assert rl.load(file).tolist() == [1, 1]


def test_what_has_only_read_and_write():
    class Plain:
        def __init__(self, data=b""):
            self.file = io.BytesIO(data)

        def write(self, data):
            self.file.write(data)

        def read(self, count):
            return self.file.read(min(count, 7))

        def seek(self, *place):
            return self.file.seek(*place)

        def tell(self):
            return self.file.tell()

    for options in FORMATS[:2]:
        file = Plain()
        rl.save(rl.arange(20), file, **options)
        file.seek(0)
        assert rl.load(file).tolist() == list(range(20))


def test_old_files_follow_one_another():
    file = io.BytesIO()
    for i in range(2):
        rl.save(rl.full((2,), i), file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [rl.load(file).tolist() for _ in range(2)] == [[0, 0], [1, 1]]


def test_an_archive_of_the_other_byte_order():
    made = io.BytesIO()
    order = "big" if sys.byteorder == "little" else "little"
    x = {"f": rl.tensor([1.5, -2.0]), "c": rl.tensor([1 + 2j]), "b": rl.tensor([3], dtype=rl.uint8)}
    there = writer.Writer(made.write, "archive")
    data, storages = serialization.pickling.pickled(x, 2)
    there.add("data.pkl", data)
    there.add("byteorder", order.encode())
    for piece, step in zip(storages.named, (4, 4, 1)):
        there.add(f"data/{piece.key}", piece.array().view(f"u{step}").byteswap().view(np.uint8))
    there.finish()
    y = rl.load(io.BytesIO(made.getvalue()))
    assert all([rl.equal(x[name], y[name]) for name in x])


def test_records_beyond_32_bits(monkeypatch):
    monkeypatch.setattr(writer, "_LIMIT32", 60)
    data = written([rl.arange(20.0), rl.ones(2)])
    monkeypatch.undo()
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


# -- replacing
def test_what_cannot_be_pickled_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    rl.save(1, path)
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        rl.save([rl.ones(3), lambda: 1], path)
    assert rl.load(path) == 1 and os.listdir(tmp_path) == ["x.pt"]


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    rl.save(1, path)
    monkeypatch.setattr(
        writer.Writer, "finish", lambda self: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError, match="No space left"):
        rl.save(rl.ones(3), path)
    monkeypatch.undo()
    assert rl.load(path) == 1 and os.listdir(tmp_path) == ["x.pt"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_a_process_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    rl.save(1, path)
    program = f"""
import os, signal, rushlight as rl
from rushlight.serialization import writer
add = writer.Writer.add
def killed(self, name, data):
    add(self, name, data)
    if name == "data/1":
        os.kill(os.getpid(), signal.SIGKILL)
writer.Writer.add = killed
rl.save([rl.zeros(1000), rl.ones(1000)], {str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert rl.load(path) == 1


@pytest.mark.skipif(not hasattr(os, "fchmod"), reason="there are no such permissions")
def test_permissions_are_those_of_open(tmp_path):
    before = os.umask(0o027)
    try:
        rl.save(1, tmp_path / "new.pt")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "new.pt").st_mode) == 0o640
    os.chmod(tmp_path / "new.pt", 0o604)
    rl.save(2, tmp_path / "new.pt")
    assert stat.S_IMODE(os.stat(tmp_path / "new.pt").st_mode) == 0o604


def test_links_stay_links(tmp_path):
    (tmp_path / "there").mkdir()
    rl.save(1, tmp_path / "there" / "x.pt")
    os.symlink(os.path.join("there", "x.pt"), tmp_path / "link.pt")
    rl.save(2, tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink() and rl.load(tmp_path / "there" / "x.pt") == 2
    os.symlink("not yet.pt", tmp_path / "to nothing.pt")
    rl.save(3, tmp_path / "to nothing.pt")
    assert rl.load(tmp_path / "not yet.pt") == 3


def test_what_is_no_file_is_written_to():
    rl.save(rl.ones(2), os.devnull)
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


# -- pickle and copy
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_tensors_go_through_pickle(protocol):
    x = rl.arange(6.0).reshape(2, 3)
    p = rl.nn.Parameter(x.t())
    for value in (x, x.t(), p, rl.tensor(2), rl.ones(2, requires_grad=True)):
        loaded = pickle.loads(pickle.dumps(value, protocol))
        assert type(loaded) is type(value) and loaded.requires_grad == value.requires_grad
        assert loaded.stride() == value.stride() and rl.equal(loaded, value)


def test_deep_copies_share_what_was_shared():
    x = rl.arange(6.0)
    y = copy.deepcopy([x, x[1:3], x.view(2, 3).t()])
    y[0].fill_(9)
    assert all([(t == 9).all() for t in y]) and x[0] == 0


# -- safetensors
def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    from rushlight.serialization import safetensors

    x = {
        dtype.name: rl.arange(6).reshape(2, 3).to(dtype)
        for dtype in DTYPES
        if dtype is not rl.complex128
    } | {"none": rl.zeros(0, 2), "one": rl.tensor(3.0)}  # fmt: skip
    safetensors.save_file(x, tmp_path / "x", {"kind": "test"})
    y = safetensors.load_file(tmp_path / "x")
    assert y.keys() == x.keys()
    assert all([rl.equal(x[name], y[name]) and x[name].dtype is y[name].dtype for name in x])
    y["float32"][0, 0] = 5
    assert safetensors.load((tmp_path / "x").read_bytes())["float32"][0, 0] == 0
    for wrong, error in (
        ({"a": y["one"], "b": y["one"].detach()}, RuntimeError), ([y["one"]], ValueError), ({"a": 1}, ValueError),
        ({"a": y["float32"].t()}, ValueError), ({"a": rl.zeros(2, dtype=rl.complex128)}, Exception),
    ):  # fmt: skip
        with pytest.raises(error):
            safetensors.save(wrong)
    with pytest.raises(Exception, match="deserializing"):
        safetensors.load((tmp_path / "x").read_bytes()[:-1])


def test_scripts_that_use_safetensors_for_torch_run(tmp_path):
    pytest.importorskip("safetensors")
    script = tmp_path / "script.py"
    script.write_text(
        """
import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model, save_file, save_model
layer = torch.nn.Linear(2, 3)
save_file(layer.state_dict(), "layer.safetensors")
assert torch.equal(load_file("layer.safetensors")["weight"], layer.weight)
with safe_open("layer.safetensors", framework="pt") as file:
    assert torch.equal(file.get_tensor("bias"), layer.bias)
save_model(layer, "model.safetensors")
other = torch.nn.Linear(2, 3)
load_model(other, "model.safetensors")
assert torch.equal(other.weight, layer.weight)
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(rl.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
