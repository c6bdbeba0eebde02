"""Random programs under random nestings of vmap, grad, jvp, vjp, jacrev, jacfwd, hessian and linearize.

vmap gives what a loop over the samples gives, within the same nesting: values, shapes, dtypes, and the gradients of
arguments and of tensors from outside. Steps read values, split batches, write into views and call transforms themselves.
"""

import random

import numpy as np
import pytest

import rushlight as rl
from rushlight import func
from rushlight.nn import functional as F

# Programs take the variance of single numbers, too.
pytestmark = pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")
PROGRAMS, FROM = 600, 0
SHAPES = [(3,), (2, 3), (3, 3), (), (2, 1, 3), (3, 2)]
TRANSFORMS = ["vmap"] * 6 + ["grad"] * 3 + ["jvp"] * 2 + ["vjp", "jacrev", "jacfwd", "hessian", "linearize", "value"]


class Cubed(rl.autograd.Function):
    """vmap runs it as it runs any code."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3, x.cos()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2 - h * x.sin()

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return t * 3 * x**2, -t * x.sin()


class Product(rl.autograd.Function):
    """It has a vmap of its own."""

    @staticmethod
    def forward(x, y):
        return x * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return (g * y).sum_to_size(x.shape), (g * x).sum_to_size(y.shape)

    @staticmethod
    def jvp(ctx, x_t, y_t):
        x, y = ctx.saved_tensors
        return x_t * y + x * y_t

    @staticmethod
    def vmap(info, in_dims, x, y):
        x, y = [a.unsqueeze(-1) if d is None else a.movedim(d, -1) for a, d in zip((x, y), in_dims)]
        return Product.apply(x, y), -1


# -- steps: functions of two tensors


def real(a):
    return a if a.is_floating_point() else a.double()


def places(a, n):
    """Integers from 0 to n - 1 that depend on the values of a."""
    return (real(a).detach() * 3).nan_to_num().clamp(-50, 50).round().long() % n


def few(a, n):
    return places(a.reshape(-1)[:2], n)


def wrote(a, write):
    a = real(a).clone()
    write(a)
    return a


def put(a, index, value):
    return wrote(a, lambda t: t.__setitem__(index, value))


def through_views(a, b):
    a = real(a).clone(memory_format=rl.contiguous_format)
    flat, turned = a.view(-1), a.transpose(0, -1)
    turned[0] = turned[0] * 2 + real(b).sum()
    flat[-1:].mul_(real(b).mean())
    return a + flat[0]


def filled(a, b):
    out = rl.zeros(4, dtype=rl.float64)
    part = out[1:3]
    out[0] = real(a).sum()
    part += real(b).mean()
    out.data[3] = real(b).detach().sum()
    return out


def halved(a):
    b, n = real(a) + 0.0, 0
    while b.abs().sum() > 2 and n < 4:
        b, n = b / 2 - 0.01, n + 1
    return b


def deeper(a, n=0):
    return real(a) if n > 3 or a.abs().max() < 0.3 else deeper(real(a) * 0.5, n + 1) + 0.1


def quietly(run):
    with rl.no_grad():
        return run()


def hooked(a):
    with rl.autograd.graph.saved_tensors_hooks(lambda t: (t,), lambda kept: kept[0]):
        return real(a).sin().exp()


def row_by_row(a):
    """Entries that grow along the first dimension, so that none are alike."""
    return real(a) + rl.arange(a.shape[0]).reshape(-1, *[1] * (a.ndim - 1))


ONE = [
    lambda a: a.sin(), lambda a: a.tanh(), lambda a: -real(a), lambda a: real(a).relu(), lambda a: real(a).abs(),
    lambda a: a.detach(), lambda a: a.square().clamp(max=9), lambda a: a > 0, lambda a: real(a).nan_to_num().long(),
    lambda a: F.gelu(real(a)), lambda a: real(a) * real(a).sum().item(), lambda a: quietly(lambda: real(a) * 2),
    lambda a: a * 2 if a.sum() > 0 else -real(a).sin(), halved, deeper, hooked, lambda a: Cubed.apply(real(a).tanh())[0],
    lambda a: rl.tensor(real(a).tolist(), dtype=rl.float64) * real(a), lambda a: sum(Cubed.apply(real(a).tanh())),
    lambda a: rl.stack([real(a).sum(), rl.tensor(1.5, dtype=rl.float64), real(a).mean()]),
    lambda a: real(a) + float(real(a).detach().numpy().sum()), lambda a: quietly(lambda: a[..., :1]),
]  # fmt: skip
TRANSFORMED = [
    lambda a, b: func.grad(lambda z: (z.sin() * z).sum())(real(a)),
    lambda a, b: func.grad(lambda z: (z * real(a)).sum())(real(a).cos()),
    lambda a, b: func.grad(lambda z: (z * real(b).sum()).sum())(real(a)),
    lambda a, b: func.jvp(lambda z: z.sin() * a.sum(), (real(a),), (real(a).cos(),))[1],
    lambda a, b: func.vmap(lambda r: r * a.sum() + r.sum())(real(a)),
    lambda a, b: func.vmap(lambda r: r.cumsum(0), in_dims=-1, out_dims=-1)(real(a)),
    lambda a, b: func.vmap(lambda r: r if r.sum() > a.sum() else -r)(real(a)),
    lambda a, b: func.hessian(lambda z: (z**3).sum() * a.sum())(real(a).reshape(-1)[:2]),
    lambda a, b: func.jacrev(lambda z: z.sin() * z.sum())(real(a).reshape(-1)[:3]),
    lambda a, b: func.linearize(lambda z: z.sin() * z.sum(), real(a))[1](real(a).cos()),
    lambda a, b: func.vjp(lambda z: z * real(b).sum(), real(a))[1](real(a).cos())[0],
    lambda a, b: func.vmap(func.grad(lambda r: (r * b.sum()).sin().sum()))(real(a)),
    lambda a, b: func.grad(lambda z: func.vmap(lambda r: (r * z).sum())(real(b)).sum())(real(a)),
    lambda a, b: func.vmap(lambda k: a[k])(places(b, a.shape[0])),
]
VIEWS = [
    lambda a: a[0], lambda a: a[..., 0], lambda a: a[1:], lambda a: a.transpose(0, -1), lambda a: a.reshape(-1),
    lambda a: a.unsqueeze(0), lambda a: a.expand(2, *a.shape), lambda a: a[..., ::2], lambda a: a.diagonal(),
    lambda a: a.unbind(0)[0], lambda a: a.chunk(2)[-1], lambda a: a.squeeze(), lambda a: a.movedim(0, -1), lambda a: a.t(),
    lambda a: a.flip(0), lambda a: a[None, ..., None], lambda a: rl.cat(a.split(2)[::-1]), lambda a: a.unfold(-1, 2, 1),
    lambda a: a.clone(memory_format=rl.contiguous_format).as_strided((2,), (1,)), lambda a: a[:0], lambda a: a.tile(2),
]  # fmt: skip
REDUCED = [
    lambda a: a.sum(), lambda a: a.sum(0), lambda a: real(a).mean(-1), lambda a: a.max(), lambda a: a.max(0)[0],
    lambda a: a.amax(0), lambda a: real(a).prod(), lambda a: a.cumsum(0), lambda a: real(a).softmax(-1),
    lambda a: real(a).logsumexp(0), lambda a: a.argmax(), lambda a: a.argmax(0), lambda a: real(a).sort(0)[0],
    lambda a: real(a).var(), lambda a: row_by_row(a).std(0), lambda a: (a > 0).any(), lambda a: real(a).median(),
    lambda a: real(a).cumprod(-1), lambda a: real(a).topk(2)[0], lambda a: F.layer_norm(real(a), a.shape[-1:]),
]  # fmt: skip
TWO = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: real(a) - b, lambda a, b: a / (b * b + 1),
    lambda a, b: rl.maximum(a, b), lambda a, b: rl.where(a > b, a, b), lambda a, b: real(a) @ real(b),
    lambda a, b: rl.outer(real(a).reshape(-1)[:3], real(b).reshape(-1)[:3]), lambda a, b: rl.stack([a, b], -1)[..., 0],
    lambda a, b: rl.cat([real(a).reshape(-1), real(b).reshape(-1)])[:6], lambda a, b: Product.apply(real(a), real(b)),
    lambda a, b: Product.apply(real(a), real(a)), lambda a, b: F.mse_loss(real(a), real(b).sum().expand(a.shape)),
    lambda a, b: F.linear(real(a), real(b).reshape(-1)[:1].expand(2, a.shape[-1])),
    lambda a, b: F.cross_entropy(real(a), places(b.reshape(-1)[: a.shape[0]], a.shape[-1])),
    lambda a, b: F.conv1d(real(a).reshape(1, 1, -1), real(b).reshape(-1)[:2].reshape(1, 1, -1)),
    lambda a, b: rl.linalg.solve(rl.eye(2, dtype=rl.float64) * 3 + real(a).reshape(-1)[:1].tanh(), real(b).reshape(-1)[:2]),
    lambda a, b: real(a).clamp(max=real(b).sum()), lambda a, b: rl.einsum("...i,...i->...", real(a), real(b)),
    lambda a, b: [real(a).sin(), real(a) * 2 + real(b).sum(), real(b).mean()][int(places(a, 3).reshape(-1)[0])],
]  # fmt: skip
INDEXED = [
    lambda a, b: a[places(b, a.shape[0])], lambda a, b: a[..., places(b.sum(), a.shape[-1])],
    lambda a, b: a[few(b, a.shape[0]), 0], lambda a, b: a[0, few(b, a.shape[1])], lambda a, b: a[few(b, a.shape[0]), [0, 1]],
    lambda a, b: a[few(b, a.shape[0]), few(a, a.shape[1])], lambda a, b: a[:, few(b, a.shape[1])[:, None], None],
    lambda a, b: real(a)[a > 0].sum() * b, lambda a, b: rl.gather(a, 0, places(a, a.shape[0])),
    lambda a, b: rl.take(a, places(b, a.numel())), lambda a, b: real(a).masked_select(a > 0).sum(),
    lambda a, b: rl.index_select(a, 0, places(b.reshape(-1), a.shape[0])), lambda a, b: real(a).nonzero().sum(),
    lambda a, b: F.one_hot(places(a, 3), 3) * real(b).sum(), lambda a, b: F.embedding(places(b, a.shape[0]), real(a)),
    lambda a, b: a[int(places(b.sum(), a.shape[0]))], lambda a, b: a[: 1 + int(places(b.sum(), 2))].sum(),
]  # fmt: skip
WRITTEN = [
    lambda a, b: wrote(a, lambda t: t.add_(b)), lambda a, b: wrote(a, lambda t: t.mul_(b)), lambda a, b: put(a, 0, 0.25),
    lambda a, b: wrote(a, lambda t: t.copy_(b)), lambda a, b: wrote(a, lambda t: t.clamp_(-1, 1)), through_views, filled,
    lambda a, b: wrote(a, lambda t: t.t().add_(t.clone())), lambda a, b: wrote(a, lambda t: t[0].mul_(real(b).sum())),
    lambda a, b: wrote(a, lambda t: t[1:].copy_(t[:-1].clone())), lambda a, b: put(a, slice(1, None), real(b)),
    lambda a, b: put(a, (..., 0), real(b).sum()), lambda a, b: put(a, a > 0, 0.5),
    lambda a, b: put(a, places(b.sum(), a.shape[0]), real(b).mean()), lambda a, b: put(a, few(a, a.shape[0]), real(b).mean()),
    lambda a, b: put(a, (slice(None), places(b.sum(), a.shape[1])), 3.0),
    lambda a, b: real(a).index_add(0, few(b, a.shape[0]), real(a)[:2]),
    lambda a, b: real(a).scatter(0, places(a, a.shape[0]), real(a).sin()),
    lambda a, b: real(a).index_put((few(b, a.shape[0]), few(a, a.shape[1])), real(b).mean(), accumulate=True),
    lambda a, b: wrote(a, lambda t: t.index_put_((a > 0,), real(b).mean())),
    lambda a, b: wrote(a, lambda t: t.diagonal().add_(real(b).sum())), lambda a, b: rl.zeros_like(real(a)).copy_(a).add_(1),
    lambda a, b: wrote(a, lambda t: quietly(lambda: t.detach().mul_(2))), lambda a, b: real(a).new_zeros(3).add_(real(b).sum()),
    lambda a, b: wrote(a, lambda t: t.fill_(real(b).sum())), lambda a, b: wrote(a, lambda t: t.masked_fill_(t > 0, 0.5)),
]  # fmt: skip
STEPS = {
    "one": [lambda a, b, f=f: f(a) for f in ONE], "two": TWO, "indexed": INDEXED, "written": WRITTEN,
    "view": [lambda a, b, f=f: f(a) for f in VIEWS], "reduced": [lambda a, b, f=f: f(a) for f in REDUCED],
    "transformed": TRANSFORMED,
}  # fmt: skip
KINDS = (
    ["one"] * 4 + ["two"] * 4 + ["indexed"] * 3 + ["written"] * 5 + ["view"] * 4 + ["reduced"] * 3 + ["transformed"] * 2
)


# -- programs


class Program:
    """Steps that run on one sample, and the transforms around them, the innermost first."""

    def __init__(self, seed):
        self.choose, self.values = random.Random(seed), np.random.default_rng(seed)
        self.samples = [self.drawn() for _ in range(self.choose.randint(1, 3))]
        self.outer = [self.drawn() for _ in range(self.choose.randint(0, 2))]
        self.tracked = [self.choose.random() < 0.5 for _ in range(len(self.samples) + len(self.outer))]
        self.steps = self.chosen_steps(self.choose.randint(2, 8))
        kinds = [self.choose.choice(TRANSFORMS) for _ in range(self.choose.randint(1, 3))]
        if "vmap" not in kinds:
            kinds[self.choose.randrange(len(kinds))] = "vmap"
        self.as_number = kinds[0] in ("grad", "hessian", "value") or self.choose.random() < 0.3
        self.transforms = [self.placed(kind) for kind in kinds]

    def drawn(self):
        return self.values.uniform(-1, 1, self.choose.choice(SHAPES))

    def chosen_steps(self, count):
        pool, steps = [rl.from_numpy(np.array(x)) for x in (*self.samples, *self.outer)], []
        while len(steps) < count:
            kind = self.choose.choice(KINDS)
            recent = [self.choose.randrange(max(0, len(pool) - 3), len(pool)) for _ in range(2)]
            step = (kind, self.choose.randrange(len(STEPS[kind])), *recent)
            try:
                out = STEPS[kind][step[1]](pool[step[2]], pool[step[3]])
            except (RuntimeError, IndexError, ValueError):
                continue
            if out.numel() <= 40:
                pool.append(out)
                steps.append(step)
        return steps

    def placed(self, kind):
        """(transform, the argument it is for, in_dims, out_dim); vmap gives the samples a dimension more."""
        one = self.choose.randrange(len(self.samples))
        if kind != "vmap":
            return kind, one, None, None
        size, dims = self.choose.choice([1, 2, 2, 3]), [None] * len(self.samples)
        for k, sample in enumerate(self.samples):
            if k == one or self.choose.random() < 0.7:
                dims[k] = self.choose.randrange(-sample.ndim - 1, sample.ndim + 1)
                others = [self.values.uniform(-1, 1, sample.shape) for _ in range(size - 1)]
                self.samples[k] = np.stack([sample, *others], dims[k])
        return kind, one, tuple(dims), self.choose.choice([0, 0, -1])

    def run(self, vmap):
        """(results, gradients of arguments and outer tensors) with this vmap."""
        leaves = [rl.from_numpy(np.array(x)) for x in (*self.samples, *self.outer)]
        for leaf, tracked in zip(leaves, self.tracked):
            leaf.requires_grad_(tracked)
        args, outer = leaves[: len(self.samples)], leaves[len(self.samples) :]
        f = lambda *args: self.body(args, outer)
        for transform in self.transforms:
            f = transformed(f, *transform, vmap)
        results = f(*args)
        whole = total(results)
        if whole.requires_grad:
            whole.backward()
        return flat(results), [leaf.grad for leaf in leaves]

    def body(self, args, outer):
        pool = [*args, *outer]
        for kind, number, i, j in self.steps:
            pool.append(STEPS[kind][number](pool[i], pool[j]))
        if not self.as_number:
            return pool[-2], pool[-1]
        floats = [x for x in pool[len(args) + len(outer) :] if x.is_floating_point()][-4:]
        return sum([(x * (k + 1) / 3).sin().sum() for k, x in enumerate([*floats, args[0]])])


def transformed(f, kind, k, dims, out_dim, vmap):
    """f under one transform, with respect to argument k."""
    number = lambda *args: total(f(*args))
    if kind == "vmap":
        return vmap(f, dims, out_dim)
    if kind in ("grad", "hessian", "value"):
        return {"grad": func.grad, "hessian": func.hessian, "value": func.grad_and_value}[kind](number, k)
    if kind in ("jacrev", "jacfwd"):
        return getattr(func, kind)(lambda *args: tuple([real(x) for x in flat(f(*args))]), k)

    def along(*args):
        of_one = lambda x: tuple([real(out) for out in flat(f(*args[:k], x, *args[k + 1 :]))])
        x, direction = args[k], args[k] * 0.5 + 1
        if kind == "jvp":
            return func.jvp(of_one, (x,), (direction,))
        if kind == "linearize":
            out, push = func.linearize(of_one, x)
            return out, push(direction)
        out, pull = func.vjp(of_one, x)
        return out, pull(tuple([part.detach().cos() for part in out]))[0]

    return along


def looped(f, in_dims, out_dim):
    """vmap as a loop."""

    def loop(*args):
        size = next(x.shape[d] for x, d in zip(args, in_dims) if d is not None)
        results = [f(*[x if d is None else x.select(d, k) for x, d in zip(args, in_dims)]) for k in range(size)]
        return stacked(results, out_dim)

    return loop


def stacked(results, dim):
    if isinstance(results[0], rl.Tensor):
        return rl.stack(results, dim)
    return tuple([stacked(parts, dim) for parts in zip(*results)])


def flat(tree):
    return [tree] if isinstance(tree, rl.Tensor) else [leaf for part in tree for leaf in flat(part)]


def total(tree):
    return sum([real(leaf).sin().sum() for leaf in flat(tree)])


def attempted(program, vmap):
    try:
        return program.run(vmap), None
    except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
        return None, error


@pytest.mark.parametrize("seed", range(FROM, FROM + PROGRAMS))
def test_program(seed):
    program = Program(seed)
    (wanted, refused), (found, refusal) = attempted(program, looped), attempted(program, func.vmap)
    told = (program.steps, program.transforms)
    assert type(refusal) is type(refused), (told, refused, refusal)
    if refused is not None:
        return
    for want, got in zip(wanted[0], found[0], strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape), told
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), 1e-7, 1e-7, err_msg=str(told))
    for want, got in zip(wanted[1], found[1], strict=True):
        pair = [0.0 if g is None else g.numpy() for g in (got, want)]
        np.testing.assert_allclose(*pair, 1e-7, 1e-7, err_msg=str(told))
