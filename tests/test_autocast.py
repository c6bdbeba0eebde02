"""Autocast: which dtype operations compute in within a region, what is cast once, and where the region ends."""

import asyncio
import importlib
import pkgutil
import threading

import pytest

import rushlight as rl
from rushlight import casting, core, nn, ops
from rushlight.autograd import Function, grad
from rushlight.ops.declare import REGISTRY
from rushlight.utils.checkpoint import checkpoint

F = nn.functional
HALF = rl.float16


def region(**named):
    return rl.autocast("cpu", dtype=HALF, **named)


@pytest.fixture(autouse=True)
def nothing_stays_in_force():
    yield
    assert casting.in_force == [] and core.transforms_entered(0) == 0
    assert casting.state().nesting == 0 and casting.state().cache is None


def product():
    x = rl.ones(2, 2)
    return (x @ x).dtype


x, image = rl.randn(4, 4), rl.randn(1, 2, 6, 6)
narrow = x.to(HALF)

LOWERED = {
    "mm": lambda: rl.mm(x, x), "matmul of a vector": lambda: x @ x[0], "dot": lambda: x[0] @ x[0],
    "bmm": lambda: rl.bmm(image[0], image[0]), "addmm": lambda: rl.addmm(x, x, x),
    "linear": lambda: F.linear(x, x, x[0]), "unlike dtypes": lambda: F.linear(narrow, x),
    "linear of a vector": lambda: F.linear(x[0], x, x[0]), "einsum": lambda: rl.einsum("ij,jk", x, x),
    "conv2d": lambda: F.conv2d(image, rl.ones(3, 2, 3, 3), rl.ones(3)),
    "conv2d, unlike dtypes": lambda: F.conv2d(image.to(HALF), rl.ones(3, 2, 3, 3), rl.ones(3)),
    "conv_transpose1d": lambda: F.conv_transpose1d(image[0], rl.ones(6, 2, 3)),
    "attention": lambda: F.scaled_dot_product_attention(image, image, image),
    "attention, unlike dtypes": lambda: F.scaled_dot_product_attention(image.to(HALF), image, image),
    "attention with a mask": lambda: F.scaled_dot_product_attention(image, image, image, rl.ones(6, 6) > 0),
    "prelu": lambda: F.prelu(x, rl.ones(1)), "prelu, unlike dtypes": lambda: F.prelu(narrow, rl.ones(1)),
    "lstm": lambda: nn.LSTM(4, 3)(x)[0], "lstm of halves": lambda: nn.LSTM(4, 3)(narrow)[0],
    "multi-head attention": lambda: nn.MultiheadAttention(4, 2)(x, x, x)[0],
}  # fmt: skip
WIDENED = {
    "mse_loss": lambda: F.mse_loss(narrow, narrow), "l1_loss": lambda: F.l1_loss(narrow, narrow),
    "cross_entropy": lambda: F.cross_entropy(narrow, rl.arange(4)),
    "cross_entropy, smoothed": lambda: F.cross_entropy(narrow, rl.arange(4), label_smoothing=0.1),
    "cross_entropy of probabilities": lambda: F.cross_entropy(narrow, narrow.softmax(1)),
    "nll_loss": lambda: F.nll_loss(narrow, rl.arange(4)),
    "binary_cross_entropy": lambda: F.binary_cross_entropy(narrow.sigmoid(), rl.ones(4, 4)),
    "binary_cross_entropy_with_logits": lambda: F.binary_cross_entropy_with_logits(narrow, rl.ones(4, 4)),
    "smooth_l1_loss": lambda: F.smooth_l1_loss(narrow, narrow), "huber_loss": lambda: F.huber_loss(narrow, narrow),
    "kl_div": lambda: F.kl_div(narrow, narrow.exp(), reduction="sum"), "prod": lambda: narrow.prod(),
    "cosine_embedding_loss": lambda: F.cosine_embedding_loss(narrow, narrow, rl.ones(4)),
    "hinge_embedding_loss": lambda: F.hinge_embedding_loss(narrow, narrow.sign()),
    "margin_ranking_loss": lambda: F.margin_ranking_loss(narrow, narrow, narrow),
    "triplet_margin_loss": lambda: F.triplet_margin_loss(narrow, narrow, narrow),
    "poisson_nll_loss": lambda: F.poisson_nll_loss(narrow, narrow), "cdist": lambda: rl.cdist(narrow, narrow),
    "multilabel_margin_loss": lambda: F.multilabel_margin_loss(narrow, rl.zeros(4, 4, dtype=rl.int64)),
    "inv": lambda: rl.linalg.inv(narrow + 5 * rl.eye(4, dtype=HALF)), "svd": lambda: rl.linalg.svdvals(narrow),
    "cholesky": lambda: rl.linalg.cholesky(rl.eye(4, dtype=HALF)), "quantile": lambda: rl.quantile(narrow, 0.5),
    "solve": lambda: rl.linalg.solve(rl.eye(4, dtype=HALF), narrow), "rfft": lambda: rl.fft.rfft(narrow).real,
    "stft": lambda: rl.stft(narrow.reshape(-1), 4, return_complex=True, window=rl.ones(4)).real,
    "avg_pool3d": lambda: F.avg_pool3d(image.to(HALF), 2), "max_pool3d": lambda: F.max_pool3d(image.to(HALF), 2),
    "reflect": lambda: F.pad(narrow, (1, 1), mode="reflect"), "pinverse": lambda: rl.pinverse(narrow),
    "adaptive_avg_pool3d": lambda: F.adaptive_avg_pool3d(image.to(HALF), 1),
}  # fmt: skip
KEPT = {
    "relu": lambda t: t.relu(), "softmax": lambda t: t.softmax(0), "sum": lambda t: t.sum(), "exp": lambda t: t.exp(),
    "layer_norm": lambda t: F.layer_norm(t, (4,), rl.ones(4)), "max_pool2d": lambda t: F.max_pool2d(t[None], 2),
    "avg_pool2d": lambda t: F.avg_pool2d(t[None], 2), "mul": lambda t: t * t, "mv": lambda t: rl.mv(t, t[0]),
    "zeros": lambda t: F.pad(t, (1, 1)), "circular": lambda t: F.pad(t, (1, 1), mode="circular"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOWERED)
def test_products_compute_in_the_dtype_of_the_region(name):
    with region():
        assert LOWERED[name]().dtype is HALF


@pytest.mark.parametrize("name", WIDENED)
def test_losses_and_decompositions_compute_in_float32(name):
    with region():
        assert WIDENED[name]().dtype is rl.float32


@pytest.mark.parametrize("name", KEPT)
def test_all_else_computes_in_what_it_is_given(name):
    with region():
        for given in (x, narrow):
            assert KEPT[name](given).dtype is given.dtype


def test_float64_integers_and_complex_numbers_are_left():
    with region():
        for dtype in (rl.float64, rl.int32, rl.complex64):
            assert (x.to(dtype) @ x.to(dtype)).dtype is dtype
        assert F.mse_loss(x.double(), narrow).dtype is rl.float64


def test_what_is_written_into_has_its_own_dtype():
    with region():
        assert rl.mm(x, x, out=rl.zeros(4, 4)).dtype is rl.float32
        assert rl.zeros(4, 4).addmm_(x, x).dtype is rl.float32
        with pytest.raises(RuntimeError, match=r"^Expected out tensor to have dtype float, but got c10::Half instead"):
            rl.mm(x, x, out=rl.zeros(4, 4, dtype=HALF))
        assert product() is HALF


def test_the_default_dtype_is_bfloat16():
    pytest.importorskip("ml_dtypes")
    with rl.autocast("cpu"):
        assert product() is rl.bfloat16


# -- gradients


def test_gradients_have_the_dtypes_of_the_parameters():
    net = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))
    with region():
        loss = F.cross_entropy(net(x), rl.tensor([0, 1, 2, 0]))
    loss.backward()
    assert {p.grad.dtype for p in net.parameters()} == {rl.float32}
    with region():
        F.cross_entropy(net(x), rl.tensor([0, 1, 2, 0])).backward()


@pytest.mark.parametrize(
    "norm", [nn.LayerNorm(4), nn.BatchNorm1d(4), nn.GroupNorm(2, 4)], ids=lambda n: type(n).__name__
)
@pytest.mark.parametrize("weights", [HALF, rl.float32])
def test_norms_of_halves_give_halves_gradients(norm, weights):
    given = rl.randn(3, 4).to(HALF).requires_grad_()
    out = norm.to(weights)(given)
    gradients = grad((out * out).sum(), (given, norm.weight, norm.bias), create_graph=True)
    assert [g.dtype for g in gradients] == [HALF, weights, weights]
    wide = given.detach().float().requires_grad_()
    out = norm.float()(wide)
    expected = grad((out * out).sum(), (wide, norm.weight, norm.bias))
    for g, e in zip(gradients, expected):
        assert rl.allclose(g.float(), e, rtol=0.02, atol=0.02)


def test_a_backward_pass_is_outside_of_the_region():
    seen = []
    w = rl.tensor([[1.001, 2.003]], requires_grad=True)
    y = w @ rl.tensor([[0.3337], [0.1119]])
    w.register_hook(lambda g: seen.append((rl.is_autocast_enabled("cpu"), product())))
    with region():
        y.sum().backward()
        assert product() is HALF
    assert seen == [(False, rl.float32)]
    assert w.grad.tolist() == [[pytest.approx(0.3337), pytest.approx(0.1119)]]


def test_second_derivatives():
    w = rl.randn(4, 4).requires_grad_()
    with region():
        y = (x @ w).float().pow(3).sum()
    (first,) = grad(y, w, create_graph=True)
    (second,) = grad(first.sum(), w)
    assert first.dtype is second.dtype is rl.float32 and second.abs().sum() > 0


# -- the cache


def cast_of(y):
    return y.grad_fn.next_functions[1][0]


def test_a_weight_is_cast_once():
    w = nn.Parameter(rl.ones(4, 4))
    with region():
        first = cast_of(x @ w)
        assert cast_of(x @ w) is first
        with region():
            assert cast_of(x @ w) is first
        rl.clear_autocast_cache()
        assert cast_of(x @ w) is not first
    with region():
        assert cast_of(x @ w) is not first
    with region(cache_enabled=False):
        assert cast_of(x @ w) is not cast_of(x @ w)


def test_a_view_of_a_weight_is_a_view_of_its_cast():
    layer = nn.Linear(4, 4)
    with region():
        layer(x), layer(x)
        kept = {id(entry[0]) for entry in casting.state().cache.values()}
        assert kept == {id(layer.weight), id(layer.bias)}
        both = F.linear(x, layer.weight.chunk(2)[1])
        assert len(casting.state().cache) == 2
    both.float().sum().backward()
    assert (layer.weight.grad[:2] == 0).all() and (layer.weight.grad[2:] != 0).all()


def test_a_weight_that_changes_is_cast_again():
    w = nn.Parameter(rl.ones(1, 1))
    one = rl.ones(1, 1)
    optimizer = rl.optim.SGD([w], lr=1.0)
    w.grad = rl.tensor([[-4.0]])
    with region():
        seen = [(one @ w).item()]
        with rl.no_grad():
            w.mul_(2)
        seen.append((one @ w).item())
        optimizer.step()
        seen.append((one @ w).item())
        w.data = rl.zeros(1, 1)
        seen.append((one @ w).item())
    assert seen == [1, 2, 6, 0]


def test_what_is_cast_without_recording_is_not_used_with_it():
    w = nn.Parameter(rl.ones(4, 4))
    with region():
        with rl.no_grad():
            assert not (x @ w).requires_grad
        with rl.inference_mode():
            assert (x @ w).is_inference()
        y = x @ w
    assert y.requires_grad and not y.is_inference()


def test_regions_of_two_dtypes_do_not_share_casts():
    pytest.importorskip("ml_dtypes")
    w = nn.Parameter(rl.ones(4, 4))
    with region():
        x @ w
        with rl.autocast("cpu"):
            assert (x @ w).dtype is HALF
        with rl.autocast("cpu", dtype=rl.bfloat16):
            assert (x @ w).dtype is rl.bfloat16
        assert (x @ w).dtype is HALF


def test_two_passes_through_one_cast():
    w = nn.Parameter(rl.ones(2, 2))
    with region():
        first, second = (x[:, :2] @ w).sum(), (x[:, :2] @ w).sum()
    first.backward()
    once = w.grad.clone()
    second.backward()
    assert rl.equal(w.grad, 2 * once)


# -- where it is in force


def test_nesting_and_switching_off():
    with region():
        with rl.autocast("cpu", enabled=False):
            assert product() is rl.float32 and not rl.is_autocast_enabled("cpu")
            with region():
                assert product() is HALF
            assert product() is rl.float32
        assert product() is HALF
    assert product() is rl.float32


def test_it_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), region():
        1 / 0  # noqa: B018
    with region():
        with pytest.raises(RuntimeError, match="shapes"):
            rl.ones(2, 3) @ rl.ones(2, 3)
        assert product() is HALF


def test_one_object_entered_twice():
    mode = region()
    with mode, mode:
        assert product() is HALF
    assert product() is rl.float32


def test_as_a_decorator():
    class Model(nn.Module):
        @region()
        def forward(self, depth):
            return product() if not depth else self(depth - 1)

    assert Model()(2) is HALF and region()(product)() is HALF and product.__name__ == "product"


def test_another_thread_has_its_own():
    seen = []
    with region():
        thread = threading.Thread(target=lambda: seen.append((product(), rl.is_autocast_enabled("cpu"))))
        thread.start()
        thread.join()
    assert seen == [(rl.float32, False)]


def test_another_task_has_its_own():
    async def inside():
        with region():
            await asyncio.sleep(0)
            return product()

    async def outside():
        await asyncio.sleep(0)
        return product()

    async def both():
        return await asyncio.gather(inside(), outside())

    assert asyncio.run(both()) == [HALF, rl.float32]


def test_within_a_generator_it_goes_on_between_two_values():
    def values():
        with region():
            yield product()
            yield product()

    assert [(dtype, rl.is_autocast_enabled("cpu")) for dtype in values()] == [(HALF, True), (HALF, True)]


def test_where_it_is_off_nobody_is_asked(monkeypatch):
    with region():
        pass
    monkeypatch.setattr(casting, "run", None)
    monkeypatch.setattr(casting, "here", None)
    layer = nn.Linear(4, 4)
    F.mse_loss(F.conv2d(layer(image[..., :4]), rl.ones(1, 2, 3, 3)), rl.zeros(1, 1, 4, 2)).backward()


# -- together with other parts


@pytest.mark.parametrize("use_reentrant", [False, True])
@pytest.mark.parametrize("cache_enabled", [False, True])
def test_checkpoints_compute_the_same_again(use_reentrant, cache_enabled):
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    given = x.clone().requires_grad_()

    def gradients(run):
        with region(cache_enabled=cache_enabled):
            out = run()
        return grad(out.float().pow(2).sum(), list(net.parameters())) if not use_reentrant else backward(out)

    def backward(out):
        net.zero_grad()
        out.float().pow(2).sum().backward()
        return [p.grad for p in net.parameters()]

    plain = gradients(lambda: net(given))
    again = gradients(lambda: checkpoint(net, given, use_reentrant=use_reentrant))
    assert all(map(rl.equal, plain, again))


def test_within_and_around_functions_of_functions():
    w, samples = rl.randn(4, 2), rl.randn(5, 6, 4)

    def loss(w, x):
        return F.mse_loss(x @ w, x[..., :2])

    with region():
        each = rl.vmap(rl.func.grad(loss), (None, 0))(w, samples)
        one = rl.func.grad(loss)(w, samples[2])
        tangent = rl.func.jvp(lambda w: samples[0] @ w, (w,), (w,))[1]
    assert each.dtype is rl.float32 and rl.allclose(each[2], one, atol=1e-3)
    assert tangent.dtype is HALF


def test_custom_functions_compute_within_the_region():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x @ x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            seen.append((g.dtype, (x @ x).dtype))
            return g.float() @ x.T

    leaf = x.clone().requires_grad_()
    with region():
        out = Product.apply(leaf)
    out.sum().backward()
    assert out.dtype is HALF and seen == [(HALF, rl.float32)] and leaf.grad.dtype is rl.float32


@pytest.mark.parametrize("cast_inputs", [None, rl.float32])
def test_custom_fwd_and_custom_bwd(cast_inputs):
    seen = []

    class Product(Function):
        @staticmethod
        @rl.amp.custom_fwd(device_type="cpu", cast_inputs=cast_inputs)
        def forward(ctx, x, others):
            ctx.save_for_backward(x)
            seen.extend([others[0].dtype, rl.is_autocast_enabled("cpu")])
            return x @ x

        @staticmethod
        @rl.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            seen.extend([product(), rl.is_autocast_enabled("cpu")])
            return g.float(), None

    leaf = x.clone().requires_grad_()
    with region():
        out = Product.apply(leaf, [narrow])
    out.sum().backward()
    on = cast_inputs is None
    assert seen == [HALF if on else rl.float32, on, HALF if on else rl.float32, on]
    assert out.dtype is (HALF if on else rl.float32)


# -- settings, and what is refused


def test_settings():
    before = rl.get_autocast_dtype("cpu")
    assert before is rl.bfloat16 and rl.get_autocast_dtype("cuda") is HALF and not rl.is_autocast_enabled()
    try:
        rl.set_autocast_dtype("cpu", HALF)
        with rl.autocast("cpu"):
            assert product() is HALF
        rl.set_autocast_enabled("cpu", True)
        assert product() is HALF and rl.is_autocast_enabled("cpu")
    finally:
        rl.set_autocast_enabled("cpu", False)
        rl.set_autocast_dtype("cpu", before)
    rl.set_autocast_enabled(True)
    assert rl.is_autocast_enabled() and rl.is_autocast_enabled("cuda") and product() is rl.float32
    rl.set_autocast_enabled("cuda", False)
    assert rl.is_autocast_cache_enabled()
    with region(cache_enabled=False):
        assert not rl.is_autocast_cache_enabled()
    assert (rl.autocast_increment_nesting(), rl.autocast_decrement_nesting()) == (1, 0)


@pytest.mark.parametrize("kind", ["cuda", "cpu"])
def test_the_older_names_warn(kind):
    module = __import__(f"rushlight.{kind}.amp", fromlist=["amp"])
    sentence = (
        f"^`torch.{kind}.amp.autocast\\(args...\\)` is deprecated. Please use `torch.amp.autocast\\('{kind}', args"
    )
    with pytest.warns(FutureWarning, match=sentence):
        mode = module.autocast(enabled=kind == "cpu", dtype=HALF)
    with mode:
        assert product() is (HALF if kind == "cpu" else rl.float32)
    with pytest.warns(FutureWarning, match="GradScaler"):
        assert module.GradScaler(enabled=kind == "cpu").is_enabled() is (kind == "cpu")


def test_without_a_gpu_there_is_no_region_for_one():
    with pytest.warns(UserWarning, match=r"^CUDA is not available or torch_xla is imported. Disabling autocast.$"):
        mode = rl.autocast("cuda")
    with mode:
        assert product() is rl.float32 and not rl.is_autocast_enabled("cuda")


def test_other_dtypes_have_no_effect():
    with pytest.warns(
        UserWarning, match=r"^In CPU autocast, but the target dtype is not supported. Disabling autocast."
    ):
        mode = rl.autocast("cpu", dtype=rl.float64)
    with mode:
        assert product() is rl.float32


def test_refusals():
    with pytest.raises(ValueError, match=r"^Expected `device_type` of type `str`, got: `<class 'int'>`$"):
        rl.autocast(3)
    with pytest.raises(
        RuntimeError, match=r"^Expected one of cpu, cuda, .* device type at start of device string: gpu"
    ):
        rl.autocast("gpu")
    with pytest.raises(RuntimeError, match="unsupported scalarType"):
        rl.autocast("meta")
    with pytest.raises(RuntimeError, match=r"^User specified an unsupported autocast device_type 'meta'$"):
        rl.autocast("meta", dtype=HALF)
    with pytest.raises(TypeError, match=r"^autocast\(\)\(func\) requires a callable, but got int"):
        region()(3)
    with pytest.raises(TypeError, match=r"^enabled must be a bool"):
        rl.set_autocast_cache_enabled(1)
    with pytest.raises(TypeError, match=r"argument 'enabled' \(position 2\) must be bool, not int"):
        rl.set_autocast_enabled("cpu", 1)
    with pytest.raises(TypeError, match=r"argument 'dtype' \(position 2\) must be rushlight.dtype, not int"):
        rl.set_autocast_dtype("cpu", 1)
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        rl.set_autocast_enabled()
    assert rl.amp.is_autocast_available("cpu") and not rl.amp.is_autocast_available("meta")


def test_the_table_names_operations():
    for module in pkgutil.iter_modules(ops.__path__):
        importlib.import_module(f"rushlight.ops.{module.name}")
    assert set(ops.autocast._BY_NAME) <= set(REGISTRY)
