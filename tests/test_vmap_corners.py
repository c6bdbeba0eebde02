"""Corners of vmap and of the transforms: each test is a program that once went wrong."""

import copy
import gc

import numpy as np
import pytest

import rushlight as rl
from rushlight import func
from rushlight.func import grad, vmap
from rushlight.nn import functional as F
from rushlight.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def drawn(*shape, seed=0):
    return rl.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape))


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)


def loop(f, *batches):
    return rl.stack([f(*[x[k] for x in batches]) for k in range(len(batches[0]))])


# -- memory


def test_a_write_to_a_part_of_what_has_gaps_between_its_elements():
    base = rl.from_numpy(np.arange(10.0)[::2])
    scale = rl.full((2,), 3.0, dtype=rl.float64, requires_grad=True)
    base[3:].mul_(scale)
    base.square().sum().backward()
    assert base.tolist() == [0.0, 2.0, 4.0, 18.0, 24.0]
    assert scale.grad.tolist() == [2 * 18.0 * 6.0, 2 * 24.0 * 8.0]


def test_gradients_of_writes_to_parts_of_samples_that_lie_between_one_another():
    def f(a, b):
        t = (a * b).clone()
        t[..., 0] = (b * a).sum()
        return t.sin().sum()

    x, y = drawn(3, 3, 3).requires_grad_(), drawn(3, 2, 1, 3, seed=1)
    found = vmap(grad(f, 1), in_dims=(1, 0))(x, y)
    gc.collect()
    close(found, loop(grad(f, 1), x.movedim(1, 0), y))


# -- views


def test_the_transpose_of_a_sample_without_dimensions_is_a_view():
    def f(a):
        t = a.clone()
        t.t().add_(1)
        return t

    close(vmap(f)(drawn(3)), loop(f, drawn(3)))


def test_a_view_made_under_no_grad_leaves_without_history():
    def f(a):
        with rl.no_grad():
            part = a[..., :1]
        return part, a * 2

    x = drawn(2, 2)
    for out in (func.linearize(f, x)[0], func.vjp(f, x)[0]):
        assert [part.requires_grad for part in out] == [False, False]


# -- Functions with a vmap of their own


class Product(rl.autograd.Function):
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
        return g * y, g * x

    @staticmethod
    def jvp(ctx, x_t, y_t):
        x, y = ctx.saved_tensors
        return x_t * y + x * y_t

    @staticmethod
    def vmap(info, in_dims, x, y):
        x, y = [a.expand(info.batch_size, *a.shape) if d is None else a for a, d in zip((x, y), in_dims)]
        return Product.apply(x, y), 0


FUNCTIONS = [
    lambda f: func.grad(f),
    lambda f: func.jacrev(f, 1),
    lambda f: func.hessian(f),
    lambda f: lambda x, y: func.jvp(f, (x, y), (y, x))[1],
    lambda f: func.grad(lambda x, y: func.grad(f)(x, y).sin().sum(), 1),
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_a_function_with_its_own_rule_is_differentiated_within_the_batch(number):
    f = FUNCTIONS[number](lambda x, y: Product.apply(x.sin(), y.exp()).sum())
    x, y = drawn(3, 2), drawn(3, 2, seed=1).requires_grad_()
    found, wanted = vmap(f)(x, y), loop(f, x, y)
    close(found, wanted)
    for a, b in zip(rl.autograd.grad(found.sin().sum(), y), rl.autograd.grad(wanted.sin().sum(), y)):
        close(a, b)


def test_a_function_with_its_own_rule_and_without_setup_context_is_not_differentiated_there():
    class Old(rl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vmap(info, in_dims, x):
            return x * 2, 0

    close(vmap(Old.apply)(drawn(3)), drawn(3) * 2)
    with pytest.raises(RuntimeError, match="it must override the setup_context staticmethod"):
        vmap(grad(Old.apply))(drawn(3))


# -- writes in place


WRITES = [
    lambda t, w: t.__setitem__(0, w[0]),
    lambda t, w: t[1:].add_(w[1:]),
    lambda t, w: t.copy_(w),
    lambda t, w: (t * 1)[1:].mul_(w[1:]),
]


@pytest.mark.parametrize("number", range(len(WRITES)))
def test_what_is_differentiated_and_the_same_for_all_samples_is_written_into_a_tensor_of_the_function(number):
    def f(w, r):
        t = rl.ones(3, dtype=rl.float64)
        part = t[1:]
        WRITES[number](t, w)
        part.mul_(r[1:])
        return (t * r * w).sum() + part.sum()

    w, x = drawn(3), drawn(2, 3, seed=1)
    close(vmap(grad(f), (None, 0))(w, x), loop(lambda r: grad(f)(w, r), x))


@pytest.mark.parametrize("write", [lambda t, r: t[0].mul_(r.sum()), lambda t, r: t.mul_(r), lambda t, r: t.pow_(2)])
def test_what_a_write_overwrites_is_kept_for_the_history_below(write):
    def f(r):
        t = r.clone()
        write(t, r)
        return t.sin()

    found, wanted = drawn(2, 3, 3).requires_grad_(), drawn(2, 3, 3).requires_grad_()
    vmap(f)(found).sum().backward()
    loop(f, wanted).sum().backward()
    close(found.grad, wanted.grad)


READS = {
    "item": lambda t, part, one: rl.tensor(one.item()),
    "float": lambda t, part, one: rl.tensor(float(one)),
    "if": lambda t, part, one: rl.tensor(1.0 if one else 2.0),
    "tolist": lambda t, part, one: rl.tensor(part.tolist()),
    "numpy": lambda t, part, one: rl.from_numpy(part.numpy().copy()),
    "tensor": lambda t, part, one: part.new_tensor([one, one]),
    "detach": lambda t, part, one: part.detach().sum(),
    "deepcopy": lambda t, part, one: copy.deepcopy(part),
    "in": lambda t, part, one: rl.tensor(1.0 if 1.0 in part else 0.0),
    "out": lambda t, part, one: rl.add(part, 1, out=rl.empty(2)),
    "as_strided": lambda t, part, one: part.as_strided((2,), (1,)).sum(),
    "write": lambda t, part, one: (part.fill_(3.0), t.sum())[1],
    "as it is": lambda t, part, one: part,
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("nested", [False, True])
def test_views_made_before_a_write_that_differs_between_samples(name, nested):
    def f(s, r):
        t = s * rl.zeros(3) if nested else rl.zeros(3)
        part, one = t[:2], t.view(3)[0]
        t[0] = r
        return READS[name](t, part, one)

    x, y = rl.tensor([1.0, -2.0]), rl.tensor([1.0, 3.0])
    close(vmap(lambda s: vmap(lambda r: f(s, r))(x))(y), loop(lambda s: loop(lambda r: f(s, r), x), y))


@pytest.mark.parametrize("alias", [lambda t: t.detach(), lambda t: t.data, lambda t: t.view(3).detach()[:2]])
def test_aliases_without_history_follow_writes_both_ways(alias):
    def f(r):
        t = rl.zeros(3)
        other = alias(t)
        other[0] = r
        t[1] = r * 2
        return t[:2] + 10 * other[:2]

    close(vmap(f)(rl.tensor([1.0, -2.0])), loop(f, rl.tensor([1.0, -2.0])))


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")
def test_copies_of_samples():
    for f in (lambda r: rl.tensor(r), lambda r: r.new_tensor(r, dtype=rl.float32), copy.deepcopy):
        close(vmap(f)(drawn(3, 2)), loop(f, drawn(3, 2)))


# -- indices


PUTS = [
    lambda x, k, v: x.index_put((k,), v.sum()),
    lambda x, k, v: x.index_put((k, k.flip(0)), v[:2], accumulate=True),
    lambda x, k, v: x.clone().index_put_((k[0],), v, accumulate=True),
    lambda x, k, v: x.index_put((x > 0,), v.sum()),
    lambda x, k, v: put(x, (slice(None), k[0]), v),
    lambda x, k, v: put(x, (k[0], slice(1, None)), v[1:]),
    lambda x, k, v: put(x, (k[0], k), v[:2]),
    lambda x, k, v: put(x, (slice(None), k), v[:2]),
    lambda x, k, v: put(x, (..., k[0]), v),
]


def put(x, index, value):
    x = x.clone()
    x[index] = value
    return x


@pytest.mark.parametrize("number", range(len(PUTS)))
def test_writes_to_indices_that_differ(number):
    f = PUTS[number]
    x, v = drawn(4, 3, 3), drawn(4, 3, seed=1)
    k = rl.from_numpy(np.random.default_rng(2).integers(-3, 3, (4, 2)))
    close(vmap(f)(x, k, v), loop(f, x, k, v))
    for number in (0, 2):
        slope = grad(lambda x, k, v: f(x, k, v).sin().sum(), number)
        close(vmap(slope)(x, k, v), loop(slope, x, k, v))
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        vmap(lambda x, k, v: x.index_put((k,), v.sum().float()))(x, k, v)


# -- forward mode


def test_the_tangent_of_a_view_made_before_the_write_that_brought_it():
    constant = drawn(3, 3)

    def f(b):
        a = constant.clone()
        flat, turned = a.view(-1), a.t()
        turned[0] = turned[0] * 2 + b.sum()
        flat[-1:].mul_(b.mean())
        return (a + flat[0]).sum()

    x = drawn(3, 1)
    close(func.hessian(f)(x), func.jacrev(func.jacrev(f))(x))


def test_gradients_of_gradients_through_strides():
    def strided(a):
        return a.permute(1, 0, 2).contiguous().as_strided((2, 2), (6, 1)).sin().sum(1).sin().sum()

    def sliced(a):
        return a.permute(1, 0, 2)[:, 0, :2].sin().sum(1).sin().sum()

    def bend(f):
        return grad(lambda a: grad(f)(a).sin().sum())(drawn(2, 2, 3))

    close(bend(strided), bend(sliced))


def test_index_tensors_of_which_some_differ():
    x, k, shared = drawn(4, 3, 3, 2), rl.tensor([[0, 2], [1, 1], [-1, 0], [2, 2]]), rl.tensor([1, 0])
    mask = rl.tensor([True, False, True])
    for f in (
        lambda x, k: x[shared, k],
        lambda x, k: x[shared, :, k - k + 1],
        lambda x, k: x[mask, k],
        lambda x, k: x[[0, 1], k],
        lambda x, k: put(x, (shared, k), x[0, 0]),
        lambda x, k: x.index_put((shared, k), x[0, 0], accumulate=True),
    ):
        close(vmap(f)(x, k), loop(f, x, k))


WRITTEN = [
    lambda y, v: y[0].copy_(v),
    lambda y, v: (y[:, 1].copy_(v), y.mul_(v)),
    lambda y, v: (y[1, 2].copy_(v[0]), y.t().view(-1)[4:].mul_(v[1])),
    lambda y, v: (y.mul_(v), y.t().view(-1)[4:].mul_(v[1])),
]


@pytest.mark.parametrize("number", range(len(WRITTEN)))
def test_tangents_of_what_lies_otherwise_in_memory(number):
    constant, v, t = drawn(3, 3), drawn(3, seed=1), drawn(3, seed=2)

    def f(v):
        y = constant.t().clone()
        first, flat = y[0], y.t().view(-1)
        WRITTEN[number](y, v)
        return y.sin().sum(0) + first * flat[:3]

    wanted = func.jacrev(f)(v)
    close(func.jacfwd(f)(v), wanted)
    close(vmap(lambda v: func.jvp(f, (v,), (t,))[1])(v.expand(2, 3)), (wanted @ t).expand(2, 3))
    close(func.hessian(lambda v: f(v).sum())(v), func.jacrev(func.jacrev(lambda v: f(v).sum()))(v))


def test_a_write_where_the_tangent_came_by_broadcasting():
    def f(v):
        y = v[0] + rl.zeros(3, dtype=rl.float64)
        y[0] = 1.0
        y[1:].mul_(v[1:])
        return y.sin()

    close(func.jacfwd(f)(drawn(3)), func.jacrev(f)(drawn(3)))


def test_columns_of_gradients_of_products_with_what_is_the_same_for_all_columns():
    def slope(a):
        return grad(lambda z: (z * a.sum().exp()).sum())(a)

    def product(a):
        return func.vjp(lambda z: z * a.sum(), a)[1](a.cos())[0]

    for f in (slope, product):
        close(func.jacfwd(f)(drawn(3)), func.jacrev(f)(drawn(3)))
        close(func.jacfwd(func.jacfwd(f))(drawn(3)), func.jacrev(func.jacrev(f))(drawn(3)))


class Generated(rl.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2

    @staticmethod
    def jvp(ctx, t):
        return t * 3 * ctx.saved_tensors[0] ** 2


def test_a_generated_rule_within_a_generated_rule():
    f = lambda x: vmap(vmap(Generated.apply))(x).sin()
    x = drawn(2, 3)
    for outer in (func.jacfwd, func.jacrev):
        for inner in (func.jacfwd, func.jacrev):
            close(outer(inner(f))(x), outer(inner(lambda x: (x**3).sin()))(x))
            close(vmap(outer(inner(f)))(x[None]), outer(inner(f))(x)[None])


def test_forward_mode_within_a_batch_that_is_differentiated_around_it():
    x = drawn(3, 2).requires_grad_()
    f = lambda a: func.jvp(lambda a: Generated.apply(a.sin()), (a,), (a.cos(),))[1]
    found, wanted = vmap(f)(x), loop(f, x)
    close(found, wanted)
    close(rl.autograd.grad(found.sum(), x)[0], rl.autograd.grad(wanted.sum(), x)[0])


def test_a_write_at_an_inner_level_that_differs_at_an_outer_one():
    constant = drawn(3)

    def f(a, b):
        t = a.clone()
        flat, turned = t.view(-1), t.view(1, 3)
        turned[0] = turned[0] * 2 + b.sum()
        flat[-1:].mul_(b.mean())
        return (t + flat[0]).sin().sum()

    b, slope = drawn(2, 4), func.hessian(f)
    close(vmap(slope, (None, 0))(constant, b), loop(lambda b: slope(constant, b), b))


# -- functions that read values


def labels(*shape):
    return rl.from_numpy(np.random.default_rng(5).integers(0, 4, shape))


LISTED = rl.tensor([[[0, 2, -1, 0]] * 5, [[1, -1, 0, 0]] * 5, [[3, 2, 1, 0]] * 5])
READING = {
    "multi_margin_loss": (F.multi_margin_loss, drawn(3, 5, 4), labels(3, 5)),
    "multilabel_margin_loss": (F.multilabel_margin_loss, drawn(3, 5, 4), LISTED),
    "smoothed cross_entropy": (
        lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1, ignore_index=1), drawn(3, 5, 4), labels(3, 5),
    ),
    "packed ctc_loss": (
        lambda x, y: F.ctc_loss(x.log_softmax(-1), y.clamp(min=1), (6, 6), (2, 3)), drawn(3, 6, 2, 4), labels(3, 5),
    ),
    "packed ctc_loss of lengths": (
        lambda x, y, n: F.ctc_loss(x.log_softmax(-1), y.clamp(min=1), rl.tensor([6, 6]), n), drawn(3, 6, 2, 4),
        labels(3, 5), rl.tensor([[2, 3], [3, 2], [1, 4]]),
    ),
    "gaussian_nll_loss": (lambda x: F.gaussian_nll_loss(x[0], x[1], x[2].abs() + 1), drawn(3, 3, 4)),
    "pack_padded_sequence": (
        lambda x, n: pad_packed_sequence(pack_padded_sequence(x, n, enforce_sorted=False))[0].sum(0), drawn(3, 5, 2, 4),
        rl.tensor([[5, 3], [2, 5], [4, 4]]),
    ),
    "embedding_bag": (lambda x, y, o: F.embedding_bag(y, x, o), drawn(3, 5, 4), labels(3, 5), rl.tensor([[0, 2], [0, 3], [0, 1]])),
    "max_norm": (lambda x, y: F.embedding(y, x * 3, max_norm=1.0), drawn(3, 5, 4), labels(3, 5)),
    "max_unpool1d": (lambda x: F.max_unpool1d(*F.max_pool1d(x, 2, return_indices=True), 2), drawn(3, 5, 4)),
    "repeat_interleave": (lambda x, y: x.repeat_interleave(y, dim=0).sum(0), drawn(3, 5, 4), labels(3, 5)),
    "masked_select": (lambda x: x.masked_select(x > 0).sum(), drawn(3, 5, 4)),
    "masked_scatter": (lambda x: x.masked_scatter(x > 0, x * 2), drawn(3, 5, 4)),
    "nonzero": (lambda x: x * sum(rl.where(x > 0)).sum() + (x > 0.5).nonzero().sum(), drawn(3, 5, 4)),
    "unique": (lambda x, y: x * y.unique().sum(), drawn(3, 5, 4), labels(3, 5)),
    "bincount": (lambda x, y: x * rl.bincount(y).sum(), drawn(3, 5, 4), labels(3, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", READING)
def test_functions_that_read_values(name):
    f, *batches = READING[name]
    close(vmap(f)(*batches), loop(f, *batches))
    slope = grad(lambda x, *rest: f(x, *rest).sin().sum())
    close(vmap(slope)(*batches), loop(slope, *batches))


def test_a_write_at_an_inner_level_into_what_is_differentiated_at_an_outer_one():
    def f(x, y):
        t = x.clone()
        t[1:] = y
        return t.sin().sum() + x.sum()

    slope = grad(lambda x, y: vmap(f, (None, 0))(x, y).sum())
    x, y = drawn(3, 4), drawn(3, 2, 3, seed=1)
    close(vmap(slope)(x, y), loop(grad(lambda x, y: sum(f(x, row) for row in y)), x, y))


def test_a_function_with_its_own_rule_of_what_is_the_same_for_all_samples():
    w, x = drawn(3), drawn(2, 3)
    f = grad(lambda w, r: (Product.apply(w, w) * r).sum())
    close(vmap(f, (None, 0))(w, x), loop(lambda r: f(w, r), x))
    close(
        func.hessian(lambda w: vmap(lambda r: Product.apply(r, r).sum())(w).sum())(x),
        func.hessian(lambda w: (w * w).sum())(x),
    )


def test_a_search_among_no_boundaries():
    found = vmap(rl.searchsorted)(rl.zeros(3, 0), drawn(3, 2, 3).float())
    assert found.tolist() == [[[0] * 3] * 2] * 3


def test_the_gradient_of_a_target_that_all_samples_share():
    target = drawn(3).requires_grad_()
    vmap(F.mse_loss, (0, None))(drawn(2, 3, seed=1), target).sum().backward()
    found, target.grad = target.grad, None
    loop(lambda x: F.mse_loss(x, target), drawn(2, 3, seed=1)).sum().backward()
    close(found, target.grad)


# -- leaves made inside, and what watches


def trained(r):
    q = rl.ones(2, dtype=rl.float64).requires_grad_()
    for _ in range(3):
        (g,) = rl.autograd.grad(((q * 2 * r).sum() - 1) ** 2 + (q * q).sum(), q)
        with rl.no_grad():
            q -= 0.1 * g
    return q.detach()


def test_leaves_made_inside_are_differentiated_for_each_sample():
    close(vmap(trained)(drawn(3, 2)), loop(trained, drawn(3, 2)))
    f = lambda r: rl.autograd.grad((q := rl.ones(2, dtype=rl.float64, requires_grad=True)).sum() * r.sum(), q)[0]
    close(vmap(f)(drawn(3, 2)), loop(f, drawn(3, 2)))


def test_a_write_into_a_leaf_made_inside_is_refused():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        vmap(lambda r: rl.ones(2).requires_grad_().add_(r))(drawn(3, 2).float())


def test_backward_of_samples_is_refused():
    for f in (
        lambda x: x.sum().backward(),
        lambda x: rl.autograd.backward([x.sum()]),
        lambda x: x.backward(rl.ones(2)),
    ):
        with pytest.raises(RuntimeError, match=r"^backward\(\) called inside a functorch transform\. "):
            vmap(f)(drawn(3, 2))


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
def test_watched_batches():
    w = drawn(2).requires_grad_()
    f = grad(lambda r: (r.sin() * w).sum() if r[0] > 0 else r.prod())
    wanted = loop(f, drawn(4, 2))
    for watch in (
        rl.autograd.verify,
        rl.autograd.strong_zero,
        rl.autograd.detect_anomaly,
        rl.autograd.graph.save_on_cpu,
    ):
        with watch():
            close(vmap(f)(drawn(4, 2)), wanted)
    with rl.autograd.verify():
        close(func.grad(lambda r: (r * w).sum())(drawn(2)), w)
    with (
        rl.autograd.detect_anomaly(),
        pytest.warns(UserWarning, match="Error detected in SqrtBackward0"),
        pytest.raises(RuntimeError, match="returned nan values in its 0th output"),
    ):
        vmap(grad(lambda r: (r.sqrt() * 0).sum()))(rl.zeros(2, 2))


def test_a_leaf_by_assignment_inside_of_vmap():
    w = drawn(2)

    def f(r):
        leaf = w.clone()
        leaf.requires_grad = True
        (slope,) = rl.autograd.grad((leaf * r).sin().sum(), leaf)
        return slope

    x = drawn(3, 2, seed=1)
    close(vmap(f)(x), x * (w * x).cos())
