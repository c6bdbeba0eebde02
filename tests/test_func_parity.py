"""rushlight.func against torch.func: values, nesting, trees, and the refusals."""

import pytest

import rushlight as rl

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")


def plain(value):
    """Tensors as nested lists with their dtype and whether they have a history, in the tree they come in."""
    if isinstance(value, (torch.Tensor, rl.Tensor)):
        return (
            [round(float(v), 4) for v in value.detach().reshape(-1).tolist()],
            tuple(value.shape),
            str(value.dtype).split(".")[-1],
            value.requires_grad,
        )
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)([plain(part) for part in value])
    return value


def outcome(program, module):
    try:
        return plain(program(module, module.func))
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].replace("torch.", "rushlight.").split(". ")[0]


def agree(program):
    theirs, ours = outcome(program, torch), outcome(program, rl)
    assert repr(ours).replace("torch.", "rushlight.") == repr(theirs).replace("torch.", "rushlight.")


def vector(m, *values, **options):
    return m.tensor(list(values), dtype=m.float64, **options)


def matrix(m):
    return m.arange(6.0, dtype=m.float64).reshape(2, 3) / 7


def rows(m):
    return m.arange(8.0, dtype=m.float64).reshape(4, 2) / 5


def net(w, x):
    return ((x @ w).tanh() ** 2).sum()


def wavy(x):
    return (x.sin() * x.exp()).prod()


def x3(m, **options):
    return vector(m, 1.0, 2.0, 0.5, **options)


VALUES = {
    "grad": lambda m, F: F.grad(lambda x: (x**3).sum())(x3(m)),
    "grad three deep": lambda m, F: F.grad(F.grad(F.grad(lambda x: x.sin() * x**3)))(m.tensor(1.5)),
    "grad by a tuple of one": lambda m, F: F.grad(lambda x: (x**3).sum(), argnums=(0,))(x3(m)),
    "grad of trees": lambda m, F: F.grad(lambda d, k: (d["a"] ** 3 * d["b"][0]).sum(), argnums=(0, 1))(
        {"a": x3(m), "b": [x3(m)]}, (vector(m, 1.0), [])
    ),
    "aux": lambda m, F: F.grad_and_value(lambda x: ((x**3).sum(), {"a": x * 2, "b": [x]}), has_aux=True)(x3(m)),
    "grad with aux": lambda m, F: F.grad(lambda x: ((x**3).sum(), x), has_aux=True)(x3(m)),
    "tracked": lambda m, F: F.grad(lambda x: (x**3).sum())(x3(m, requires_grad=True)),
    "a tracked weight": lambda m, F: (lambda w: F.grad_and_value(lambda x: (x**3 * w).sum())(x3(m)))(
        x3(m, requires_grad=True)
    ),
    "in inference mode": lambda m, F: m.inference_mode()(lambda: F.grad(lambda x: (x**3).sum())(x3(m)))(),
    "vjp": lambda m, F: F.vjp(lambda d: {"o": d["a"] * 2, "p": (d["a"].sum(),)}, {"a": x3(m)})[1](
        {"o": x3(m), "p": (m.tensor(1.0),)}
    ),
    "vjp with aux": lambda m, F: F.vjp(lambda x: (x * x, x), x3(m), has_aux=True)[2],
    "vjp unused": lambda m, F: F.vjp(lambda x, y: x, x3(m), x3(m))[1](x3(m)),
    "vjp of a tracked cotangent": lambda m, F: F.vjp(lambda x: x**3, x3(m))[1](x3(m, requires_grad=True)),
    "jvp": lambda m, F: F.jvp(lambda x: x**3, (x3(m),), (x3(m),)),
    "jvp of trees": lambda m, F: F.jvp(
        lambda d: [d["a"] * 2, d["b"]], ({"a": x3(m), "b": x3(m)},), ({"a": x3(m), "b": x3(m)},)
    ),
    "jvp with aux": lambda m, F: F.jvp(lambda x: (x * x, x), (x3(m),), (x3(m),), has_aux=True),
    "jvp of a constant": lambda m, F: F.jvp(lambda x: m.ones(2), (x3(m),), (x3(m),)),
    "jvp of a tracked tangent": lambda m, F: F.jvp(lambda x: x**3, (x3(m),), (x3(m, requires_grad=True),))[1],
    "jvp of jvp": lambda m, F: F.jvp(lambda x: F.jvp(lambda y: x * y**3, (x,), (x3(m),))[1], (x3(m),), (x3(m),)),
    "forward over reverse": lambda m, F: F.jvp(F.grad(wavy), (x3(m),), (x3(m),)),
    "reverse over forward": lambda m, F: F.grad(lambda x: F.jvp(wavy, (x,), (x3(m),))[1])(x3(m)),
    "forward over reverse over forward": lambda m, F: F.jvp(
        F.grad(lambda x: F.jvp(wavy, (x,), (x3(m),))[1]), (x3(m),), (x3(m),)
    ),
    "forward over reverse over reverse": lambda m, F: F.jvp(
        F.grad(lambda x: F.grad(wavy)(x).sum()), (x3(m),), (x3(m),)
    ),
    "forward thrice": lambda m, F: F.jvp(
        lambda x: F.jvp(lambda x: F.jvp(wavy, (x,), (x,)), (x,), (x,)), (x3(m),), (x3(m),)
    ),
    "linearize": lambda m, F: F.linearize(lambda x: x.exp() * x, x3(m))[1](x3(m)),
    "linearize a tree": lambda m, F: F.linearize(lambda d: {"o": d["a"] * d["b"]}, {"a": x3(m), "b": x3(m)})[1](
        {"a": x3(m), "b": x3(m)}
    ),
    "jacrev": lambda m, F: F.jacrev(lambda x: (x**3) @ x.new_ones(3, 2))(x3(m)),
    "jacrev in chunks": lambda m, F: F.jacrev(lambda x: (x**3) @ x.new_ones(3, 2), chunk_size=2)(x3(m)),
    "jacrev of trees": lambda m, F: F.jacrev(lambda d, k: {"o": d["a"] * k[0], "p": (k[0].sum(),)}, argnums=(0, 1))(
        {"a": x3(m)}, [x3(m)]
    ),
    "jacfwd of trees": lambda m, F: F.jacfwd(lambda d, k: {"o": d["a"] * k[0], "p": (k[0].sum(),)}, argnums=(0, 1))(
        {"a": x3(m)}, [x3(m)]
    ),
    "jacrev with aux": lambda m, F: F.jacrev(lambda x: (x * x, {"a": x}), has_aux=True)(x3(m)),
    "jacfwd with aux": lambda m, F: F.jacfwd(lambda x: (x * x, {"a": x}), has_aux=True)(x3(m)),
    "jacrev of matrices": lambda m, F: F.jacrev(lambda x: x @ x.t())(matrix(m)),
    "jacfwd of matrices": lambda m, F: F.jacfwd(lambda x: x @ x.t())(matrix(m)),
    "jacobians of scalars": lambda m, F: (
        F.jacfwd(lambda x: x * x)(m.tensor(2.0)),
        F.jacrev(lambda x: x * x)(m.tensor(2.0)),
    ),
    "jacobians of a constant": lambda m, F: (
        F.jacfwd(lambda x: m.ones(2))(x3(m)),
        F.jacrev(lambda x: m.ones(2))(x3(m)),
    ),
    "jacfwd of integers": lambda m, F: F.jacfwd(lambda x: x.long())(x3(m)),
    "mixed dtypes": lambda m, F: F.jacrev(lambda x, y: x * y, argnums=(0, 1))(x3(m).float(), x3(m)),
    "hessian": lambda m, F: F.hessian(wavy)(x3(m)),
    "hessian by two": lambda m, F: F.hessian(lambda x, y: (x.sin() * y.exp()).prod(), argnums=(0, 1))(x3(m), x3(m)),
    "hessian of a vector": lambda m, F: F.hessian(lambda x: x**3)(x3(m)),
    "hessian of a tree": lambda m, F: F.hessian(lambda d: (d["a"] ** 3).sum())({"a": x3(m)}),
    "tracked hessian": lambda m, F: (
        lambda x: (F.hessian(lambda x: (x**3).sum() * x.prod())(x).sum().backward(), x.grad)[1]
    )(x3(m, requires_grad=True)),
    "third derivatives": lambda m, F: F.jacfwd(F.jacrev(F.jacfwd(wavy)))(x3(m)),
    "third derivatives of softmax": lambda m, F: F.jacrev(
        F.jacfwd(F.jacrev(lambda x: (x.softmax(0).log() * x.exp()).sum()))
    )(x3(m)),
    "samples": lambda m, F: F.vmap(F.grad(net), in_dims=(None, 0))(matrix(m), rows(m)),
    "samples, tracked weight": lambda m, F: (
        lambda w: (F.vmap(F.grad(net), in_dims=(None, 0))(w, rows(m)).pow(2).sum().backward(), w.grad)[1]
    )(matrix(m).requires_grad_()),
    "samples, closed over": lambda m, F: (
        lambda w: (F.vmap(F.grad(lambda x: net(w, x)))(rows(m)).pow(2).sum().backward(), w.grad)[1]
    )(matrix(m).requires_grad_()),
    "grad of samples": lambda m, F: F.grad(lambda w: F.vmap(F.grad(net), in_dims=(None, 0))(w, rows(m)).pow(2).sum())(
        matrix(m)
    ),
    "two batches": lambda m, F: F.vmap(
        lambda a: F.vmap(F.grad(lambda w: net(w, a * rows(m)[1])), in_dims=1, out_dims=1)(m.stack([matrix(m)] * 2, 1))
    )(m.arange(3.0, dtype=m.float64)),
    "jacrev of samples": lambda m, F: F.vmap(F.jacrev(lambda x: x.sin() * x.sum()))(rows(m)),
    "jacfwd of samples": lambda m, F: F.vmap(F.jacfwd(lambda x: x.sin() * x.sum()))(rows(m)),
    "hessians of samples": lambda m, F: F.vmap(F.hessian(lambda x: (x.sin() * x.sum()).sum()))(rows(m)),
    "jvp of samples": lambda m, F: F.vmap(
        lambda x, t: F.jvp(lambda x: x.sin() * x.sum(), (x,), (t,))[1], in_dims=(0, None)
    )(rows(m), vector(m, 1.0, 2.0)),
    "jvp of batched tangents": lambda m, F: F.vmap(
        lambda x, t: F.jvp(lambda x: x.sin() * x.sum(), (x,), (t,))[1], in_dims=(None, 0)
    )(vector(m, 1.0, 2.0), rows(m)),
    "jvp of vmap": lambda m, F: F.jvp(F.vmap(lambda x: x.sin() * x.sum()), (rows(m),), (rows(m),)),
    "in place": lambda m, F: F.grad(lambda x: (x * 1).mul_(x).sum())(x3(m)),
    "in place forward": lambda m, F: F.jvp(lambda x: (x * 1).mul_(x), (x3(m),), (x3(m),)),
}

REFUSALS = {
    "no scalar": lambda m, F: F.grad(lambda x: x)(x3(m)),
    "no tensor": lambda m, F: F.grad(lambda x: 3.0)(x3(m)),
    "a tuple": lambda m, F: F.grad(lambda x: (x.sum(), x))(x3(m)),
    "no aux": lambda m, F: F.grad(lambda x: x.sum(), has_aux=True)(x3(m)),
    "an aux of numbers": lambda m, F: F.grad(lambda x: (x.sum(), 1), has_aux=True)(x3(m)),
    "argnum beyond": lambda m, F: F.grad(lambda x: x.sum(), argnums=1)(x3(m)),
    "argnums twice": lambda m, F: F.grad(lambda x, y: x.sum(), argnums=(0, -2))(x3(m), x3(m)),
    "a list of argnums": lambda m, F: F.grad(lambda x: x.sum(), argnums=[0])(x3(m)),
    "no argnums": lambda m, F: F.grad(lambda x: x.sum(), argnums=())(x3(m)),
    "an argnum of words": lambda m, F: F.grad(lambda x: x.sum(), argnums=("a",))(x3(m)),
    "integers": lambda m, F: F.grad(lambda x: x.sum())(m.ones(2, dtype=m.int64)),
    "a float": lambda m, F: F.grad(lambda x: x)(3.0),
    "complex": lambda m, F: F.grad(lambda x: (x * 1j).sum())(x3(m).float()),
    "a leaf in place": lambda m, F: F.grad(lambda x: x.add_(1).sum())(x3(m)),
    "a leaf in place, twice": lambda m, F: F.grad(lambda x: F.grad(lambda y: y.add_(1).sum())(x * 1).sum())(x3(m)),
    "a tracked argument in place": lambda m, F: F.grad(lambda x: x.add_(1).sum())(x3(m, requires_grad=True) * 1),
    "a part of an argument in place": lambda m, F: F.grad(lambda x: x[:1].add_(1).sum())(x3(m, requires_grad=True) * 1),
    "vjp of nothing": lambda m, F: F.vjp(lambda x: {}, x3(m)),
    "vjp of a number": lambda m, F: F.vjp(lambda x: 3.0, x3(m)),
    "vjp without aux": lambda m, F: F.vjp(lambda x: x, x3(m), has_aux=True),
    "vjp of integers": lambda m, F: F.vjp(lambda x: x.long(), x3(m)),
    "cotangents of another form": lambda m, F: F.vjp(lambda x: {"o": x}, x3(m))[1]((x3(m),)),
    "a cotangent of another shape": lambda m, F: F.vjp(lambda x: x, x3(m))[1](m.ones(4)),
    "a cotangent of no tensor": lambda m, F: F.vjp(lambda x: x, x3(m))[1](3.0),
    "primals in a list": lambda m, F: F.jvp(lambda x: x, [x3(m)], [x3(m)]),
    "no primals": lambda m, F: F.jvp(lambda: 1, (), ()),
    "a tangent too many": lambda m, F: F.jvp(lambda x: x, (x3(m),), (x3(m), x3(m))),
    "a primal of no tensor": lambda m, F: F.jvp(lambda x: x, (3.0,), (2.0,)),
    "a tangent of no tensor": lambda m, F: F.jvp(lambda x: x, (x3(m),), (2.0,)),
    "a tangent of another shape": lambda m, F: F.jvp(lambda x: x, (x3(m),), (m.ones(4),)),
    "a primal of integers": lambda m, F: F.jvp(lambda x: x, (m.ones(2, dtype=m.int64),), (m.ones(2, dtype=m.int64),)),
    "jvp of a number": lambda m, F: F.jvp(lambda x: 3.0, (x3(m),), (x3(m),)),
    "jvp of nothing": lambda m, F: F.jvp(lambda x: (), (x3(m),), (x3(m),)),
    "strict jvp": lambda m, F: F.jvp(lambda x: m.ones(2), (x3(m),), (x3(m),), strict=True),
    "no chunk": lambda m, F: F.jacrev(lambda x: x, chunk_size=0),
    "jacrev of complex": lambda m, F: F.jacrev(lambda x: x * 1j)(x3(m)),
    "jacrev by complex": lambda m, F: F.jacrev(lambda x: x * x)(x3(m) * 1j),
    "jacfwd by integers": lambda m, F: F.jacfwd(lambda x: x)(m.ones(2, dtype=m.int64)),
    "jacfwd with chance": lambda m, F: F.jacfwd(lambda x: x * m.rand(3))(x3(m)),
    "jacfwd with what chance": lambda m, F: F.jacfwd(lambda x: x, randomness="some")(x3(m)),
    "linearize: another shape": lambda m, F: F.linearize(lambda x: x * x, x3(m))[1](m.ones(4, dtype=m.float64)),
    "linearize: another dtype": lambda m, F: F.linearize(lambda x: x * x, x3(m))[1](x3(m).float()),
    "rearrange: one side": lambda m, F: F.rearrange(matrix(m), "a b"),
    "rearrange: twice": lambda m, F: F.rearrange(matrix(m), "a a -> a"),
    "rearrange: a number": lambda m, F: F.rearrange(matrix(m), "a b -> a b 2"),
    "rearrange: unknown": lambda m, F: F.rearrange(matrix(m), "a b -> b a", c=2),
    "rearrange: dimensions": lambda m, F: F.rearrange(matrix(m), "a b c -> b a c"),
    "rearrange: brackets": lambda m, F: F.rearrange(matrix(m), "(a b -> b a"),
    "rearrange: ellipsis": lambda m, F: F.rearrange(matrix(m), "a b -> b a ..."),
}

CALLS = {
    "unknown name": {"params": lambda m: {"7.weight": m.ones(2)}},
    "a tensor of words": {"params": lambda m: {"0.weight.x": m.ones(2)}},
    "no name": {"params": lambda m: {"": m.ones(2)}},
    "twice": {"params": lambda m: ({"0.bias": m.ones(3)}, {"0.bias": m.ones(3)})},
    "no dict": {"params": lambda m: 3},
    "no dicts": {"params": lambda m: [3]},
    "no tensor": {"params": lambda m: {"0.weight": 3.0}},
    "strict": {"params": lambda m: {"0.bias": m.ones(3), "other": m.ones(1)}, "strict": True},
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.filterwarnings("ignore")
def test_values(name):
    agree(VALUES[name])


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.filterwarnings("ignore")
def test_refusals(name):
    assert isinstance(outcome(REFUSALS[name], torch)[0], str)
    agree(REFUSALS[name])


@pytest.mark.parametrize("name", CALLS)
def test_functional_call_refuses(name):
    options = dict(CALLS[name])
    params = options.pop("params")

    def program(m, F):
        net = m.nn.Sequential(m.nn.Linear(2, 3))
        return F.functional_call(net, params(m), m.ones(2), **options)

    theirs, ours = outcome(program, torch), outcome(program, rl)
    if name == "a tensor of words":
        theirs, ours = theirs[0], ours[0]
    assert ours == theirs


@pytest.mark.parametrize(
    "models",
    [
        lambda m: [],
        lambda m: [m.nn.Linear(1, 1), m.nn.ReLU()],
        lambda m: [m.nn.Linear(1, 1), m.nn.Linear(1, 1).eval()],
        lambda m: [m.nn.Linear(1, 1).requires_grad_(False), m.nn.Linear(1, 1)],
        lambda m: [m.nn.Linear(1, 1), m.nn.Linear(1, 2)],
    ],
)
def test_stack_module_state_refuses(models):
    agree(lambda m, F: F.stack_module_state(models(m)))


def test_names_are_complete():
    assert set(torch.func.__all__) <= set(rl.func.__all__)


BATCHED = {
    "rows": lambda m, x, w, y: m.autograd.grad(y, x, m.eye(2), is_grads_batched=True),
    "unused": lambda m, x, w, y: m.autograd.grad(y, (x, w), m.eye(2), is_grads_batched=True, allow_unused=True),
    "zeros": lambda m, x, w, y: m.autograd.grad(y, (x, w), m.eye(2), is_grads_batched=True, materialize_grads=True),
    "unused refused": lambda m, x, w, y: m.autograd.grad(y, (x, w), m.eye(2), is_grads_batched=True),
    "wrong shape": lambda m, x, w, y: m.autograd.grad(y, x, m.eye(3), is_grads_batched=True),
    "wrong count": lambda m, x, w, y: m.autograd.grad((y, y), x, (m.eye(2), m.ones(3, 2)), is_grads_batched=True),
    "no gradients": lambda m, x, w, y: m.autograd.grad(y, x, None, is_grads_batched=True),
    "again": lambda m, x, w, y: m.autograd.grad(
        m.autograd.grad(y, x, m.eye(2), create_graph=True, is_grads_batched=True)[0].sum(), x
    ),
    "within vmap": lambda m, x, w, y: m.func.vmap(lambda v: m.autograd.grad(y, x, v, retain_graph=True)[0])(m.eye(2)),
}


@pytest.mark.parametrize("name", BATCHED)
def test_batched_gradients(name):
    def program(m, F):
        x, w = m.tensor([1.0, 2.0], requires_grad=True), m.ones(2, requires_grad=True)
        return BATCHED[name](m, x, w, x**3 * 2)

    agree(program)


FUNCTIONAL = {
    "jacobian": lambda m, J: J.jacobian(lambda x: x**3, x3(m), vectorize=True),
    "jacobian of several": lambda m, J: J.jacobian(lambda x, y: (x * y, y.sum()), (x3(m), x3(m)), vectorize=True),
    "jacobian forward": lambda m, J: tuple(
        map(tuple, J.jacobian(lambda x, y: (x * y, y.sum()), (x3(m), x3(m)), vectorize=True, strategy="forward-mode"))
    ),
    "jacobian of a constant": lambda m, J: J.jacobian(lambda x: m.ones(2), x3(m), vectorize=True),
    "jacobian of complex": lambda m, J: J.jacobian(lambda x: x * x, x3(m) * 1j, vectorize=True).imag,
    "jacobian recorded": lambda m, J: J.jacobian(
        lambda x: x**3, x3(m, requires_grad=True), create_graph=True, vectorize=True
    ),
    "hessian": lambda m, J: J.hessian(wavy, x3(m)),
    "hessian as a batch": lambda m, J: J.hessian(wavy, x3(m), vectorize=True),
    "hessian of two": lambda m, J: J.hessian(lambda x, y: (x**2 * y).sum(), (x3(m), x3(m))),
    "hessian of two as a batch": lambda m, J: J.hessian(lambda x, y: (x**2 * y).sum(), (x3(m), x3(m)), vectorize=True),
    "hessian forward": lambda m, J: J.hessian(
        wavy, x3(m), vectorize=True, outer_jacobian_strategy="forward-mode"
    ).detach(),
    "hessian of one element": lambda m, J: J.hessian(lambda x: x[:1] ** 3, x3(m)),
    "hessian of a line": lambda m, J: J.hessian(lambda x: x.sum(), x3(m)),
    "recorded hessian": lambda m, J: J.hessian(wavy, x3(m, requires_grad=True), create_graph=True),
    "forward, not as a batch": lambda m, J: J.jacobian(lambda x: x, x3(m), strategy="forward-mode"),
    "forward, not a batch, hessian": lambda m, J: J.hessian(wavy, x3(m), outer_jacobian_strategy="forward-mode"),
    "forward and recorded": lambda m, J: J.jacobian(lambda x: x, x3(m), True, vectorize=True, strategy="forward-mode"),
    "forward and strict": lambda m, J: J.jacobian(lambda x: x, x3(m), strict=True, strategy="forward-mode"),
    "strict as a batch": lambda m, J: J.jacobian(lambda x: x, x3(m), strict=True, vectorize=True),
    "strict hessian as a batch": lambda m, J: J.hessian(wavy, x3(m), strict=True, vectorize=True),
    "no strategy": lambda m, J: J.jacobian(lambda x: x, x3(m), strategy="sideways"),
    "no strategy of hessian": lambda m, J: J.hessian(wavy, x3(m), outer_jacobian_strategy="sideways"),
    "strict line": lambda m, J: J.hessian(lambda x: x.sum(), x3(m), strict=True),
    "strict constant": lambda m, J: J.hessian(lambda x: m.ones(()), x3(m), strict=True),
    "strict of two": lambda m, J: J.hessian(lambda x, y: (x**3).sum() + (y**3).sum(), (x3(m), x3(m)), strict=True),
    "strict jacobian": lambda m, J: J.jacobian(lambda x, y: x * 2, (x3(m), x3(m)), strict=True),
    "strict and recorded": lambda m, J: J.jacobian(lambda x: x * 2, x3(m), strict=True, create_graph=True),
    "a list": lambda m, J: J.jacobian(lambda x: x, [x3(m)], vectorize=True),
    "a list of outputs": lambda m, J: J.jacobian(lambda x: [x], x3(m), vectorize=True),
    "a tuple to hessian": lambda m, J: J.hessian(lambda x: (x.sum(),), x3(m), vectorize=True),
    "several elements": lambda m, J: J.hessian(lambda x: x, x3(m), vectorize=True),
}


@pytest.mark.parametrize("name", FUNCTIONAL)
@pytest.mark.filterwarnings("ignore")
def test_functional(name):
    agree(lambda m, F: FUNCTIONAL[name](m, m.autograd.functional))
