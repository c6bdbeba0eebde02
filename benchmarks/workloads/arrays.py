"""Large arrays: elementwise expressions, and functions of rows."""

from .case import case, with_gradients

MILLION = 1_000_000
# Expressions of two arrays of a million and of ten million numbers.
EXPRESSIONS = {
    "x * y + x": lambda m, x, y: x * y + x,
    "exp(-x * x / 2) * sin(y)": lambda m, x, y: m.exp(-x * x / 2) * m.sin(y),
    "tanh(x) * sigmoid(y)": lambda m, x, y: m.tanh(x) * m.sigmoid(y),
    "log1p(abs(x)) / sqrt(1 + y * y)": lambda m, x, y: m.log1p(m.abs(x)) / m.sqrt(1 + y * y),
    "where(x > y, x, 0.1 * y)": lambda m, x, y: m.where(x > y, x, 0.1 * y),
    "Huber loss: where(|d| < 1, d ** 2 / 2, |d| - 0.5)": lambda m, x, y: m.where(
        (x - y).abs() < 1, (x - y) ** 2 / 2, (x - y).abs() - 0.5
    ),
}
FUNCTIONS = ("relu", "gelu", "silu", "softplus", "leaky_relu")

for _expression, _call in EXPRESSIONS.items():
    for _n in (MILLION, 10 * MILLION):

        @case(f"{_expression}, {_n:,} elements", "elementwise")
        def expression(m, call=_call, n=_n):
            m.manual_seed(0)
            return with_gradients(lambda x, y: call(m, x, y), m.randn(n), m.randn(n))


for _name in FUNCTIONS:

    @case(f"{_name}(x) * y, {MILLION:,} elements", "elementwise")
    def function(m, name=_name):
        m.manual_seed(0)
        call = getattr(m.nn.functional, name)
        return with_gradients(lambda x, y: call(x) * y, m.randn(MILLION), m.randn(MILLION))


@case("x * row + column, 1000 x 1000", "elementwise")
def broadcast(m):
    m.manual_seed(0)
    return with_gradients(lambda x, r, c: x * r + c, m.randn(1000, 1000), m.randn(1000), m.randn(1000, 1))


@case("x.t() * y, 2000 x 1000", "elementwise")
def transposed(m):
    m.manual_seed(0)
    return with_gradients(lambda x, y: x.t() * y, m.randn(1000, 2000), m.randn(2000, 1000))


@case("(x - x.mean(0)) / x.std(0), 10,000 x 100", "elementwise")
def standardised(m):
    m.manual_seed(0)
    x = m.randn(10_000, 100)
    return with_gradients(lambda x: ((x - x.mean(0)) / x.std(0)).pow(3), x)


@case("mean squared error of 4,000,000 elements", "elementwise")
def squares(m):
    m.manual_seed(0)
    return with_gradients(m.nn.functional.mse_loss, m.randn(4 * MILLION), m.randn(4 * MILLION))


# Functions of x, its rows' classes y, and a weight and a bias as long as a row.
ROWS = {
    "softmax": lambda m, x, y, w, b: m.softmax(x, -1) * w,
    "log_softmax": lambda m, x, y, w, b: m.log_softmax(x, -1) * w,
    "layer_norm": lambda m, x, y, w, b: m.nn.functional.layer_norm(x, x.shape[-1:], w, b) * w,
    "cross_entropy": lambda m, x, y, w, b: m.nn.functional.cross_entropy(x, y),
    "cross_entropy with label smoothing": lambda m, x, y, w, b: m.nn.functional.cross_entropy(
        x, y, label_smoothing=0.1
    ),
    "rms_norm": lambda m, x, y, w, b: m.nn.functional.rms_norm(x, x.shape[-1:], w) * w,
    "logsumexp": lambda m, x, y, w, b: m.logsumexp(x, -1),
}
SHAPES = {name: ((2048, 1000),) for name in ROWS}
for _name in ("softmax", "log_softmax", "layer_norm", "cross_entropy"):
    SHAPES[_name] = ((2048, 1000), (8192, 256), (256, 16_000))


def rows_and_more(m, rows, columns):
    m.manual_seed(0)
    return m.randn(rows, columns), m.randint(0, columns, (rows,)), m.randn(columns), m.zeros(columns)


for _name, _call in ROWS.items():
    for _rows, _columns in SHAPES[_name]:

        @case(f"{_name}, {_rows} x {_columns}, forward and backward", "rows")
        def rows_with_gradient(m, call=_call, shape=(_rows, _columns)):
            x, *others = rows_and_more(m, *shape)
            return with_gradients(lambda x: call(m, x, *others), x)

    @case(f"{_name}, 2048 x 1000, forward under no_grad", "rows")
    def rows_forward(m, call=_call):
        given = rows_and_more(m, 2048, 1000)

        def run():
            with m.no_grad():
                return call(m, *given)

        return run
