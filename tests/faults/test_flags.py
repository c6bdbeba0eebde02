"""Flags of functions: neither texts nor numbers are taken for True or False."""

import inspect
import re
import warnings

import pytest

import rushlight as rl

# Each function with arguments that are in order, and the names of its flags. In PyTorch they are all read by C++.
CALLS = """
all(x, 0): keepdim
allclose(x, x): equal_nan
amax(x, 0): keepdim
amin(x, 0): keepdim
aminmax(x): keepdim
any(x, 0): keepdim
arange(3): pin_memory requires_grad
argmax(x, 0): keepdim
argmin(x, 0): keepdim
argsort(x): descending stable
avg_pool1d(line, 2): ceil_mode count_include_pad
bartlett_window(3): periodic pin_memory requires_grad
blackman_window(3): periodic pin_memory requires_grad
bucketize(x, v): out_int32 right
cholesky(x): upper
cholesky_inverse(x): upper
cholesky_solve(x, x): upper
combinations(v): with_replacement
ctc_loss(m.zeros(3, 1, 2), m.tensor([[1]]), (3,), (1,)): zero_infinity
embedding(x, i): scale_grad_by_freq sparse
embedding_bag(x, i, i): scale_grad_by_freq sparse include_last_offset
empty(2): pin_memory requires_grad
empty_like(x): pin_memory requires_grad
empty_permuted((2,), (0,)): pin_memory requires_grad
empty_strided((2,), (1,)): pin_memory requires_grad
expand_copy(x, (2, 2)): implicit
eye(2): pin_memory requires_grad
fft.fftfreq(3): pin_memory requires_grad
fft.rfftfreq(3): pin_memory requires_grad
frobenius_norm(x, 0): keepdim
frombuffer(b"abcd", dtype=m.uint8): requires_grad
full((2,), 1.0): pin_memory requires_grad
full_like(x, 1.0): pin_memory requires_grad
gather(x, 0, i.unsqueeze(0)): sparse_grad
group_norm(x, 2): cudnn_enabled
hamming_window(3): periodic pin_memory requires_grad
hann_window(3): periodic pin_memory requires_grad
histogram(x, 3): density
histogramdd(x, (v, v)): density
index_put(x, (i,), v): accumulate
index_put_(x, (i,), v): accumulate
index_reduce(x, 0, i, x, "prod"): include_self
isclose(x, x): equal_nan
isin(x, x): assume_unique invert
istft(m.ones(5, 3) + 0j, 8): center normalized onesided return_complex
kaiser_window(3): periodic pin_memory requires_grad
kl_div(x, x): log_target
kthvalue(x, 1): keepdim
layer_norm(x, (2,)): cudnn_enable
linalg.cholesky(x): upper
linalg.cholesky_ex(x): upper check_errors
linalg.inv_ex(x): check_errors
linalg.ldl_factor(x): hermitian
linalg.ldl_factor_ex(x): hermitian check_errors
linalg.ldl_solve(x, m.tensor([1, 2], dtype=m.int32), x): hermitian
linalg.lu(x): pivot
linalg.lu_factor(x): pivot
linalg.lu_factor_ex(x): pivot check_errors
linalg.lu_solve(x, m.tensor([1, 2], dtype=m.int32), x): left adjoint
linalg.matrix_norm(x): keepdim
linalg.matrix_rank(x): hermitian
linalg.norm(x): keepdim
linalg.pinv(x): hermitian
linalg.solve(x, x): left
linalg.solve_ex(x, x): left check_errors
linalg.solve_triangular(x, x, upper=True): upper left unitriangular
linalg.svd(x): full_matrices
linalg.vector_norm(x): keepdim
linspace(0, 1, 3): pin_memory requires_grad
logspace(0, 1, 3): pin_memory requires_grad
logsumexp(x, 0): keepdim
lu(x): pivot
lu_unpack(x, m.tensor([1, 2], dtype=m.int32)): unpack_data unpack_pivots
max(x, 0): keepdim
max_pool1d(line, 2): ceil_mode
max_pool2d(image, 2): ceil_mode
max_pool3d(volume, 2): ceil_mode
max_pool1d_with_indices(line, 2): ceil_mode
mean(x, 0): keepdim
median(x, 0): keepdim
min(x, 0): keepdim
mode(x, 0): keepdim
multinomial(x, 1): replacement
nanmean(x, 0): keepdim
nanmedian(x, 0): keepdim
nanquantile(x, 0.5, 0): keepdim
nansum(x, 0): keepdim
native_norm(x, 2, 0, dtype=None): keepdim
nn.functional.affine_grid(m.ones(1, 2, 3), (1, 1, 2, 2)): align_corners
nn.functional.alpha_dropout(x): training
nn.functional.avg_pool2d(image, 2): ceil_mode count_include_pad
nn.functional.avg_pool3d(volume, 2): ceil_mode count_include_pad
nn.functional.batch_norm(x, None, None): training
nn.functional.ctc_loss(m.zeros(3, 1, 2), m.tensor([[1]]), (3,), (1,)): zero_infinity
nn.functional.dropout(x): training
nn.functional.dropout1d(line): training
nn.functional.dropout2d(image): training
nn.functional.dropout3d(volume): training
nn.functional.embedding(i, x): scale_grad_by_freq sparse
nn.functional.embedding_bag(i, x, i): scale_grad_by_freq sparse include_last_offset
nn.functional.feature_alpha_dropout(image): training
nn.functional.grid_sample(image, m.zeros(1, 2, 2, 2)): align_corners
nn.functional.instance_norm(line): use_input_stats
nn.functional.interpolate(image, 8, mode="bilinear"): align_corners
nn.functional.kl_div(x, x): log_target
nn.functional.lp_pool1d(line, 2, 2): ceil_mode
nn.functional.lp_pool2d(image, 2, 2): ceil_mode
nn.functional.lp_pool3d(volume, 2, 2): ceil_mode
nn.functional.max_pool1d_with_indices(line, 2): ceil_mode
nn.functional.max_pool2d_with_indices(image, 2): ceil_mode
nn.functional.max_pool3d_with_indices(volume, 2): ceil_mode
nn.functional.poisson_nll_loss(x, x): log_input full
nn.functional.rrelu(x): training
nn.functional.rrelu_(x): training
nn.functional.scaled_dot_product_attention(image, image, image): is_causal enable_gqa
nn.functional.triplet_margin_loss(x, x, x): swap
nonzero(x): as_tuple
norm(x): keepdim
normal(0.0, 1.0, (2,)): pin_memory requires_grad
nuclear_norm(x): keepdim
ones(2): pin_memory requires_grad
ones_like(x): pin_memory requires_grad
ormqr(x, v, x): left transpose
pairwise_distance(x, x): keepdim
prod(x, 0): keepdim
put(x, i, v): accumulate
qr(x): some
quantile(x, 0.5, 0): keepdim
rand(2): pin_memory requires_grad
rand_like(x): requires_grad
randint(3, (2,)): pin_memory requires_grad
randint_like(x, 3): requires_grad
randn(2): pin_memory requires_grad
randn_like(x): requires_grad
randperm(2): pin_memory requires_grad
range(0, 2): requires_grad
rrelu(x): training
rrelu_(x): training
scalar_tensor(2): pin_memory requires_grad
scatter_reduce(x, 0, i.unsqueeze(0), x, "sum"): include_self
searchsorted(v, x): out_int32 right
segment_reduce(x, "sum", lengths=m.tensor([2])): unsafe
sort(x, stable=False): descending stable
std(x, 0): keepdim unbiased
std_mean(x, 0): keepdim unbiased
stft(m.ones(16), 8, return_complex=True): normalized return_complex
sum(x, 0): keepdim keepdims
svd(x): some compute_uv
tensor(2.0): pin_memory requires_grad
topk(x, 1): largest sorted
triangular_solve(x, x): upper transpose unitriangular
tril_indices(2, 2): pin_memory requires_grad
triplet_margin_loss(x, x, x): swap
triu_indices(2, 2): pin_memory requires_grad
unique(x): sorted return_inverse return_counts
unique(x, dim=0): sorted return_inverse return_counts
unique_consecutive(x): return_inverse return_counts
use_deterministic_algorithms(False): warn_only
vander(v, 3): increasing
var(x, 0): keepdim unbiased
var_mean(x, 0): keepdim unbiased
zeros(2): pin_memory requires_grad
zeros_like(x): pin_memory requires_grad
"""
CASES = [
    (call, flag)
    for line in CALLS.split("\n")
    if line
    for call, flags in [line.rsplit(": ", 1)]
    for flag in flags.split()
]
# What these say is read in Python in PyTorch too, where anything is true or false; `save` has settings of its own.
READ_IN_PYTHON = {"center", "full", "get_infos", "hard", "inplace", "return_indices", "antialias"}
PYTHONS = ("multi_head_attention_forward", "save", "triplet_margin_with_distance_loss")


def refusal(m, call, flag, value):
    """What the call says of the flag."""
    x = m.ones(2, 2)
    names = {
        "m": m, "x": x, "v": m.ones(2), "i": m.tensor([0, 1]), "line": m.ones(1, 2, 4),
        "image": m.ones(1, 1, 4, 4), "volume": m.ones(1, 1, 4, 4, 4),
    }  # fmt: skip
    if f"{flag}=" in call:
        call = re.sub(rf", {flag}=\w+", "", call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError) as caught:
            eval(f"m.{call[:-1]}, {flag}=value)", names, {"value": value})
    return re.sub(r" \(position \d+\)", "", str(caught.value).split("\n")[0])


@pytest.mark.parametrize(("call", "flag"), CASES)
def test_no_flag_takes_anything_else(call, flag):
    name = {"keepdims": "keepdim", "training": "train(ing)?", "warn_only": "warn_only"}.get(flag, flag)
    for value in ("a", 1):
        said = refusal(rl, call, flag, value)
        assert re.fullmatch(rf"\w+\(\): argument '{name}' must be bool, not {type(value).__name__}", said)


@pytest.mark.parity
@pytest.mark.parametrize(("call", "flag"), CASES)
def test_refused_as_in_pytorch(call, flag):
    torch = pytest.importorskip("torch")
    theirs = refusal(torch, call, flag, "a")
    if "invalid combination of arguments" not in theirs:
        assert refusal(rl, call, flag, "a") == theirs


def test_all_flags_are_named_above():
    known = {(call.split("(")[0], flag) for call, flag in CASES}
    missing = []
    for module in ("", "nn.functional.", "linalg.", "special.", "fft."):
        m = rl
        for part in module.split(".")[:-1]:
            m = getattr(m, part)
        for name in sorted(m.__all__):
            function = getattr(m, name)
            if not inspect.isfunction(function) or name in PYTHONS or (getattr(rl, name, None) is function and module):
                continue
            for parameter in inspect.signature(function).parameters.values():
                flag = parameter.name
                if (
                    isinstance(parameter.default, bool)
                    and flag not in READ_IN_PYTHON
                    and (module + name, flag) not in known
                ):
                    missing.append(f"{module}{name}: {flag}")
    assert not missing
