"""Shape, joining and creation functions in their corners: values, shapes, dtypes and refusals are PyTorch's."""

import warnings

import pytest

import rushlight

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def tensors(m):
    """What the cases below are written in: m is the module, v a vector, x a matrix, s a number, z empty, n transposed."""
    x = m.arange(12.0).reshape(3, 4)
    return {
        "m": m,
        "v": m.arange(5.0),
        "x": x,
        "s": m.tensor(2.5),
        "z": m.zeros(0, 3),
        "n": x.t(),
        "legacy": m.zeros(0),
    }


VALUES = """
x.flip(-1); x.flip((0, -1)); s.flip(()); z.flip(0); n.flip(0); m.flip(n, (-1, 0)); m.fliplr(n); m.flipud(z)
x.roll(-1); x.roll(5, 0); x.roll((1, -2), (0, 1)); x.roll((1, 2), (0, 0)); s.roll(3); z.roll(2, 0); n.roll(1, -1)
n.roll(2); m.rot90(x); m.rot90(x, -1); m.rot90(x, 7, (1, 0)); m.rot90(n, 2); m.rot90(z, 1)
m.rot90(m.zeros(2, 3, 4), 1, (-1, 0)); x.tril(-1); x.triu(5); n.tril(1); z.triu(); x.clone().tril_(1)
n.clone().triu_(); m.zeros(2, 0, 3).tril(); x.repeat(2, 1, 2); s.repeat(3); z.repeat(2, 1); x.repeat(0, 1); n.tile(2)
v.tile((2, 2)); s.tile(()); v.repeat_interleave(2); x.repeat_interleave(m.tensor([1, 0, 2]), 0)
n.repeat_interleave(m.tensor([2]), -1); m.repeat_interleave(m.tensor([2, 0, 1]))
m.repeat_interleave(m.tensor([2, 1], dtype=m.int32)); x.repeat_interleave(0, 1); s.repeat_interleave(3)
m.repeat_interleave(v, m.tensor([1, 2, 3, 4, 5]), output_size=15); x.expand(2, -1, -1); s.expand(2, 3); v.expand(1, 5)
m.zeros(1, 3).expand(4, -1); z.expand(2, 0, 3); x.expand(3, 4).stride(); x.view(-1, 2); z.view(3, 0); s.view(1, 1)
n.reshape(-1); s.reshape(-1); x.reshape(m.Size([2, 6])); x.flatten(-2, -1); s.flatten(); x.unflatten(-1, (2, -1))
x.unflatten(1, (4,)); n.ravel(); x.squeeze(-1); m.zeros(1, 2, 1).squeeze((0, -1)); s.squeeze(); s.unsqueeze(-1)
x.unsqueeze(-3); m.zeros(1, 1).squeeze(0); x.transpose(-1, 0); s.transpose(0, -1); x.permute(-1, 0); s.permute(())
m.zeros(2, 3, 4).movedim((0, -1), (-1, 0)); s.t(); v.t(); x.diagonal(5); x.diagonal(-1); x.diagonal(0, -1, 0)
m.diag(v, -1); m.diag(x, 2); m.diag_embed(v, 1, 0, -1); m.diagflat(s, 1); m.trace(x); m.trace(n[1:])
m.trace(m.zeros(0, 3)); m.trace(m.ones(2, 2, dtype=m.int32)); x.unfold(1, 3, 2); v.unfold(-1, 5, 1); v.unfold(0, 0, 1)
s.unfold(0, 1, 1); x.as_strided((2, 2), (1, 2), 3); v.as_strided((), ()); x.narrow(1, -2, 2); x.narrow(0, 3, 0)
x.select(-1, -1); x.chunk(5, 1); z.chunk(3); v.split(2); v.split((0, 5)); z.split(2); v.tensor_split(3)
v.tensor_split((1, 9)); v.tensor_split(7); x.tensor_split(m.tensor([1, 2]), -1); x.unbind(-1); z.unbind(0)
m.hsplit(v, 5); m.vsplit(x, (1, 1)); m.dsplit(m.zeros(1, 2, 4), 2); m.cat((legacy, x)); m.cat((x, legacy), -1)
m.cat((legacy, legacy)); m.cat((z, m.ones(2, 3))); m.cat((v, m.arange(2))); m.cat((x.half(), x.bfloat16()))
m.cat((m.tensor([True]), m.tensor([2], dtype=m.uint8))); m.cat((n, n), 1); m.cat((v,), -1); m.stack((s, s))
m.stack((x, n.t()), -1); m.stack((v, v.double()), -2); m.stack((z, z), 1); m.vstack((v, x[:, :1].expand(3, 5)))
m.hstack((s, v)); m.dstack((v, v)); m.column_stack((v, v, s.expand(5))); m.block_diag(s, v, x); m.block_diag()
m.meshgrid(v, s, indexing="ij"); m.meshgrid(v, v, indexing="xy"); m.cartesian_prod(v, v); m.cartesian_prod(v)
m.combinations(v); m.combinations(v, 3, True); m.combinations(v, 6); m.combinations(v, 0); m.vander(v)
m.vander(v, 3, True); m.vander(m.arange(3), 1); m.vander(v, 0); m.vander(m.tensor([True, False])); m.arange(3)
m.arange(3.0); m.arange(1, 2, 0.25); m.arange(5, 0, -2); m.arange(0, dtype=m.float16); m.arange(2, 2); m.arange(s)
m.arange(m.tensor(3)); m.arange(1, 7, 2, dtype=m.float64); m.arange(0.5, 3, dtype=m.int64); m.arange(True, 3)
m.linspace(0, 1, 1); m.linspace(0, 1, 0); m.linspace(s, 1, 4); m.linspace(0, m.tensor(3), 4); m.linspace(s, s, 2)
m.linspace(0, 10, 5, dtype=m.int32); m.linspace(0, 1j, 3); m.logspace(0, 2, 3); m.logspace(s, 1, 2)
m.logspace(0, 3, 4, 2); m.logspace(0, 2, 3, dtype=m.int64); m.linspace(start=0, end=1, steps=2); m.zeros(2, 3)
m.zeros((2, 3)); m.zeros([]); m.zeros(()); m.ones(size=(2,)); m.ones(m.Size([1, 2])); m.zeros(0, 2)
m.zeros(m.tensor(2)); m.full((2,), True); m.full((), 3); m.full([2], 1.5); m.full((1,), 1j)
m.full((0, 2), 7, dtype=m.int8); m.full_like(x, 3); m.eye(2, 3); m.eye(0); m.eye(2, dtype=m.bool)
m.ones_like(n).stride(); m.zeros_like(s); m.empty_like(n).stride(); x.new_full((2,), 7)
m.empty_strided((2, 3), (1, 2)).stride(); m.tril_indices(3, 4, -1); m.triu_indices(3, 2, 1); m.tril_indices(0, 3)
v.new_ones(2, 1); x.clone().fill_(s); m.zeros(2, 3).copy_(m.arange(3))
m.zeros(3).half().copy_(m.tensor([1e-9, 7e4, 0.1])); v.double().half(); v.view(m.int32)
m.arange(4.0).view(2, 2).view(m.uint8); x.t().t().view(m.int16); m.zeros(2, dtype=m.float64).view(m.float32)
"""

ERRORS = """
x.flip(2); x.flip((0, 0)); x.flip(-3); x.roll((1, 2), 0); x.roll(()); x.roll(1, 2); m.rot90(v); m.rot90(x, 1, (0, 0))
m.rot90(x, 1, (0, 2)); m.rot90(x, 1, (0,)); v.tril(); s.triu(); x.repeat(2); x.repeat(-1, 2); x.repeat_interleave(-1)
x.repeat_interleave(m.tensor([1, 2]), 0); v.repeat_interleave(m.tensor([1, 2, 3, 4, -1])); v.repeat_interleave(2, 1)
v.repeat_interleave(m.tensor([1.0])); v.repeat_interleave(2, output_size=3)
m.repeat_interleave(m.tensor([1, 2]), output_size=7); x.expand(4); x.expand(3, 5); x.expand(-1, 3, 4)
x.expand(2, 3, -2); n.view(12); x.view(5); x.view(-1, -1); x.reshape(5, -1); x.view(-2, 6); x.flatten(1, 0)
x.flatten(0, 2); x.unflatten(1, (3, -1)); x.unflatten(1, (3, 2)); x.squeeze(2); x.unsqueeze(3); x.transpose(0, 2)
x.permute(0); x.permute(0, 0); x.permute(0, 2); x.movedim((0, 0), (0, 1)); m.zeros(1, 2, 3).t(); x.diagonal(0, 0, 0)
x.diagonal(0, 0, 2); s.diagonal(); m.diag(m.zeros(1, 1, 1)); m.trace(v); x.unfold(0, 4, 1); x.unfold(0, 1, 0)
x.unfold(2, 1, 1); x.as_strided((2,), (1, 1)); x.as_strided((2,), (-1,)); x.as_strided((20,), (1,)); x.narrow(0, 2, 2)
x.narrow(0, 0, -1); x.select(0, 3); x.select(2, 0); s.select(0, 0); s.narrow(0, 0, 1); x.chunk(0); s.chunk(1)
v.split(-1); v.split((2, 2)); v.split((6, -1)); v.tensor_split(0); s.tensor_split(2); m.hsplit(v, 2); m.vsplit(v, 1)
m.dsplit(x, 1); s.unbind(); m.cat(()); m.cat((x, v)); m.cat((x, x[:2]), 1); m.cat((x, x), 2); m.cat((s, s))
m.stack(()); m.stack((x, v)); m.stack((x, x), 3); m.vstack((x, v)); m.hstack((x, v)); m.column_stack((x, v))
m.cartesian_prod(x); m.meshgrid(v, indexing="a"); m.combinations(x); m.combinations(v, -1); m.vander(x)
m.vander(v, -1); m.block_diag(m.zeros(1, 1, 1)); m.arange(1, 0); m.arange(0, 1, 0); m.arange(float("inf"))
m.arange(0, 1, -1); m.linspace(0, 1, -1); m.linspace(v, 1, 2); m.linspace(0, 1j, 2, dtype=m.float32); m.zeros(-1)
m.zeros(2, -3); m.full((-1,), 0); m.eye(-1); m.eye(2, -1); m.full((1,), 300, dtype=m.uint8)
m.empty_strided((2,), (1, 2)); m.empty_strided((2,), (-1,)); m.zeros(1.5); m.zeros("a"); m.ones((2, 1.5))
m.full(2, 1); v.view(m.float64); s.view(m.uint8); n.view(m.float64); m.zeros(2).copy_(v); x.clone().fill_(v)
x.view(()); m.tril_indices(-1, 2); m.diag_embed(v, 0, 0, 0); m.diag_embed(v, 0, 0, 3)
m.zeros(2, 2).diagonal_scatter(v); m.broadcast_to(x, (2, 4)); m.swapaxes(x, 0, 5)
"""


def cases(text):
    return [case.strip() for line in text.strip().splitlines() for case in line.split(";")]


def plain(out):
    """What can be compared of a result, with the elements in the reading of their own dtype."""
    if isinstance(out, (rushlight.Tensor, torch.Tensor)):
        return tuple(out.shape), str(out.dtype).partition(".")[2], repr(out.tolist())
    return [plain(y) for y in out] if isinstance(out, (tuple, list)) and not hasattr(out, "numel") else out


def outcome(case, m):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(case, tensors(m))


@pytest.mark.parametrize("case", cases(VALUES))
def test_values(case):
    assert plain(outcome(case, rushlight)) == plain(outcome(case, torch))


@pytest.mark.parametrize("case", cases(ERRORS))
def test_errors(case):
    with pytest.raises(Exception) as theirs:
        outcome(case, torch)
    with pytest.raises(theirs.type) as ours:
        outcome(case, rushlight)
    # What the interpreter of PyTorch says about signatures takes many lines; of those the first words count.
    sentence = str(theirs.value).partition("\n")[0].partition(" - got")[0]
    assert str(ours.value).replace("rushlight.", "torch.").startswith(sentence.partition("(")[0])


GRADIENTS = """
v.as_strided((3, 3), (1, 1)); v.as_strided((2, 4), (0, 1)); x.as_strided((3, 2), (2, 1), 1); v.as_strided((4,), (0,))
n.as_strided((2, 3), (3, 2)); x.t().as_strided((3, 3), (1, 3)); x.expand(2, 3, 4); s.expand(3); x.repeat(2, 1, 2)
v.repeat_interleave(3); x.repeat_interleave(2, 1); x.repeat_interleave(m.tensor([2, 0, 1]), 0)
v.repeat_interleave(m.tensor([2])); x.roll((1, -2), (0, 1)); m.rot90(x); n.flip(0); x.unfold(1, 3, 1)
v.unfold(0, 2, 3); m.cat((v, v, legacy)); m.stack((n, n), 1); m.trace(x); x.diagonal(1); m.diag(v, 1)
m.block_diag(s, x); m.combinations(v); x.tril(1) * x.triu(); m.cat((v, v.double())); m.cartesian_prod(v, v)
x.narrow(1, 1, 2); n.reshape(-1)
"""


@pytest.mark.parametrize("case", cases(GRADIENTS))
def test_gradients(case):
    assert gradients(case, rushlight) == gradients(case, torch)


def gradients(case, m):
    given = tensors(m)
    leaves = [given[name].detach().clone().requires_grad_() for name in "vxs"]
    given |= dict(zip("vxs", leaves)) | {"n": leaves[1].t()}
    out = eval(case, given)
    weights = m.arange(1.0, out.numel() + 1).reshape(out.shape)
    found = m.autograd.grad((out * weights).sum(), leaves, allow_unused=True)
    return [None if g is None else plain(g) for g in found]
