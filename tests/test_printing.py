"""Golden texts of arrays as tensors print them."""

import math

import numpy as np
import pytest

from rushlight import dtypes, spelling
from rushlight.printing import array_repr, get_printoptions, printoptions, set_printoptions


@pytest.fixture(autouse=True)
def defaults():
    yield
    set_printoptions(profile="default")
    dtypes.set_default_dtype(dtypes.float32)


def floats(*values):
    return np.array(values, np.float32)


def text(array, **keywords):
    """The text between `tensor(` and the last bracket."""
    whole = array_repr(np.asarray(array), **keywords)
    assert whole.startswith("tensor(") and whole.endswith(")")
    return whole[len("tensor(") : -1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], "[1., 2.]"),
        ([1, -20], "[  1., -20.]"),
        ([0, -0.0], "[0., -0.]"),
        ([1.5, -2], "[ 1.5000, -2.0000]"),
        ([0.25, 0], "[0.2500, 0.0000]"),
        ([math.nan, 0], "[nan, 0.]"),
        ([math.nan, 1.5, -math.inf], "[   nan, 1.5000,   -inf]"),
        ([math.inf, 1, -1], "[inf,  1., -1.]"),
    ],
)
def test_floats(values, expected):
    assert text(floats(*values)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1000], "[   1., 1000.]"),
        ([1, 1001], "[1.0000e+00, 1.0010e+03]"),
        ([1e8], "[100000000.]"),
        ([1.1e8, -1e8], "[ 1.1000e+08, -1.0000e+08]"),
        ([0.000101], "[0.0001]"),
        ([0.00009, 0], "[9.0000e-05, 0.0000e+00]"),
        ([0.5, 499], "[  0.5000, 499.0000]"),
        ([0.25, 499, math.inf], "[2.5000e-01, 4.9900e+02,        inf]"),
    ],
)
def test_when_notation_is_scientific(values, expected):
    assert text(floats(*values)) == expected


def test_the_smallest_plain_number():
    assert text(np.array([1e-4])) == "[0.0001], dtype=rushlight.float64"


def test_three_digit_exponents():
    assert text(np.array([1e300, -1e-300])) == "[ 1.0000e+300, -1.0000e-300], dtype=rushlight.float64"


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (np.float32(3), "3."),
        (np.float32(-0.5), "-0.5000"),
        (np.float32(math.nan), "nan"),
        (np.int64(-7), "-7"),
        (np.bool_(True), "True"),
        (np.complex64(1 - 2j), "1.-2.j"),
        (np.int16(7), "7, dtype=rushlight.int16"),
    ],
)
def test_no_dimensions(scalar, expected):
    assert text(scalar) == expected


def test_integers_and_bools():
    assert text(np.array([1, -10, 200])) == "[  1, -10, 200]"
    assert text(np.array([[True, False]])) == "[[ True, False]]"
    assert text(np.array([255, 0], np.uint8)) == "[255,   0], dtype=rushlight.uint8"
    assert text(np.array([2**63 - 1, -(2**63)])) == "[ 9223372036854775807, -9223372036854775808]"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1 + 2j, -3 - 1j], "[ 1.+2.j, -3.-1.j]"),
        ([1 + 2j, -3.5 - 1e-6j], "[ 1.0000+2.0000e+00j, -3.5000-1.0000e-06j]"),
        ([complex(-0.0, -0.0)], "[-0.-0.j]"),
        ([complex(math.nan, math.inf), complex(1.5, -10)], "[   nan+infj, 1.5000-10.j]"),
    ],
)
def test_complex(values, expected):
    assert text(np.array(values, np.complex64)) == expected


def test_half_precision():
    assert text(np.array([65504, 0.1], np.float16)) == "[6.5504e+04, 9.9976e-02], dtype=rushlight.float16"
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    assert text(np.array([1.5, 0.1], bfloat16)) == "[1.5000, 0.1001], dtype=rushlight.bfloat16"
    assert text(np.array(2, bfloat16)) == "2., dtype=rushlight.bfloat16"


def test_blocks():
    assert array_repr(np.arange(8).reshape(2, 2, 2)) == (
        "tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]])"
    )
    assert array_repr(np.arange(2).reshape(2, 1, 1, 1)) == "tensor([[[[0]]],\n\n\n        [[[1]]]])"


def test_long_rows_wrap():
    assert array_repr(np.arange(20.0, dtype=np.float32)) == (
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
        "        14., 15., 16., 17., 18., 19.])"
    )
    with printoptions(linewidth=20):
        assert array_repr(np.arange(9).reshape(1, 9)) == ("tensor([[0, 1, 2, 3,\n         4, 5, 6, 7,\n         8]])")
    with printoptions(linewidth=30):
        assert text(np.zeros(5, np.complex64)).splitlines()[0] == "[0.+0.j, 0.+0.j, 0.+0.j, 0.+0.j,"
        assert text(np.full(3, 1 - 1j, np.complex64)).splitlines()[0] == "[1.-1.j, 1.-1.j,"
    with printoptions(linewidth=math.inf):
        assert "\n" not in array_repr(np.arange(900))


def test_large_arrays_are_cut():
    assert text(np.arange(1000)).count("\n") > 50
    assert text(np.arange(1001)) == "[   0,    1,    2,  ...,  998,  999, 1000]"
    assert array_repr(np.arange(7 * 200).reshape(7, 200)) == (
        "tensor([[   0,    1,    2,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  397,  398,  399],\n"
        "        [ 400,  401,  402,  ...,  597,  598,  599],\n"
        "        ...,\n"
        "        [ 800,  801,  802,  ...,  997,  998,  999],\n"
        "        [1000, 1001, 1002,  ..., 1197, 1198, 1199],\n"
        "        [1200, 1201, 1202,  ..., 1397, 1398, 1399]])"
    )
    with printoptions(threshold=3, edgeitems=1):
        cube = array_repr(np.arange(27).reshape(3, 3, 3))
    assert cube == (
        "tensor([[[ 0,  ...,  2],\n         ...,\n         [ 6,  ...,  8]],\n\n"
        "        ...,\n\n"
        "        [[18,  ..., 20],\n         ...,\n         [24,  ..., 26]]])"
    )


def test_only_dimensions_longer_than_both_edges_are_cut():
    assert array_repr(np.arange(6 * 200).reshape(6, 200)).count("...") == 6
    assert array_repr(np.arange(7 * 200).reshape(200, 7)[:, :6]).count("...") == 1


def test_what_is_not_shown_is_not_measured():
    values = np.ones(2000, np.float32)
    values[1000] = -1e30
    assert text(values) == "[1., 1., 1.,  ..., 1., 1., 1.]"


def test_huge_arrays_are_not_touched():
    huge = np.broadcast_to(np.float32(1), (10**6, 10**6))
    assert array_repr(huge).count("1.") == 36


def test_empty():
    assert text(floats()) == "[]"
    assert text(np.zeros((0, 3), np.float32)) == "[], size=(0, 3)"
    assert text(np.zeros((2, 0), np.float64)) == "[], size=(2, 0), dtype=rushlight.float64"
    assert text(np.zeros(0, np.int64)) == "[], dtype=rushlight.int64"
    assert text(np.zeros(0, np.complex64)) == "[], dtype=rushlight.complex64"


def test_the_dtype_is_said_unless_implied(monkeypatch):
    assert text(np.ones(1, np.complex128)) == "[1.+0.j], dtype=rushlight.complex128"
    dtypes.set_default_dtype(dtypes.float64)
    assert text(np.ones(1)) == "[1.]"
    assert text(np.ones(1, np.complex128)) == "[1.+0.j]"
    assert text(np.ones(1, np.int64)) == "[1]"
    monkeypatch.setattr(spelling, "module", "torch")
    assert text(floats(1)) == "[1.], dtype=torch.float32"


def test_suffixes():
    assert text(floats(3), requires_grad=True) == "[3.], requires_grad=True"
    assert text(floats(3), requires_grad=True, grad_fn_name="MulBackward0") == "[3.], grad_fn=<MulBackward0>"
    assert text(floats(3), tangent="6.0") == "[3.], tangent=6.0"
    assert array_repr(np.full((1, 6), 0.5), grad_fn_name="MulBackward0") == (
        "tensor([[0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000]],\n"
        "       dtype=rushlight.float64, grad_fn=<MulBackward0>)"
    )


def test_where_suffixes_wrap():
    with printoptions(linewidth=33):
        assert text(floats(3), requires_grad=True) == "[3.], requires_grad=True"
    with printoptions(linewidth=32):
        assert text(floats(3), requires_grad=True) == "[3.],\n       requires_grad=True"
    threes = np.full(3, 3.0)
    with printoptions(linewidth=43):
        lines = text(threes, grad_fn_name="X").splitlines()
        assert lines == ["[3., 3., 3.],", "       dtype=rushlight.float64, grad_fn=<X>"]
    with printoptions(linewidth=42):
        lines = text(threes, grad_fn_name="X").splitlines()
        assert lines == ["[3., 3., 3.],", "       dtype=rushlight.float64,", "       grad_fn=<X>"]


def test_prefix():
    rows = np.ones((2, 1), np.float32)
    assert array_repr(rows, prefix="My(") == "My([[1.],\n    [1.]])"
    assert array_repr(rows, prefix="Parameter containing:\ntensor(", requires_grad=True) == (
        "Parameter containing:\ntensor([[1.],\n        [1.]], requires_grad=True)"
    )


def test_precision_and_sci_mode():
    with printoptions(precision=2):
        assert text(floats(1.12345)) == "[1.12]"
    with printoptions(sci_mode=True):
        assert text(floats(1, -20)) == "[ 1.0000e+00, -2.0000e+01]"
        assert text(np.array([1, 20])) == "[ 1, 20]"
    with printoptions(sci_mode=False):
        assert text(floats(1.25, -2e-9)) == "[ 1.2500, -0.0000]"


def test_no_edgeitems():
    with printoptions(edgeitems=0, threshold=3):
        assert text(np.arange(4)) == "[...], size=(4,)"
        assert text(np.arange(3)) == "[0, 1, 2], size=(3,)"


def test_options_are_set_and_restored():
    default = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert get_printoptions() == default
    with pytest.raises(KeyError), printoptions(profile="short", edgeitems=5, sci_mode=True):
        assert get_printoptions() == default | {"precision": 2, "edgeitems": 5, "sci_mode": True}
        raise KeyError
    assert get_printoptions() == default
    set_printoptions(sci_mode=True)
    set_printoptions(profile="full")
    assert get_printoptions() == default | {"threshold": math.inf}
    get_printoptions()["precision"] = 9
    assert get_printoptions()["precision"] == 4


@pytest.mark.parametrize("wrong", [{"profile": "long"}, {"precision": -1}, {"precision": 2.5}, {"edgeitems": -1}])
def test_wrong_options_change_nothing(wrong):
    before = get_printoptions()
    with pytest.raises(ValueError, match=f"set_printoptions: {next(iter(wrong))} must be"):
        set_printoptions(linewidth=10, **wrong)
    assert get_printoptions() == before
