"""Files written here open in PyTorch, and the other way round, with the same values, views and words."""

import io
import pickle
import warnings
from collections import Counter, OrderedDict

import pytest

import rushlight as rl
from rushlight import serialization
from rushlight.dtypes import DTYPES
from rushlight.serialization import writer

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity
FORMATS = [{}, {"_use_new_zipfile_serialization": False}]


def written(library, obj, **options):
    file = io.BytesIO()
    library.save(obj, file, **options)
    return file.getvalue()


def read(library, data, **options):
    return library.load(io.BytesIO(data), **options)


def numbers(tensor):
    tensor = tensor.detach()
    return tensor.float().tolist() if tensor.dtype in (torch.bfloat16, rl.bfloat16) else tensor.tolist()


def same(a, b):
    """Whether two structures of tensors, one of each library, are equal."""
    if isinstance(a, (rl.Tensor, torch.Tensor)):
        return (
            str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1]
            and (tuple(a.shape), a.stride(), a.requires_grad) == (tuple(b.shape), b.stride(), b.requires_grad)
            and type(a).__name__ == type(b).__name__
            and numbers(a) == numbers(b)
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all([same(a[key], b[key]) for key in a])
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def tensors(library):
    x = library.arange(24.0).reshape(2, 3, 4)
    made = {
        **{f"of {dtype.name}": library.arange(6).to(getattr(library, dtype.name)) for dtype in DTYPES},
        "x": x, "part": x[1], "turned": x.permute(2, 0, 1), "step": x.flatten()[1::5], "one": library.tensor(3.5),
        "none": library.empty(0), "no rows": library.zeros(0, 3), "wide": library.ones(1, 1).expand(3, 4),
        "leaf": library.ones(2, requires_grad=True), "result": library.ones(2, requires_grad=True) * 2,
        "parameter": library.nn.Parameter(library.ones(2)), "fixed": library.nn.Parameter(x, requires_grad=False),
        "detached": x.detach()[0, :, 1:],
    }  # fmt: skip
    made["noted"] = library.nn.Parameter(library.zeros(2))
    made["noted"].note = {"a": 1}
    made["marked"] = library.zeros(2)
    made["marked"].origin = "here"
    made["buffer"] = library.nn.Buffer(library.zeros(2))
    return made


PAIRS = [(rl, torch), (torch, rl)]


@pytest.mark.parametrize("options", FORMATS, ids=str)
@pytest.mark.parametrize("writing, reading", PAIRS, ids=lambda library: library.__name__)
def test_tensors_go_both_ways(writing, reading, options):
    made = tensors(writing)
    data = written(writing, made, **options)
    loaded = read(reading, data)
    assert [name for name in made if not same(made[name], loaded[name])] == []
    assert loaded["noted"].note == {"a": 1} and loaded["marked"].origin == "here"
    loaded["x"].fill_(-1)
    for name in ("part", "turned", "step", "fixed", "detached"):
        assert (loaded[name] == -1).all(), name
    if reading is torch:
        assert same(read(torch, data, weights_only=False)["part"], loaded["part"]) or loaded["part"][0, 0] == -1


@pytest.mark.parametrize("writing, reading", PAIRS, ids=lambda library: library.__name__)
def test_plain_things_go_both_ways(writing, reading):
    for value in (
        None, [True, 1, -1, 2**40, -(2**100), 1.5, 1j], "é\N{GRINNING FACE}", (1, (2,)), {1, 2}, b"\x00\xff", bytearray(b"a"),
        Counter("aab"), OrderedDict(b=1, a=2), {(1, "a"): None},
    ):  # fmt: skip
        loaded = read(reading, written(writing, value))
        assert loaded == value and type(loaded) is type(value)
    for made in (
        lambda lib: lib.Size([1, 2]),
        lambda lib: lib.device("cuda", 1),
        lambda lib: lib.float16,
        lambda lib: lib.strided,
    ):
        assert read(reading, written(writing, made(writing))) == made(reading)


def test_bytes_of_no_length_open_in_pytorch():
    assert torch.load(io.BytesIO(written(rl, [b"", rl.ones(1)])))[0] == b""


def model(library):
    """In double precision: Adam divides gradients by their size, and the rounding of small ones with them."""
    nn = library.nn
    library.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 4 * 4, 5), nn.LayerNorm(5),
        nn.Linear(5, 5, bias=False),
    ).double()  # fmt: skip


def train(library, net, optimizer, steps):
    for step in range(steps):
        x = library.arange(72.0, dtype=library.float64).reshape(2, 1, 6, 6) / (40.0 + step)
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize(
    "name, options", [("Adam", {"lr": 0.01}), ("SGD", {"lr": 0.01, "momentum": 0.9}), ("AdamW", {"lr": 0.01})]
)
@pytest.mark.parametrize("writing, reading", PAIRS, ids=lambda library: library.__name__)
def test_training_goes_on_in_the_other_library(writing, reading, name, options):
    net = model(writing)
    optimizer = getattr(writing.optim, name)(net.parameters(), **options)
    train(writing, net, optimizer, 3)
    data = written(writing, {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": 3})

    saved = read(reading, data)
    assert saved["net"]._metadata == net.state_dict()._metadata
    other = model(reading)
    other.load_state_dict(saved["net"])
    resumed = getattr(reading.optim, name)(other.parameters(), lr=0.5)
    resumed.load_state_dict(saved["optimizer"])
    train(writing, net, optimizer, 2)
    train(reading, other, resumed, 2)
    for a, b in zip(net.parameters(), other.parameters()):
        worst = max(abs(x - y) for x, y in zip(a.detach().flatten().tolist(), b.detach().flatten().tolist()))
        assert worst < 1e-9


def test_the_layout_of_the_archive_is_that_of_pytorch(tmp_path):
    import zipfile

    found = []
    for library in (rl, torch):
        library.save([library.arange(5.0), library.ones(300)], tmp_path / "x.pt")
        with zipfile.ZipFile(tmp_path / "x.pt") as made:
            found.append(
                [(info.filename, info.header_offset, info.file_size, info.flag_bits) for info in made.infolist()]
            )
            data = made.read("x/data.pkl")
            found[-1].append(data)
            found[-1].append([made.read(f"x/{name}") for name in ("version", "byteorder", ".format_version")])
    # In PyTorch the checksums of records without bytes have no place behind them; none is here.
    assert found[0] == found[1]


def test_records_beyond_32_bits_open_in_pytorch(monkeypatch):
    x = {"a": rl.arange(200.0), "b": rl.ones(3)}
    monkeypatch.setattr(writer, "_LIMIT32", 60)
    data = written(rl, x)
    monkeypatch.undo()
    assert same(x, torch.load(io.BytesIO(data))) and same(x, rl.load(io.BytesIO(data)))


def test_files_without_checksums_are_read():
    torch.serialization.set_crc32_options(False)
    try:
        data = written(torch, torch.ones(3))
    finally:
        torch.serialization.set_crc32_options(True)
    assert read(rl, data).tolist() == [1, 1, 1]


def test_files_are_mapped_both_ways(tmp_path):
    for writing, reading in PAIRS:
        writing.save({"x": writing.arange(6.0), "b": writing.ones(3, dtype=writing.bfloat16)}, tmp_path / "x.pt")
        loaded = reading.load(tmp_path / "x.pt", mmap=True)
        assert loaded["x"].tolist() == [0, 1, 2, 3, 4, 5] and loaded["b"].float().tolist() == [1, 1, 1]


def test_lazy_conjugates_and_negatives_are_computed():
    x = torch.tensor([[1 + 2j, 3 - 1j]])
    for lazy in (x.conj(), x.conj().t(), x.conj().imag):
        assert read(rl, written(torch, lazy)).tolist() == lazy.tolist()


class Unknown:
    pass


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.load(3),
        lambda lib: lib.load("no such file"),
        lambda lib: lib.load(io.BytesIO(written(lib, 1)), mmap=True),
        lambda lib: lib.load(io.BytesIO(written(lib, 1)), map_location="cuda"),
        lambda lib: lib.load(io.BytesIO(written(lib, lib.ones(1))), map_location="cuda"),
        lambda lib: lib.load(io.BytesIO(written(lib, 1)), weights_only=True, pickle_module=pickle),
        lambda lib: lib.save(1, 3),
        lambda lib: lib.save(1, "/no/such/folder/x"),
        lambda lib: written(lib, 1, pickle_protocol=6),
        lambda lib: written(lib, [(lambda x: [x, x.view(lib.int32)])(lib.zeros(2))]),
        lambda lib: lib.serialization.add_safe_globals(3),
    ],
)
def test_errors_are_those_of_pytorch(call):
    told = []
    for library in (torch, rl):
        try:
            call(library)
            told.append(None)
        except Exception as error:
            told.append((type(error), str(error)))
    assert told[0] == told[1]


def test_a_refused_class_is_refused_in_pytorchs_words():
    data = written(torch, Unknown())
    told = []
    for library in (torch, rl):
        with pytest.raises(pickle.UnpicklingError, match=r"^Weights only load failed\.") as caught:
            read(library, data)
        text = str(caught.value)
        begin = text.index("WeightsUnpickler error: Unsupported global")
        told.append(text[begin : text.index("class/function.")].replace("`rushlight.", "`torch."))
        assert library.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [f"{__name__}.Unknown"]
    assert told[0] == told[1]
    with serialization.safe_globals([Unknown]), torch.serialization.safe_globals([Unknown]):
        assert type(read(rl, data)) is type(read(torch, data)) is Unknown


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: torch.zeros(2, dtype=torch.uint16), "torch.uint16"),
        (lambda: torch.zeros(2, dtype=torch.float8_e5m2), "torch.float8_e5m2"),
        (lambda: torch.eye(2).to_sparse(), "torch._utils._rebuild_sparse_tensor"),
        (lambda: torch.zeros(2, device="meta"), "torch._utils._rebuild_meta_tensor_no_storage"),
        (lambda: torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
    ],
)
def test_what_is_not_there_is_refused_by_name(make, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = written(torch, make())
    with pytest.raises(pickle.UnpicklingError, match=f"Unsupported global: GLOBAL {name} was not an allowed global"):
        read(rl, data)


def test_safetensors_goes_both_ways():
    pytest.importorskip("safetensors")
    from safetensors import torch as theirs

    from rushlight.serialization import safetensors as ours

    for dtype in DTYPES:
        if dtype is rl.complex128:
            continue
        x = {"x": rl.arange(6).reshape(2, 3).to(dtype)}
        y = {"x": torch.arange(6).reshape(2, 3).to(getattr(torch, dtype.name))}
        assert ours.save(x) == theirs.save(y)
        assert same(ours.load(theirs.save(y)), y) and same(theirs.load(ours.save(x)), x)
