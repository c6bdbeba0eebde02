"""Cases of second derivatives, and of derivatives for each sample of a batch."""

from importlib import import_module

from .case import case


def network(m, width):
    m.manual_seed(0)
    nn = m.nn
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))


for _width in (16, 32, 64):

    @case(f"Hessian-vector product, network of width {_width}, batch 32", "second")
    def hessian_vector(m, width=_width):
        model, x, y = network(m, width), m.randn(32, 2), m.randn(32, 1)
        parameters = list(model.parameters())
        vectors = [m.randn(*p.shape) for p in parameters]

        def product():
            loss = ((model(x) - y) ** 2).mean()
            slopes = m.autograd.grad(loss, parameters, create_graph=True)
            return m.autograd.grad(slopes, parameters, vectors)

        return product

    @case(f"Laplacian by nested grad, network of width {_width}, one point", "second")
    def laplacian(m, width=_width):
        model, points = network(m, width), m.randn(1, 2)
        grad = m.autograd.grad

        def at_point():
            x = points.clone().requires_grad_()
            (slope,) = grad(model(x).sum(), x, create_graph=True)
            return sum(grad(slope[0, k], x, create_graph=True)[0][0, k] for k in range(2))

        return at_point

    @case(f"Laplacian by nested grad and its gradient, width {_width}, 32 points", "second")
    def physics_informed(m, width=_width):
        model, points = network(m, width), m.randn(32, 2)
        parameters = list(model.parameters())
        grad = m.autograd.grad

        def step():
            x = points.clone().requires_grad_()
            (slope,) = grad(model(x).sum(), x, create_graph=True)
            curved = sum(grad(slope[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(2))
            return grad((curved**2).mean(), parameters, allow_unused=True)

        return step


@case("functional.hessian of a function of 24 numbers", "second")
def hessian(m):
    m.manual_seed(0)
    a, x = m.randn(24, 24), m.randn(24)
    return lambda: m.autograd.functional.hessian(lambda x: (x.sin() * (a @ x)).sum() + (x**2).sum().exp().log(), x)


@case("functional.hvp of a function of 24 numbers", "second")
def hvp(m):
    m.manual_seed(0)
    a, x = m.randn(24, 24), m.randn(24)
    return lambda: m.autograd.functional.hvp(lambda x: (x.sin() * (a @ x)).sum() + (x**2).sum().exp().log(), x, x)


@case("vmap(grad) of a formula, 1,000 samples", "samples")
def formula_of_each(m):
    func = import_module(f"{m.__name__}.func")
    m.manual_seed(0)
    x = m.randn(1000, 16)
    return lambda: func.vmap(func.grad(lambda row: (row.sin() * row).sum()))(x)


@case("vmap(grad) of a network 16-32-1 by its weights, 1,000 samples", "samples")
def weights_of_each(m):
    func = import_module(f"{m.__name__}.func")
    m.manual_seed(0)
    x, y = m.randn(1000, 16), m.randn(1000, 1)
    weights = [m.randn(32, 16) * 0.2, m.zeros(32), m.randn(1, 32) * 0.2, m.zeros(1)]

    def loss(weights, x, y):
        a, b, c, d = weights
        return ((c @ (a @ x + b).tanh() + d - y) ** 2).sum()

    return lambda: func.vmap(func.grad(loss), (None, 0, 0))(weights, x, y)


@case("vmap(grad) of modules 16-64-10 with cross-entropy, 1,000 samples", "samples")
def modules_of_each(m):
    func = import_module(f"{m.__name__}.func")
    m.manual_seed(0)
    model = m.nn.Sequential(m.nn.Linear(16, 64), m.nn.ReLU(), m.nn.Linear(64, 10))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    x, y = m.randn(1000, 16), m.arange(1000) % 10

    def loss(parameters, x, y):
        return m.nn.functional.cross_entropy(func.functional_call(model, parameters, (x,)), y)

    return lambda: func.vmap(func.grad(loss), (None, 0, 0))(parameters, x, y)
