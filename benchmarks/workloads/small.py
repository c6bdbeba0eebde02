"""Small tensors: single operations, chains, formulas, control flow on scalars."""

from .case import case, with_gradients


def vectors(m, n=8):
    base = [0.1 * i + 0.5 for i in range(n)]
    return m.tensor(base, requires_grad=True), m.tensor(base[::-1], requires_grad=True)


for _n in (8, 64):

    @case(f"recorded multiply, {_n} elements", "small", per=10)
    def multiply(m, n=_n):
        x, y = vectors(m, n)

        def ten():
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            return x * y

        return ten

    @case(f"recorded add, {_n} elements", "small", per=10)
    def add(m, n=_n):
        x, y = vectors(m, n)

        def ten():
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            return x + y

        return ten

    @case(f"chain of 50 operations, forward and backward, per operation, {_n} elements", "small", per=50)
    def chain(m, n=_n):
        x, y = vectors(m, n)

        def chained():
            z = x
            for _ in range(25):
                z = z * y
                z = z + y
            z.sum().backward()

        return chained

    @case(f"(x * y + y).sum().backward(), {_n} elements", "small")
    def formula(m, n=_n):
        x, y = vectors(m, n)
        return lambda: (x * y + y).sum().backward()

    @case(
        f"chain of 40 functions (tanh, exp, log, sin), forward and backward, per function, {_n} elements",
        "small",
        per=40,
    )
    def functions(m, n=_n):
        def ten_times(x):
            for _ in range(10):
                x = (x.tanh().exp() + 1).log().sin() + 0.5
            return x

        return with_gradients(ten_times, vectors(m, n)[0])

    @case(f"Rosenbrock's function and its gradient, {_n} numbers", "small")
    def rosenbrock(m, n=_n):
        return with_gradients(lambda x: 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, vectors(m, n)[0])

    @case(f"logarithm of a normal density and its gradients, {_n} numbers", "small")
    def density(m, n=_n):
        x, scale = vectors(m, n)
        return with_gradients(lambda x, mean, scale: -0.5 * ((x - mean) / scale) ** 2 - scale.log() - 0.918938,
                              x, m.tensor(0.3), scale)  # fmt: skip


@case("quadratic form x @ A @ x and its gradients, 8 numbers", "small")
def quadratic(m):
    m.manual_seed(0)
    return with_gradients(lambda x, a: x @ a @ x, m.randn(8), m.randn(8, 8))


@case("Newton's method for a square root, a scalar, until it stands", "small")
def newton(m):
    def root(a):
        x = a
        while True:
            step = (x * x - a) / (2 * x)
            x = x - step
            if step.abs() < 1e-6:
                return x

    return with_gradients(root, m.tensor(30.0))


@case("scalar with a branch in each of 40 steps", "small")
def branches(m):
    def walk(x):
        for _ in range(40):
            x = x * 1.5 if x < 1 else x - 0.75
        return x

    return with_gradients(walk, m.tensor(0.3))


@case("Euler's method on scalars, 50 steps, two unknowns", "small")
def euler(m):
    def hunters(prey, birth, death):
        hunter = prey * 0.5
        for _ in range(50):
            change = birth * prey - prey * hunter
            hunter = hunter + 0.01 * (prey * hunter - death * hunter)
            prey = prey + 0.01 * change
        return prey

    return with_gradients(hunters, m.tensor(1.0), m.tensor(1.1), m.tensor(0.4))


@case("loop over the elements of a vector with .item(), 16 elements", "small")
def items(m):
    def clipped(x):
        total = 0.0
        for v in x:
            total = total + (v * v if v.item() > 1 else v)
        return total

    return with_gradients(clipped, vectors(m, 16)[0].detach())
