"""Complex numbers: parts, size, direction, and tensors of them made of real ones."""

from .. import casting
from ..core import call1, inplace
from ..dtypes import of
from ..ops import complex as ops
from ..ops import trigonometric
from ..ops.copying import conj as conjugate
from .arguments import accepts_out, check_tensor, widening
from .making import unary, unary_inplace

abs = unary(ops.abs, "The size of each element.", "[1.0, -2.0]", "tensor([1., 2.])")
sgn = unary(
    ops.sgn,
    "The sign of each element; x / |x| for complex ones.",
    "[3 + 4j, 0j]",
    "tensor([0.6000+0.8000j, 0.0000+0.0000j])",
)
angle = unary(
    ops.angle,
    "The angle of each complex element in radians; pi for a negative real one.",
    "[1j, -1.0]",
    "tensor([1.5708, 3.1416])",
)
absolute = abs


def real(input):
    """The real part, a view; a real tensor itself.

    >>> import rushlight
    >>> rushlight.real(rushlight.tensor([1 + 2j]))
    tensor([1.])
    """
    check_tensor(input, "real")
    return ops.real(input) if input._array.dtype.kind == "c" else input


def imag(input):
    """The imaginary part, a view. RuntimeError for a real tensor.

    >>> import rushlight
    >>> rushlight.imag(rushlight.tensor([1 + 2j]))
    tensor([2.])
    """
    check_tensor(input, "imag")
    if input._array.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return ops.imag(input)


def _write_real(input, value):
    real(input)[...] = value


def _write_imag(input, value):
    imag(input)[...] = value


def conj(input):
    """The conjugate (a copy); a real tensor itself.

    >>> import rushlight
    >>> rushlight.conj(rushlight.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    check_tensor(input, "conj")
    return call1(conjugate, input) if input._array.dtype.kind == "c" else input


@accepts_out
def conj_physical(input):
    """The conjugate of each element, always computed.

    >>> import rushlight
    >>> rushlight.conj_physical(rushlight.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return conj(input)


def resolve_conj(input):
    """`input` itself: conjugation here is never postponed.

    >>> import rushlight
    >>> rushlight.resolve_conj(rushlight.tensor([1.0]))
    tensor([1.])
    """
    check_tensor(input, "resolve_conj")
    return input


def resolve_neg(input):
    """`input` itself: negation here is never postponed.

    >>> import rushlight
    >>> rushlight.resolve_neg(rushlight.tensor([1.0]))
    tensor([1.])
    """
    check_tensor(input, "resolve_neg")
    return input


def is_conj(input):
    """False: conjugation here is never postponed.

    >>> import rushlight
    >>> rushlight.is_conj(rushlight.tensor([1j]))
    False
    """
    check_tensor(input, "is_conj")
    return False


def is_neg(input):
    """False: negation here is never postponed.

    >>> import rushlight
    >>> rushlight.is_neg(rushlight.tensor([1.0]))
    False
    """
    check_tensor(input, "is_neg")
    return False


def _real_pair(first, second, function, names):
    """Refuse what is not a pair of real tensors of one dtype."""
    check_tensor(first, function, 1, names[0])
    check_tensor(second, function, 2, names[1])
    a, b = of(first._array.dtype), of(second._array.dtype)
    if a.name not in _REAL or b.name not in _REAL:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {a.scalar_type} and {b.scalar_type}"
        )
    if a is not b:
        raise RuntimeError(
            f"Expected object of scalar type {a.scalar_type} but got scalar type {b.scalar_type} for second argument"
        )


_REAL = ("float16", "float32", "float64")


def complex(real, imag, *, out=None):
    """real + imag * 1j of two real tensors of one dtype.

    >>> import rushlight
    >>> rushlight.complex(rushlight.tensor([1.0]), rushlight.tensor([2.0]))
    tensor([1.+2.j])
    """
    _real_pair(real, imag, "complex", ("real", "imag"))
    made = of(real._array.dtype).to_complex()
    if out is not None and of(out._array.dtype) is not made:
        raise RuntimeError(
            f"Expected object of scalar type {made.scalar_type} but got scalar type {of(out._array.dtype).scalar_type} "
            "for argument 'out'"
        )
    return _complex(real, imag, out=out)


@accepts_out
def _complex(real, imag):
    return ops.complex(real, imag)


_complex.__name__ = "complex"


@widening
def polar(abs, angle):
    """The complex numbers of these sizes and angles, two real tensors of one dtype.

    >>> import rushlight
    >>> rushlight.polar(rushlight.tensor([2.0]), rushlight.tensor([0.0]))
    tensor([2.+0.j])
    """
    _real_pair(abs, angle, "polar", ("abs", "angle"))
    return ops.complex(abs * call1(trigonometric.cos, angle), abs * call1(trigonometric.sin, angle))


def view_as_real(input):
    """A view of shape (..., 2): the real and the imaginary part of each element. RuntimeError for a real tensor.

    >>> import rushlight
    >>> rushlight.view_as_real(rushlight.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    check_tensor(input, "view_as_real")
    if input._array.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return ops.view_as_real(input)


def view_as_complex(input):
    """A view of shape (..., 2) as complex numbers. RuntimeError for other shapes, strides and dtypes.

    >>> import rushlight
    >>> rushlight.view_as_complex(rushlight.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    check_tensor(input, "view_as_complex")
    if casting.in_force:
        (input,) = casting.wide(input)
    array = input._array
    dtype, strides = array.dtype, array.strides
    if dtype.char not in "fd":
        if of(dtype).name in _REAL:
            raise NotImplementedError("complex numbers of two halves do not exist here: make the tensor float32 first")
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{of(dtype).scalar_type}"
        )
    if not strides:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if strides[-1] != dtype.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    for stride in strides[:-1]:
        if stride % (2 * dtype.itemsize) and not array.flags.c_contiguous:
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return ops.view_as_complex(input)


def _abs_(self):
    """`abs` written over this tensor, which is returned."""
    check_tensor(self, "abs_")
    if self._array.dtype.kind == "c":
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return inplace(ops.abs, self, (), {})


def _conj_physical_(self):
    """`conj_physical` written over this tensor, which is returned."""
    return inplace(conjugate, self, (), {})


def __abs__(self):
    return abs(self)


FUNCTIONS = (
    "abs", "absolute", "angle", "complex", "conj", "conj_physical", "imag", "is_conj", "is_neg", "polar",
    "real", "resolve_conj", "resolve_neg", "sgn", "view_as_complex", "view_as_real",
)  # fmt: skip
METHODS = (
    "__abs__", "abs", "absolute", "angle", "conj", "conj_physical", "is_conj", "is_neg", "resolve_conj", "resolve_neg",
    "sgn",
)  # fmt: skip
INPLACE = {
    "real": property(real, _write_real),
    "imag": property(imag, _write_imag),
    "abs_": _abs_,
    "absolute_": _abs_,
    "conj_physical_": _conj_physical_,
    "sgn_": unary_inplace(ops.sgn),
}
