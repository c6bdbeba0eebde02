"""Dtypes, their promotion and limits; sizes; devices; and all of these beside PyTorch."""

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

from rushlight import dtypes, spelling
from rushlight.device import (
    channels_last,
    channels_last_3d,
    check_cpu,
    contiguous_format,
    device,
    preserve_format,
    strided,
)
from rushlight.dtypes import DTYPES, NAMES, as_dtype, finfo, iinfo, result_dtype
from rushlight.size import Size

ALL = [d.name for d in DTYPES]
SCALARS = [True, 2, 2.5, 1j]
CONSTANTS = {
    "strided": strided,
    "contiguous_format": contiguous_format,
    "channels_last": channels_last,
    "channels_last_3d": channels_last_3d,
    "preserve_format": preserve_format,
}


@pytest.fixture(autouse=True)
def _default_dtype_kept():
    yield
    dtypes.set_default_dtype(dtypes.float32)


def as_in_torch(call):
    """What `call` returns as text, or its exception, under the spelling that PyTorch has."""
    try:
        return repr(call())
    except Exception as error:
        return type(error), str(error)


# -- dtypes


def test_a_dtype_prints_its_qualified_name(monkeypatch):
    assert repr(dtypes.float32) == "rushlight.float32"
    assert str(dtypes.bool_) == "rushlight.bool"
    monkeypatch.setattr(spelling, "module", "torch")
    assert repr(dtypes.float32) == "torch.float32"


@pytest.mark.parametrize("d", DTYPES, ids=str)
def test_copies_and_pickles_are_the_dtype_itself(d):
    assert copy.copy(d) is d
    assert copy.deepcopy([d])[0] is d
    assert pickle.loads(pickle.dumps(d)) is d


def test_dtypes_cannot_be_made_nor_given_attributes():
    with pytest.raises(TypeError, match=r"cannot create 'rushlight\.dtype' instances"):
        dtypes.dtype("float32")
    with pytest.raises(AttributeError):
        dtypes.float32.extra = 1
    with pytest.raises(AttributeError, match="no attribute 'extra'"):
        _ = dtypes.float32.extra


def test_as_dtype_reads_every_spelling():
    spellings = ["float32", "torch.float32", "rushlight.float32", "float", "f4", np.float32, np.dtype("f4")]
    assert {as_dtype(x) for x in spellings} == {dtypes.float32}
    python = [as_dtype(x) for x in (bool, int, float, complex)]
    assert python == [dtypes.bool_, dtypes.int64, dtypes.float64, dtypes.complex128]


@pytest.mark.parametrize("x", ["nope", 3, None, str, object, np.uint16, np.dtype("U1"), ">f4"])
def test_as_dtype_refuses_what_names_no_dtype(x):
    with pytest.raises(TypeError, match=r"^zeros\(\): argument 'dtype' must be rushlight.dtype, not "):
        as_dtype(x, "zeros(): argument 'dtype'")


def test_of_knows_every_numpy_spelling_of_a_width():
    assert dtypes.of(np.dtype(np.longlong)) is dtypes.int64
    assert {dtypes.of(d.numpy) for d in DTYPES if d.name != "bfloat16"} == set(DTYPES) - {dtypes.bfloat16}


def test_of_refuses_other_dtypes():
    with pytest.raises(TypeError, match=r"^can't convert np.ndarray of type numpy.uint16. The only supported"):
        dtypes.of(np.dtype("uint16"))
    with pytest.raises(ValueError, match="byte order different from the native byte order"):
        dtypes.of(np.dtype("f4").newbyteorder())


def test_bfloat16_is_loaded_by_whichever_comes_first():
    pytest.importorskip("ml_dtypes")
    by_name = "from rushlight import dtypes as d; assert d.of(d.bfloat16.numpy) is d.bfloat16"
    by_array = "import numpy, ml_dtypes\nfrom rushlight import dtypes as d\n"
    by_array += "x = numpy.ones(2, ml_dtypes.bfloat16); assert d.result_dtype((x, 2.5)) is d.bfloat16\n"
    by_array += "assert d.scalar_category(x[0]) == d.FLOATING"
    lazily = "import sys; from rushlight import dtypes; assert 'ml_dtypes' not in sys.modules"
    for program in (by_name, by_array, lazily):
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_bfloat16_without_ml_dtypes_says_what_to_install():
    program = "import sys; sys.modules['ml_dtypes'] = None\nfrom rushlight import dtypes as d\n"
    program += "print(d.bfloat16, d.finfo(d.bfloat16).max)\ntry: d.bfloat16.numpy\nexcept ImportError as e: print(e)"
    out = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert "pip install ml_dtypes" in out.stdout


def test_the_default_dtype_decides_what_python_floats_are():
    ints = np.arange(3)
    assert result_dtype((ints, 0.5)) is dtypes.float32
    dtypes.set_default_dtype(dtypes.float64)
    assert dtypes.get_default_dtype() is dtypes.float64
    assert dtypes.default_complex() is dtypes.complex128
    assert result_dtype((ints, 0.5)) is dtypes.float64
    assert finfo() == finfo(dtypes.float64)


@pytest.mark.parametrize("bad", [dtypes.int32, dtypes.complex64, "float64", float, None])
def test_only_floating_dtypes_can_be_the_default(bad):
    with pytest.raises(TypeError, match="only floating-point types are supported as the default type"):
        dtypes.set_default_dtype(bad)
    assert dtypes.get_default_dtype() is dtypes.float32


def test_numpy_scalars_count_as_python_scalars():
    assert result_dtype((np.ones(2, "f4"), np.float64(2))) is dtypes.float32
    assert result_dtype((np.ones(2, "i1"), np.uint16(2))) is dtypes.int8
    assert result_dtype((np.float64(2), np.int8(1))) is dtypes.float32


def test_subclasses_of_numbers_and_arrays_count_as_these():
    class Count(int):
        pass

    class Array(np.ndarray):
        pass

    assert result_dtype((np.ones(2, "i1"), Count(2))) is dtypes.int8
    assert result_dtype((np.ones(2, "f4").view(Array), np.ones(2))) is dtypes.float64


def test_result_dtype_refuses_what_is_no_number():
    with pytest.raises(TypeError, match="got str"):
        result_dtype((np.ones(2), "a"))


def test_limits_agree_with_numpy():
    for name in ("float16", "float32", "float64"):
        ours, theirs = finfo(name), np.finfo(name)
        assert (ours.eps, ours.max, ours.min, ours.tiny) == (theirs.eps, theirs.max, theirs.min, theirs.tiny)
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        assert (iinfo(name).min, iinfo(name).max) == (np.iinfo(name).min, np.iinfo(name).max)


# -- sizes


def test_a_size_is_a_tuple_and_its_parts_are_sizes():
    size = Size([2, 3, 4])
    assert size == (2, 3, 4)
    assert hash(size) == hash((2, 3, 4))
    assert size.numel() == 24
    assert Size().numel() == 1
    for part in (size[1:], size + (1,), (1,) + size, size * 2, 2 * size, copy.deepcopy(size)):
        assert type(part) is Size
    assert type(size[0]) is int
    assert type(Size([np.int64(3)])[0]) is int


def test_a_size_pickles():
    again = pickle.loads(pickle.dumps(Size([2, 3])))
    assert type(again) is Size
    assert again == (2, 3)


@pytest.mark.parametrize("items, position, name", [([2.0], 0, "float"), ([1, "a"], 1, "str"), ("ab", 0, "str")])
def test_a_size_takes_only_integers(items, position, name):
    with pytest.raises(TypeError) as caught:
        Size(items)
    assert str(caught.value) == f"rushlight.Size() takes an iterable of 'int' (item {position} is '{name}')"


# -- devices


def test_devices_compare_by_type_and_index():
    assert device("cuda", 1) == device("cuda:1") == device(device("cuda:1"))
    assert hash(device("cuda", 1)) == hash(device("cuda:1"))
    assert device("cpu") != device("cpu:0")
    assert device("cpu") != "cpu"
    with pytest.raises(AttributeError):
        device("cpu").index = 2


@pytest.mark.parametrize("text", ["cpu", "cuda:0"])
def test_devices_copy_and_pickle(text):
    assert copy.deepcopy(device(text)) == device(text)
    assert pickle.loads(pickle.dumps(device(text))) == device(text)


@pytest.mark.parametrize("name", CONSTANTS)
def test_layouts_and_memory_formats_pickle_to_themselves(name):
    constant = CONSTANTS[name]
    assert repr(constant) == f"rushlight.{name}"
    assert copy.deepcopy(constant) is constant
    assert pickle.loads(pickle.dumps(constant)) is constant
    with pytest.raises(TypeError, match="cannot create 'rushlight"):
        type(constant)()


def test_only_the_cpu_is_there():
    for x in (None, "cpu", "cpu:0", device("cpu")):
        assert check_cpu(x) == device("cpu")
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled"):
        check_cpu("cuda:0")
    with pytest.raises(NotImplementedError, match="'MPS' backend"):
        check_cpu(device("mps"))
    with pytest.raises(TypeError, match=r"^zeros\(\): argument 'device' must be rushlight.device, not float"):
        check_cpu(1.5, "zeros(): argument 'device'")


# -- beside PyTorch


@pytest.fixture
def torch(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(spelling, "module", "torch")
    return torch


@pytest.mark.parity
@pytest.mark.parametrize("name", sorted(NAMES))
def test_attributes_as_in_torch(torch, name):
    ours, theirs = NAMES[name], getattr(torch, name)
    assert repr(ours) == repr(theirs)
    for attribute in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert repr(ours.to_real()) == repr(theirs.to_real())
    if ours is not dtypes.float16:  # PyTorch's is complex32, which is not supported here
        assert as_in_torch(ours.to_complex) == as_in_torch(theirs.to_complex)


@pytest.mark.parity
@pytest.mark.parametrize("a", ALL)
def test_promotion_and_casts_as_in_torch(torch, a):
    for b in ALL:
        theirs = getattr(torch, a), getattr(torch, b)
        assert repr(dtypes.promote_types(NAMES[a], NAMES[b])) == repr(torch.promote_types(*theirs)), (a, b)
        assert dtypes.can_cast(NAMES[a], NAMES[b]) == torch.can_cast(*theirs), (a, b)


@pytest.mark.parity
@pytest.mark.parametrize("default", ["float32", "float64", "bfloat16"])
def test_result_dtype_as_in_torch(torch, default):
    pytest.importorskip("ml_dtypes")
    dtypes.set_default_dtype(NAMES[default])
    pairs = [(scalar, scalar) for scalar in SCALARS]
    for name, shape in itertools.product(ALL, [(2,), ()]):
        pairs.append((np.ones(shape, NAMES[name].numpy), torch.ones(shape, dtype=getattr(torch, name))))
    torch.set_default_dtype(getattr(torch, default))
    try:
        for (x, tx), (y, ty) in itertools.product(pairs, repeat=2):
            expected = repr(torch.result_type(tx, ty)).replace("complex32", "complex64")
            assert repr(result_dtype((x, y))) == expected, (tx, ty)
            assert repr(result_dtype([x, y, True])) == expected, (tx, ty)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parity
def test_result_dtype_of_three_as_in_torch(torch):
    def operand(module, name, shape):
        if module is torch:
            return torch.ones(shape, dtype=getattr(torch, name))
        return np.ones(shape, name)

    names = ["bool", "uint8", "int32", "float32", "float64", "complex64"]
    for a, b, scalar in itertools.product(names, names, SCALARS):
        expected = torch.where(
            operand(torch, "bool", (2,)), operand(torch, a, (2,)) * operand(torch, b, ()), scalar
        ).dtype
        assert repr(result_dtype((operand(np, a, (2,)), operand(np, b, ()), scalar))) == repr(expected)


@pytest.mark.parity
@pytest.mark.parametrize("name", ALL)
def test_limits_as_in_torch(torch, name):
    for ours, theirs in ((finfo, torch.finfo), (iinfo, torch.iinfo)):
        mine, yours = (
            as_in_torch(lambda f=ours: f(NAMES[name])),
            as_in_torch(lambda f=theirs: f(getattr(torch, name))),
        )
        assert mine == yours
        if not isinstance(mine, str):
            continue
        attributes = [a for a in dir(theirs) if a[0] != "_"]
        ours, theirs = ours(NAMES[name]), theirs(getattr(torch, name))
        assert {a: getattr(ours, a) for a in attributes} == {a: getattr(theirs, a) for a in attributes}


SIZES = """S([2, 3]) | S() | S(range(3)) | S([True]) | S(3) | S(None) | S([2.0]) | S([1, 'a']) | S('ab')
S([2, 3])[0:1] | S([2, 3])[-1] | S([2]) + (1,) | (1,) + S([2]) | S([2]) + [1] | S([2]) + 5 | S([2]) + (1.5,)
(1.5,) + S([2]) | S([2]) * 2 | 2 * S([2]) | S([2]) * 2.0 | S([2]).count(2) | S([2, 3]).index(3)
S([2]).index(9) | S([2, 3]).numel()"""


@pytest.mark.parity
@pytest.mark.parametrize("program", SIZES.replace("\n", " | ").split(" | "))
def test_sizes_as_in_torch(torch, program):
    assert as_in_torch(lambda: eval(program, {"S": Size})) == as_in_torch(lambda: eval(program, {"S": torch.Size}))


DEVICES = """'cpu' | 'cuda' | 'cuda:0' | 'cuda', 1 | 'cuda', -1 | 1 | -1 | 'foo' | 'cpu:0' | 'cpu:'
'cuda:-1' | 'cuda:01' | 'cuda:a' | 'cuda:1:2' | ':1' | '' | 'CPU' | 'cpu ' | 'foo bar' | 'cuda:1', 1
'cuda', '1' | 'cuda', True | 'xla:3' | 'cuda', None | 'foo:1'"""


@pytest.mark.parity
@pytest.mark.parametrize("arguments", DEVICES.replace("\n", " | ").split(" | "))
def test_devices_as_in_torch(torch, arguments):
    made = []
    for module in (device, torch.device):
        made.append(as_in_torch(lambda make=module: eval(f"D({arguments})", {"D": make})))
    assert made[0] == made[1]


@pytest.mark.parity
@pytest.mark.parametrize("name", CONSTANTS)
def test_layouts_and_memory_formats_as_in_torch(torch, name):
    assert repr(CONSTANTS[name]) == repr(getattr(torch, name))


@pytest.mark.parity
@pytest.mark.parametrize(
    "program",
    [
        "promote_types(1, d)",
        "promote_types(d, 1)",
        "can_cast(1, d)",
        "can_cast(d, 1)",
        "finfo(3)",
        "iinfo(3)",
    ],
)
def test_bad_arguments_are_refused_in_torch_s_words(torch, program):
    ours = as_in_torch(lambda: eval(f"m.{program}", {"m": dtypes, "d": dtypes.int8}))
    theirs = as_in_torch(lambda: eval(f"m.{program}", {"m": torch, "d": torch.int8}))
    assert ours[0] is theirs[0] is TypeError
    assert ours[1].startswith(theirs[1])
