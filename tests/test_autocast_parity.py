"""Autocast and GradScaler beside PyTorch: the dtypes of many functions, a training run, sentences and signatures."""

import contextlib
import inspect
import warnings

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
pytest.importorskip("ml_dtypes")
pytestmark = pytest.mark.parity

CALLS = """
    x @ x | x @ x[0] | x[0] @ x[0] | x[0] @ x | T.mm(x, x) | T.mv(x, x[0]) | T.bmm(b, b) | T.addmm(x, x, x) |
    T.addmv(x[0], x, x[0]) | T.addbmm(x, b, b) | T.baddbmm(b, b, b) | T.addr(x, x[0], x[0]) | T.outer(x[0], x[0]) |
    T.einsum("ij,jk", x, x) | T.chain_matmul(x, x) | T.kron(x, x) |
    T.linalg.multi_dot([x, x, x]) | T.linalg.matrix_power(x, 2) | F.linear(x, x) | F.linear(x, x, x[0]) |
    F.linear(x[0], x) | F.conv1d(b, b[:, :, :1].expand(4, 4, 1)) | F.conv_transpose1d(b, b) |
    F.prelu(x, x[0]) | F.scaled_dot_product_attention(b, b, b) | F.embedding(i, x) | F.relu(x) | F.gelu(x) |
    F.softmax(x, 0) | F.log_softmax(x, 0) | F.layer_norm(x, (4,)) | F.group_norm(x, 2) | F.normalize(x) |
    F.batch_norm(x, None, None, None, None, True) | F.dropout(x) | F.max_pool1d(x, 2) | F.avg_pool1d(x, 2) |
    F.avg_pool2d(b, 2) | F.interpolate(b, 2) | F.mse_loss(x, x) | F.l1_loss(x, x) | F.smooth_l1_loss(x, x) |
    F.huber_loss(x, x) | F.cross_entropy(x, i) | F.cross_entropy(x, x.softmax(1)) |
    F.cross_entropy(x, i, label_smoothing=0.1) | F.nll_loss(x, i) | F.gaussian_nll_loss(x, x, x * x) |
    F.binary_cross_entropy(x.sigmoid(), x.sigmoid()) | F.binary_cross_entropy_with_logits(x, x.sigmoid()) |
    F.poisson_nll_loss(x, x) | F.kl_div(x, x.exp(), reduction="sum") | F.hinge_embedding_loss(x, x.sign()) |
    F.soft_margin_loss(x, x.sign()) | F.margin_ranking_loss(x, x, x) | F.triplet_margin_loss(x, x, x) |
    F.cosine_embedding_loss(x, x, x[0]) | F.multi_margin_loss(x, i) | F.multilabel_soft_margin_loss(x, x) |
    F.pad(b, (1, 1), mode="reflect") | F.pad(b, (1, 1), mode="replicate") | F.pad(b, (1, 1)) |
    F.pad(b, (1, 1), mode="circular") | F.cosine_similarity(x, x) | F.pairwise_distance(x, x) | x.prod() | x.sum() |
    x.mean() | x.std() | x.cumsum(0) | x.cumprod(0) | x.norm() | x.trace() | x.exp() | x.pow(2) | x + x | x / x |
    T.cdist(x, x) | T.dist(x, x) | T.quantile(x, 0.5) | T.linalg.inv(x + 9 * e) |
    T.linalg.svdvals(x) | T.linalg.cholesky(e) | T.linalg.solve(x + 9 * e, x) | T.linalg.eigvalsh(e) |
    T.linalg.qr(x)[0] | T.linalg.lstsq(x, x)[0] | T.linalg.vector_norm(x) | T.fft.fft(x) | T.fft.irfft(x) |
    T.fft.rfft2(x) | T.polar(x, x) | T.corrcoef(x) | T.linalg.matrix_rank(x)
"""
LINES = " ".join(CALLS.split()).split(" | ")
NUMBERS = np.random.default_rng(0).uniform(0.5, 1.5, (4, 4)).astype(np.float32)


def outcome(lib, call, dtype, region):
    """The dtype of a call within a region, or the kind of what it raises."""
    x = lib.tensor(NUMBERS).to(dtype)
    names = {
        "T": lib, "F": lib.nn.functional, "x": x, "b": lib.stack([x, x, x, x]), "i": lib.tensor([0, 1, 2, 3]),
        "e": lib.eye(4).to(dtype),
    }  # fmt: skip
    with lib.autocast("cpu", dtype=region), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(eval(call, names).dtype).rpartition(".")[2]
        except (RuntimeError, NotImplementedError):
            return "refused"


@pytest.mark.parametrize("given", ["float32", "bfloat16", "float16", "float64"])
@pytest.mark.parametrize("call", LINES)
def test_the_dtypes_of_functions(call, given):
    for region in ("bfloat16", "float16"):
        ours, theirs = [outcome(lib, call, getattr(lib, given), getattr(lib, region)) for lib in (rl, torch)]
        assert ours == theirs, region


def trained(lib, dtype, scaled):
    """The losses of a few steps, and the dtypes on the way."""
    numbers = np.random.default_rng(1)
    nn, F = lib.nn, lib.nn.functional
    conv, norm, first, layer = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(64, 16), nn.LayerNorm(16)
    attention, last = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 5)
    net = nn.ModuleList([conv, norm, first, layer, attention, last])
    with lib.no_grad():
        for p in net.parameters():
            p.copy_(lib.tensor(numbers.normal(scale=0.2, size=tuple(p.shape)).astype(np.float32)))
    x = lib.tensor(numbers.standard_normal((6, 1, 6, 6)).astype(np.float32))
    y = lib.tensor(np.arange(6) % 5)
    optimizer, scaler = lib.optim.SGD(net.parameters(), lr=0.1), lib.amp.GradScaler("cpu", enabled=scaled)
    losses, dtypes = [], []
    for _ in range(4):
        optimizer.zero_grad()
        with lib.autocast("cpu", dtype=getattr(lib, dtype)):
            h = lib.relu(norm(conv(x)))
            h = layer(first(h.flatten(1)))[None]
            h = h + attention(h, h, h)[0]
            loss = F.cross_entropy(last(h[0]), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
        dtypes = [str(t.dtype).rpartition(".")[2] for t in (h, loss, *[p.grad for p in net.parameters()])]
    return losses, dtypes


@pytest.mark.parametrize("dtype, scaled", [("bfloat16", False), ("float16", True)])
def test_a_training_run(dtype, scaled):
    (ours, our_dtypes), (theirs, their_dtypes) = trained(rl, dtype, scaled), trained(torch, dtype, scaled)
    assert our_dtypes == their_dtypes and ours == pytest.approx(theirs, rel=0.02)
    assert ours[-1] < ours[0]


SENTENCES = {
    "a number": lambda lib: lib.autocast(3),
    "no device": lambda lib: lib.autocast("gpu"),
    "no region": lambda lib: lib.autocast("meta", dtype=lib.float16),
    "no dtype for it": lambda lib: lib.autocast("meta"),
    "float64": lambda lib: lib.autocast("cpu", dtype=lib.float64),
    "cuda": lambda lib: lib.autocast("cuda"),
    "cuda, off": lambda lib: lib.autocast("cuda", enabled=False),
    "not callable": lambda lib: lib.autocast("cpu")(3),
    "enabled": lambda lib: lib.set_autocast_enabled("cpu", 1),
    "enabled alone": lambda lib: lib.set_autocast_enabled("cpu"),
    "enabled of nothing": lambda lib: lib.is_autocast_enabled("meta"),
    "dtype": lambda lib: lib.set_autocast_dtype("cpu", 3),
    "cache": lambda lib: lib.set_autocast_cache_enabled(3),
    "older name": lambda lib: lib.is_autocast_cpu_enabled(),
    "older name of a setter": lambda lib: lib.set_autocast_cpu_dtype(lib.bfloat16),
    "older module": lambda lib: lib.cpu.amp.autocast(),
    "older module of cuda": lambda lib: lib.cuda.amp.autocast(),
    "older scaler": lambda lib: lib.cuda.amp.GradScaler(),
    "older decorators": lambda lib: lib.cuda.amp.custom_bwd(lib.cuda.amp.custom_fwd(print)),
    "scaler": lambda lib: lib.amp.GradScaler(),
    "growth": lambda lib: lib.amp.GradScaler("cpu", growth_factor=0.5),
    "backoff": lambda lib: lib.amp.GradScaler("cpu", backoff_factor=2.0),
    "too early": lambda lib: lib.amp.GradScaler("cpu").update(),
    "no tensors": lambda lib: lib.amp.GradScaler("cpu").scale(3),
    "no state": lambda lib: lib.amp.GradScaler("cpu").load_state_dict({}),
    "custom_fwd": lambda lib: lib.amp.custom_fwd(device_type=3),
}


def said(lib, call):
    """What a call raises and warns of, in the words of both."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = None
        with contextlib.suppress(StopIteration):
            try:
                call(lib)
            except (ValueError, RuntimeError, TypeError, AssertionError) as raised:
                error = type(raised), str(raised).replace("rushlight", "torch")
    sentences = [(w.category, str(w.message).partition(" (Triggered")[0].replace("rushlight", "torch")) for w in caught]
    return error, sentences


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences(name):
    assert said(rl, SENTENCES[name]) == said(torch, SENTENCES[name])


NAMES = ["autocast", "GradScaler", "custom_fwd", "custom_bwd", "is_autocast_available"]


@pytest.mark.parametrize(
    "path", [f"amp.{n}" for n in NAMES] + ["cpu.amp.autocast", "cuda.amp.autocast", "cuda.amp.GradScaler"]
)
def test_signatures(path):
    found = []
    for lib in (rl, torch):
        for part in path.split("."):
            lib = getattr(lib, part)
        found.append([(p.name, p.kind, str(p.default).replace("rushlight", "torch")) for p in parameters(lib)])
    assert found[0] == found[1]


def parameters(function):
    return inspect.signature(function).parameters.values()


def test_the_methods_of_a_scaler():
    public = {name for name in dir(torch.amp.GradScaler) if not name.startswith("_")}
    assert public == {name for name in dir(rl.amp.GradScaler) if not name.startswith("_")}
