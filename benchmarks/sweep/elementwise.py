"""Arithmetic, comparison, logic, rounding, exponential and trigonometric functions, complex numbers, activations."""

from .row import Timed, booleans, complexes, integers, matrix, other, positive, row, unit, vector


def of(names, *inputs, **options):
    return [Timed(name, *inputs, **options) for name in names.split()]


def functional(names, *inputs):
    return [Timed(f"nn.functional.{name}", *inputs) for name in names.split()]


ARITHMETIC = [
    *of("add sub mul div maximum minimum fmax fmin copysign atan2 hypot logaddexp logaddexp2", vector, other),
    *of("floor_divide remainder fmod nextafter heaviside", vector, other, grad=False),
    *of("pow", positive, other),
    Timed("add a row", matrix, row, call=lambda m, x, y: x + y, ops=("expand", "sum_to")),
    Timed("mul by a column", matrix, row, call=lambda m, x, y: x * y[:, None]),
    Timed("add a number", vector, call=lambda m, x: x + 1.5),
    Timed("mul by a number", vector, call=lambda m, x: x * 1.5),
    Timed("rsub", vector, call=lambda m, x: 1.5 - x),
    Timed("pow of a number", vector, call=lambda m, x: 2.0**x),
    Timed("pow 3", vector, call=lambda m, x: x**3),
    Timed("pow 2.5", positive, call=lambda m, x: x**2.5),
    Timed("add alpha", vector, other, call=lambda m, x, y: m.add(x, y, alpha=0.5), ops=("add_scaled",)),
    Timed("sub alpha", vector, other, call=lambda m, x, y: m.sub(x, y, alpha=0.5), ops=("sub_scaled",)),
    Timed("div floor", vector, other, grad=False, call=lambda m, x, y: m.div(x, y, rounding_mode="floor"), ops=("div_rounded",)),
    Timed("div trunc", vector, other, grad=False, call=lambda m, x, y: m.div(x, y, rounding_mode="trunc")),
    Timed("add integers", integers(), integers(), call=lambda m, x, y: x + y),
    Timed("mul integers", integers(), integers(), call=lambda m, x, y: x * y),
    Timed("floor_divide integers", integers(), integers(1), call=lambda m, x, y: x // y),
    Timed("remainder integers", integers(), integers(1), call=lambda m, x, y: x % y),
    Timed("div integers", integers(), integers(1), call=lambda m, x, y: x / y),
    Timed("add transposed", matrix, matrix, call=lambda m, x, y: x.t() + y),
    Timed("mul of strided", matrix, matrix, call=lambda m, x, y: x[:, ::2] * y[:, ::2]),
    Timed("lerp", vector, other, unit),
    Timed("lerp by a number", vector, other, call=lambda m, x, y: m.lerp(x, y, 0.3), ops=("lerp_number",)),
    Timed("addcmul", vector, other, unit),
    Timed("addcdiv", vector, other, unit),
    *of("neg abs square reciprocal sqrt rsqrt sign", positive),
    Timed("sgn", vector),
    *of("floor ceil trunc round frac", vector),
]  # fmt: skip

COMPARISON = [
    *of("eq ne lt le gt ge isclose", vector, other, grad=False),
    *of("isnan isinf isfinite isposinf isneginf isreal signbit", vector, grad=False),
    Timed("lt a number", vector, grad=False, call=lambda m, x: x < 0.5),
    Timed("eq integers", integers(), integers(), call=lambda m, x, y: x == y),
    *of("logical_and logical_or logical_xor", booleans, booleans),
    Timed("logical_not", booleans),
    Timed("logical_and of numbers", vector, other, grad=False, call=lambda m, x, y: m.logical_and(x, y)),
    *of("bitwise_and bitwise_or bitwise_xor gcd lcm", integers(), integers()),
    *of("bitwise_left_shift bitwise_right_shift", integers(), integers(0, 8)),
    Timed("bitwise_not", integers()),
]

FUNCTIONS = [
    *of("exp exp2 expm1 log log2 log10 log1p", positive),
    Timed("frexp", vector, call=lambda m, x: m.frexp(x)[0]),
    *of("sin cos tan sinh cosh tanh asinh sinc deg2rad rad2deg", vector),
    *of("asin acos atan atanh", vector),
    Timed("acosh", other, call=lambda m, x: m.acosh(x + 1)),
]

COMPLEX = [
    *of("real imag angle", complexes),
    Timed(
        "conj",
        complexes,
        call=lambda m, x: m.resolve_conj(m.conj(x)),
        finish=lambda g: g.resolve_conj(),
        note="PyTorch's conj alone only marks a view, and so does its gradient; whoever reads it computes it",
    ),
    Timed("abs complex", complexes, call=lambda m, x: x.abs()),
    Timed("angle of reals", vector, call=lambda m, x: m.angle(x)),
    Timed("complex", vector, other),
    Timed("polar", positive, vector),
    Timed("view_as_real", complexes),
    Timed("mul complex", complexes, complexes, call=lambda m, x, y: x * y),
    Timed("exp complex", complexes, call=lambda m, x: x.exp()),
]

SELECTION = [
    Timed("where", booleans, vector, other),
    Timed("where a number", booleans, vector, call=lambda m, c, x: m.where(c, x, 0.0)),
    Timed("clamp", vector, call=lambda m, x: m.clamp(x, -0.5, 0.5), ops=("clamp_numbers",)),
    Timed("clamp by tensors", vector, vector, other, call=lambda m, x, a, b: m.clamp(x, a, b)),
    Timed("clamp_min", vector, call=lambda m, x: m.clamp_min(x, 0.1)),
    Timed("clamp_max", vector, call=lambda m, x: m.clamp_max(x, 0.1)),
    Timed("nan_to_num", vector),
]

ACTIVATIONS = [
    Timed("sigmoid", vector, ops=("sigmoid_backward", "sigmoid_bend", "tanh_backward", "tanh_bend")),
    *functional("relu relu6 logsigmoid softplus silu mish gelu elu celu selu leaky_relu hardtanh", vector),
    *functional("hardsigmoid hardswish softshrink hardshrink tanhshrink softsign", vector),
    Timed("nn.functional.gelu tanh", vector, call=lambda m, x: m.nn.functional.gelu(x, approximate="tanh")),
    Timed("nn.functional.threshold", vector, call=lambda m, x: m.nn.functional.threshold(x, 0.1, 0.0)),
    Timed("nn.functional.prelu", vector, call=lambda m, x: m.nn.functional.prelu(x, m.tensor([0.25], dtype=x.dtype))),
    Timed("nn.functional.glu", matrix, call=lambda m, x: m.nn.functional.glu(x, 0)),
]

COPIES = [
    Timed("clone", vector),
    Timed("to float64", vector, call=lambda m, x: x.double(), ops=("to_dtype",)),
    Timed("to int64", vector, grad=False, call=lambda m, x: x.long()),
    Timed("integers to float", integers(), call=lambda m, x: x.float()),
    Timed("copy_", vector, other, grad=False, call=lambda m, x, y: x.copy_(y), ops=("copy", "copy_grad")),
    Timed("fill_", vector, grad=False, call=lambda m, x: x.fill_(2.0), ops=("fill",)),
    Timed("zero_", vector, grad=False, call=lambda m, x: x.zero_(), ops=("zero",)),
    Timed("add_", vector, other, grad=False, call=lambda m, x, y: x.add_(y)),
    Timed("mul_ by a number", vector, grad=False, call=lambda m, x: x.mul_(1.0)),
    Timed("contiguous of transposed", matrix, call=lambda m, x: x.t().contiguous()),
]

ROWS = [*ARITHMETIC, *COMPARISON, *FUNCTIONS, *COMPLEX, *SELECTION, *ACTIVATIONS, *COPIES]
