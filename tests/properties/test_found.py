"""What the properties have found, each a line that PyTorch and we once answered differently."""

import pytest

import rushlight
from beside import outcome
from rushlight.autograd import forward_ad

LINES = [
    # Whatever the dtypes, boundaries and values are compared in the one that holds both.
    "torch.searchsorted(torch.tensor([1, 2]), torch.tensor([2.5, 1.0]))",
    "torch.searchsorted(torch.tensor([0.1]), torch.tensor([0.1], dtype=torch.float64), right=True)",
    "torch.searchsorted(torch.tensor([0.1]), torch.tensor(0.1, dtype=torch.float64), right=True)",
    "torch.bucketize(torch.tensor([5, 7, 300]), torch.tensor([1, 2], dtype=torch.int8))",
    "torch.nansum(torch.ones(3), 0, dtype=torch.int32)",
    "torch.zeros(2, 0).roll(-1, 2)",
    "torch.linalg.vector_norm(torch.tensor([1.0, -2.0]), True)",
    "torch.linalg.vecdot(torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64))",
    "torch.tensor(1.0).unbind(-1)",
    "torch.take_along_dim(torch.tensor(1.0), torch.tensor(0), 0)",
    # Products are not cast to the dtype of `out`.
    "torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=torch.zeros(0, dtype=torch.float64))",
    "torch.matmul(torch.ones(2), torch.ones(2), out=torch.zeros(0, dtype=torch.bfloat16))",
    "torch.addmv(torch.ones(2), torch.ones(2, 2), torch.ones(2), out=torch.zeros(0, dtype=torch.float64))",
    "torch.tensordot(torch.ones(2, 2), torch.ones(2, 2), 1, out=torch.zeros(0, dtype=torch.float64))",
    "torch.isnan(torch.ones(3), out=torch.zeros(3))",
    "torch.isfinite(torch.ones(3), out=None)",
    "torch.ones(1).index_add(0, torch.tensor([1]), torch.ones(1))",
    "torch.ones(()).index_add(0, torch.tensor([0, 0]), torch.ones(()))",
    "torch.ones(()).index_reduce(0, torch.tensor([0, 0]), torch.ones(()), 'amin')",
    "torch.ones(2).backward(torch.ones(3))",
    "torch.ones(()).__setitem__(0, 1.0)",
    "torch.ones(()).__setitem__(slice(None), 1.0)",
    "torch.ones(())[(0,)]",
    "torch.tensor(1j).mT, torch.tensor(1j).mH",
    "torch.tensor(1j).adjoint()",
    "torch.tensordot(torch.ones(2, 1, dtype=torch.int16), torch.ones(3, 2, dtype=torch.int16), dims=1)",
    "(x := torch.ones(2), x.diff(n=0).mul_(2), x)[2]",
    "torch.amax(torch.ones(2), out=torch.zeros(0, dtype=torch.float64))",
    "[t.is_leaf for t in torch.broadcast_tensors(torch.ones(2, requires_grad=True), torch.ones(()))]",
    "torch.ones(())[(slice(None),)]",
    "(y := torch.ones(2, requires_grad=True) * 2).__setattr__('requires_grad', True)",
    "(torch.ones(2, requires_grad=True) * 2).requires_grad_()",
    "torch.trace(torch.ones(2, 2, dtype=torch.bool))",
    "(x := torch.tensor(3.0, requires_grad=True), torch.var_mean(x, 0, correction=3)[0].backward(), x.grad)[2]",
    "(x := torch.tensor([1.0, torch.inf, 3.0], requires_grad=True), x.logcumsumexp(0).sum().backward(), x.grad)[2]",
    "torch.full((2,), 1e40j, dtype=torch.complex64)",
    "torch.full((2,), 1e5, dtype=torch.float16)",
    "torch.full((2,), 10**40)",
    # A number beside half precision is as it is in products and quotients, and rounded in sums.
    "torch.full((2,), 1e-3, dtype=torch.float16) * 1e5",
    "torch.full((2,), 3.0, dtype=torch.float16).mul_(0.1)",
    "1e5 / torch.full((2,), 1e3, dtype=torch.float16)",
    "torch.full((2,), 1e-3, dtype=torch.float16) * torch.tensor(1e5)",
    "torch.full((2,), -6e4, dtype=torch.float16) + 100000",
    "torch.add(torch.ones(2), 1, alpha=1e40)",
    "torch.addcmul(torch.ones(2), torch.ones(2), torch.ones(2), value=1e40)",
    "[torch.var(torch.ones(1)), torch.zeros(2, 0).std(1), torch.std_mean(torch.ones(2), 0, correction=3)]",
    "torch.full((2,), -256, dtype=torch.uint8)",
    "torch.full((2,), -0.25, dtype=torch.uint8)",
    "torch.tensor([-0.25], dtype=torch.uint8)",
    "torch.tensor([127.5], dtype=torch.int8)",
    "torch.tensor([-9.2e18, 9.2e18], dtype=torch.int64)",
    "torch.nn.functional.pad(torch.ones(2, dtype=torch.uint8), (1, 0), value=-1)",
    "torch.nn.functional.pad(torch.ones(2, dtype=torch.int8), (1, 0), value=128)",
    "torch.nn.functional.threshold(torch.ones(2, dtype=torch.uint8), 2, -0.25)",
    "torch.nn.functional.threshold(torch.ones(2, dtype=torch.int8), 300, 1)",
    "torch.zeros(0, 3).index_select(0, torch.tensor([0, 0]))",
    "torch.zeros(0).index_select(0, torch.tensor([0, 0]))",
    # A nan that comes in goes to the element that was chosen, and to no other.
    "(x := torch.tensor([1.5, -0.5], requires_grad=True), (x.nanmedian() * torch.nan).backward(), x.grad)[2]",
    "(x := torch.tensor([1.5, -0.5], requires_grad=True), (x.max() * torch.nan).backward(), x.grad)[2]",
]


# With `x`, three numbers with a history; `made(m, run)` runs in inference mode, and the last line is compared.
PROGRAMS = [
    # Nothing writes to an inference tensor outside of inference mode: no index, no `out=`, no swap of dimensions.
    "i = made(m, lambda: x * 2); i[0] = 1.0",
    "i = made(m, lambda: x * 2); i[:] = m.ones(3)",
    "i = made(m, lambda: x * 2); i[i > 0] = 1.0",
    "i = made(m, lambda: x * 2); i.masked_fill_(i > 0, 1)",
    "i = made(m, lambda: x * 2); i.index_add_(0, m.tensor([0]), m.ones(1))",
    "i = made(m, lambda: x * 2); i.index_copy_(0, m.tensor([0]), m.ones(1))",
    "i = made(m, lambda: x * 2); i.index_fill_(0, m.tensor([0]), 1.0)",
    "i = made(m, lambda: x * 2); i.put_(m.tensor([0]), m.ones(1))",
    "i = made(m, lambda: x * 2); i.unsqueeze_(0)",
    "i = made(m, lambda: x * 2); i.resize_(2)",
    "i = made(m, lambda: x * 2); i.set_(m.ones(2))",
    "i = made(m, lambda: x * 2); m.exp(m.ones(3), out=i)",
    "i = made(m, lambda: x * 2); m.zeros(3, out=i)",
    # Views made without a history: how they came to be, and what is a leaf.
    "v = quietly(m, lambda: x[:2]); v[0].mul_(2)",
    "v = quietly(m, lambda: x.unbind(0)[0]); v.view(1).mul_(2)",
    "v = made(m, lambda: x[:2]); v[0].mul_(2)",
    "v = made(m, lambda: x[:2]); v.unbind(0)[0].mul_(2)",
    "v = made(m, lambda: x[:2]); quietly(m, lambda: v[:1])[0].mul_(2)",
    "v = quietly(m, lambda: x[0]); v.backward()",
    "v = quietly(m, lambda: x[0]); m.autograd.grad(v * v, v)",
    "v = quietly(m, lambda: x[0]); (v * v).backward(); (v.grad, x.grad)",
    "b = m.ones(3); v = b[...].requires_grad_(); b.mul_(v.clone()); b.sum().backward()",
    # What was overwritten, and by what.
    "y = x.max(); z = y * y; y.detach().mul_(2); z.backward()",
    "y = m.zeros(3).copy_(x); z = y * y; y.detach().mul_(2); z.sum().backward()",
    "y = x * 1; y[:] = m.tensor(2.0); y.grad_fn.name()",
    "y = x * 1; y[:] = 2.0; y.grad_fn.name()",
    "y = x * 1; y[:1] = x.sum(); y.sum().backward(); x.grad",
    "y = m.ones(()); y[1:] = m.ones(())",
    "y = m.ones(()); y[0] = m.ones(())",
    "b = m.ones(3); v = b[::2]; v.t_(); b.requires_grad_(); (v.is_leaf, v.requires_grad)",
    # A wider operand does not widen the gradient of what is written.
    "y = x.clone(); y.mul_(m.full((3,), 2.0, dtype=m.float64)); y.sum().backward(); x.grad",
    "y = x.clone(); y.xlogy_(m.full((3,), 2.0, dtype=m.float64)); y.sum().backward(); x.grad",
    "y = x.half(); y.addcmul_(x, x); m.autograd.grad(y.sum(), [x])",
    # Elements that share a place share its gradient.
    "x.expand(2, 3).as_strided((2,), (1,)).sum().backward(); x.grad",
    "v = quietly(m, lambda: x[:2]); v.backward()",
]


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_goes_as_in_torch(program):
    torch = pytest.importorskip("torch")

    def run(m):
        names = {"m": m, "made": inference, "quietly": quietly, "x": m.tensor([1.0, 3.0, -0.5], requires_grad=True)}
        lines, _, last = program.rpartition("; ")
        exec(lines, names)
        try:
            last = compile(last, "program", "eval")
        except SyntaxError:
            return exec(last, names)
        return eval(last, names)

    ours, theirs = (outcome(m, run) for m in (rushlight, torch))
    assert ours == theirs


def inference(m, run):
    with m.inference_mode():
        return run()


def quietly(m, run):
    with m.no_grad():
        return run()


def test_a_leaf_takes_no_gradient_of_another_shape():
    x = rushlight.ones(2, 3, requires_grad=True)
    y = x.exp()
    x.data = rushlight.ones(3)
    with pytest.raises(
        RuntimeError, match=r"^attempting to assign a gradient of size '\[2, 3\]' to a tensor of size '\[3\]'"
    ):
        y.sum().backward()
    assert x.grad is None


def test_a_view_whose_base_has_other_memory_is_not_taken_for_a_part_of_it():
    for replaced in ("base", "view"):
        base = rushlight.ones(3, requires_grad=True) * 1
        view = base[1:]
        tensor = base if replaced == "base" else view
        tensor.data = rushlight.ones(tensor.shape)
        with pytest.raises(RuntimeError, match=r"^a view and its base have no memory in common any more"):
            view.mul_(2)


def test_a_gradient_of_another_size_is_not_cut_by_where_a_write_went():
    leaf = rushlight.ones(3, requires_grad=True)
    for source in (rushlight.zeros(4), leaf.sum() * rushlight.zeros(4)):
        source[1:].copy_(leaf)
        source.data = rushlight.ones(1)
        with pytest.raises(RuntimeError, match=r"^a gradient of size \[1\] for a tensor that had another size"):
            (source * 2).exp().sum().backward()


def test_second_derivatives_of_what_reaches_beyond_a_view():
    x = rushlight.arange(4.0, requires_grad=True)
    part = x[:2].as_strided((4,), (1,))
    (slope,) = rushlight.autograd.grad((part * part).sum(), x, create_graph=True)
    assert slope.tolist() == [0, 2, 0, 0]
    assert rushlight.autograd.grad(slope.sum(), x)[0].tolist() == [2, 2, 0, 0]


@pytest.mark.parity
@pytest.mark.parametrize("line", LINES)
def test_it_is_as_in_torch(line):
    torch = pytest.importorskip("torch")
    ours, theirs = (outcome(m, lambda m: eval(line, {"torch": m})) for m in (rushlight, torch))
    assert ours == theirs


def test_the_angle_beside_truth_values_has_a_derivative():
    x = rushlight.tensor([0.5], dtype=rushlight.float64, requires_grad=True)
    rushlight.atan2(rushlight.tensor([True]), x).backward()
    assert x.grad.item() == pytest.approx(-0.8)


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_the_gradient_of_an_extremum_that_is_nan_goes_to_the_nan(reduce):
    x, source = (rushlight.tensor(v, requires_grad=True) for v in ([1.0, 2.0], [5.0, float("nan"), 7.0]))
    x.scatter_reduce(0, rushlight.tensor([0, 0, 1]), source, reduce, include_self=False).sum().backward()
    assert source.grad.tolist() == [0.0, 1.0, 1.0]
    x.grad = None
    getattr(rushlight, reduce)(rushlight.stack([x[0], x[1] * float("nan"), x[1]])).backward()
    assert x.grad[0].item() == 0.0


def test_the_mean_of_complex_numbers_scattered_has_a_derivative():
    source = rushlight.tensor([1j, 2.0, 3.0], requires_grad=True)
    means = rushlight.zeros(2, dtype=rushlight.complex64).scatter_reduce(
        0, rushlight.tensor([0, 0, 1]), source, "mean", include_self=False
    )
    (means * rushlight.tensor([2j, 1.0])).sum().real.backward()
    assert source.grad.tolist() == [-1j, -1j, 1.0]


def test_movedim_takes_two_numbers_or_two_tuples():
    for given in ((0, (0, 1)), ((0, 1), 1), (0.5, 1)):
        with pytest.raises(TypeError, match=r"^movedim\(\) received an invalid combination of arguments - got "):
            rushlight.ones(2, 3).movedim(*given)


def test_whole_numbers_joined_with_others_have_no_tangent():
    whole, x, step = rushlight.tensor([1, 2]), rushlight.tensor([0.5, 0.7]), rushlight.tensor([1.0, 10.0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, step)
        for join in (rushlight.stack, rushlight.cat, lambda parts: rushlight.block_diag(*parts)):
            tangent = forward_ad.unpack_dual(join([whole, dual])).tangent
            assert tangent.tolist() == join([rushlight.zeros(2), step]).tolist()
