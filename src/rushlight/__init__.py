"""Rushlight: a torch that is light and quick."""

from math import e, inf, nan, pi

from . import autograd, binding, dtypes, spelling
from .autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .autograd.grad_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled
from .compat.torch_name import as_torch
from .device import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .dtypes import can_cast, dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from .forking import watch as watch_forks
from .functions import return_types
from .generator import Generator
from .printing import set_printoptions
from .size import Size
from .tensor import Later, Tensor, offer

__version__ = "0.1.0"

newaxis = None

# Found when first asked for, so that `import rushlight` stays light.
LAZY = (
    "amp",
    "array_api",
    "backends",
    "codes",
    "compat",
    "cpu",
    "cuda",
    "fft",
    "func",
    "linalg",
    "nn",
    "onnx",
    "optim",
    "optimize",
    "profiler",
    "random",
    "serialization",
    "signal",
    "sklearn",
    "special",
    "testing",
    "utils",
    "viz",
)
IN_FUNCTIONAL = (
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "channel_shuffle", "conv1d", "conv2d", "conv3d",
    "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity", "max_pool1d",
    "max_pool2d", "max_pool3d", "native_channel_shuffle", "pairwise_distance", "pdist", "pixel_shuffle",
    "pixel_unshuffle", "rms_norm",
)  # fmt: skip
# The functions of PyTorch's C++ beneath those of nn.functional.
_NATIVE = (
    "_native_batch_norm_legit", "affine_grid_generator", "alpha_dropout", "alpha_dropout_", "batch_norm",
    "binary_cross_entropy_with_logits", "convolution", "cosine_embedding_loss", "dropout", "dropout_", "embedding_bag",
    "embedding_renorm_", "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_",
    "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "group_norm", "hinge_embedding_loss", "instance_norm",
    "kl_div", "layer_norm", "margin_ranking_loss", "max_pool1d_with_indices", "native_batch_norm", "native_dropout",
    "native_group_norm", "native_layer_norm", "native_norm", "poisson_nll_loss", "rrelu", "rrelu_",
    "triplet_margin_loss",
)  # fmt: skip
# What `amp.autocast` sets, and what can be set without it.
_AUTOCAST = (
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_cpu_dtype",
    "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
    "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
    "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype",
)  # fmt: skip
# Families that are imported when a name of theirs is first asked for: their functions, and their methods.
LATER = {
    "activation": (
        "celu celu_ hardshrink prelu relu relu_ selu selu_ sigmoid sigmoid_ threshold threshold_",
        "hardshrink prelu relu relu_ sigmoid sigmoid_",
    ),
    "arrange": (
        "constant_pad_nd flip fliplr flipud repeat_interleave roll rot90 tile vander",
        "flip fliplr flipud repeat repeat_interleave roll rot90 tile",
    ),
    "bessel": ("i0", "i0 i0_"),
    "contraction": ("tensordot kron cross chain_matmul", "kron cross"),
    "cumulative": (
        "cummax cummin cumprod cumsum diff logcumsumexp cumulative_trapezoid trapezoid trapz",
        "cummax cummin cumprod cumsum diff logcumsumexp cumprod_ cumsum_",
    ),
    "einsum": ("einsum", ""),
    "gamma": (
        "digamma igamma igammac lgamma mvlgamma polygamma",
        "digamma digamma_ igamma igamma_ igammac igammac_ lgamma lgamma_ mvlgamma mvlgamma_ polygamma polygamma_",
    ),
    "gradient": ("gradient", ""),
    "histograms": ("histogram histogramdd", "histogram"),
    "linalg": (
        "inverse det logdet slogdet cholesky cholesky_solve cholesky_inverse qr svd pinverse matrix_power matrix_exp lu "
        "lu_solve lu_unpack triangular_solve geqrf orgqr ormqr eig lstsq matrix_rank solve symeig",
        "inverse det logdet slogdet cholesky cholesky_solve cholesky_inverse qr svd pinverse matrix_power matrix_exp lu "
        "lu_solve triangular_solve geqrf orgqr ormqr eig lstsq solve symeig",
    ),
    "norms": (
        "dist norm renorm frobenius_norm nuclear_norm norm_except_dim",
        "dist norm renorm renorm_",
    ),
    "places": (
        "_unsafe_masked_index _unsafe_masked_index_put_accumulate nonzero_static unravel_index",
        "nonzero_static",
    ),
    "random": (
        "bernoulli binomial default_generator get_rng_state initial_seed manual_seed multinomial normal poisson "
        "rand rand_like randint randint_like randn randn_like randperm seed set_rng_state",
        "bernoulli multinomial bernoulli_ cauchy_ exponential_ geometric_ log_normal_ normal_ random_ uniform_",
    ),
    "scattering": (
        "index_select index_add index_copy index_fill index_reduce gather scatter scatter_add scatter_reduce",
        "index_select index_add index_copy index_fill index_reduce gather scatter scatter_add scatter_reduce index_add_ "
        "index_copy_ index_fill_ index_reduce_ scatter_ scatter_add_ scatter_reduce_",
    ),
    "segments": ("_segment_reduce segment_reduce", ""),
    "selecting": (
        "masked_fill masked_select masked_scatter take put take_along_dim nonzero argwhere embedding",
        "masked_fill masked_select masked_scatter take put take_along_dim nonzero argwhere masked_fill_ "
        "masked_scatter_ put_ fill_diagonal_",
    ),
    "settings": (
        "are_deterministic_algorithms_enabled get_default_device get_deterministic_debug_mode "
        "get_float32_matmul_precision get_num_interop_threads get_num_threads "
        "is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_default_device "
        "set_default_tensor_type set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal "
        "set_num_interop_threads set_num_threads set_warn_always use_deterministic_algorithms",
        "",
    ),
    "sorting": (
        "argsort isin kthvalue median mode msort nanmedian sort topk unique unique_consecutive bucketize searchsorted",
        "argsort isin kthvalue median mode msort nanmedian sort topk unique unique_consecutive",
    ),
    "special": ("erf erfc erfinv logit xlogy", "erf erfc erfinv logit xlogy erf_ erfc_ erfinv_ logit_ xlogy_"),
    "statistics": (
        "bincount corrcoef cov histc nanquantile quantile",
        "bincount corrcoef cov histc nanquantile quantile",
    ),
    "stft": ("istft stft", "istft stft"),
    "triangle": (
        "diag diag_embed diagflat diagonal diagonal_scatter trace tril tril_indices triu triu_indices",
        "diag diag_embed diagflat diagonal diagonal_scatter trace tril triu tril_ triu_",
    ),
}
# What has another signature here than in nn.functional, or is not there at all.
ELSEWHERE = {
    "GradScaler": ("amp", "GradScaler"),
    "OutOfMemoryError": ("allocation", "OutOfMemoryError"),
    "autocast": ("amp", "autocast"),
    "bilinear": ("functions.matrix", "bilinear"),
    "cdist": ("functions.distance", "cdist"),
    "ctc_loss": ("nn.functional.ctc", "ctc_loss_by_number"),
    "debug": ("autograd.debugging", "debug"),
    "empty_cache": ("memory", "empty_cache"),
    "explain": ("autograd.explaining", "explain"),
    "lint": ("linting", "lint"),
    "load": ("serialization", "load"),
    "lobpcg": ("functions.lowrank", "lobpcg"),
    "memory_stats": ("memory", "memory_stats"),
    "memory_summary": ("memory", "memory_summary"),
    "pca_lowrank": ("functions.lowrank", "pca_lowrank"),
    "reset_peak_memory_stats": ("memory", "reset_peak_memory_stats"),
    "save": ("serialization", "save"),
    "svd_lowrank": ("functions.lowrank", "svd_lowrank"),
    "vmap": ("func.vmap", "vmap"),
    **{
        name: ("functions.windows", name)
        for name in ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")
    },
    **{name: ("nn.functional.native", name) for name in _NATIVE},
    **{name: ("amp.settings", name) for name in _AUTOCAST},
    **{name: (f"functions.{family}", name) for family, (names, _) in LATER.items() for name in names.split()},
    **{
        name: ("nn.functional.recurrent", name)
        for name in ("gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell")
    },
}
# Methods that PyTorch also offers as functions.
ALSO_FUNCTIONS = (
    "abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "as_strided_",
    "asin_", "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "conj_physical_", "cos_",
    "cosh_", "deg2rad_", "detach", "detach_", "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fix_", "floor_", "frac_", "gcd_",
    "i0_", "lcm_", "ldexp_", "log10_", "log1p_", "log2_", "log_", "logit_", "nan_to_num_", "neg_", "negative_", "rad2deg_",
    "reciprocal_", "round_", "rsqrt_", "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_",
)  # fmt: skip


FAMILIES = (
    "absent",
    "arithmetic",
    "compare",
    "exponential",
    "trigonometric",
    "rounding",
    "selection",
    "complex",
    "creation",
    "literal",
    "legacy",
    "ranges",
    "conversion",
    "memory",
    "shape",
    "broadcasting",
    "splitting",
    "joining",
    "copies",
    "queries",
    "storage",
    "matrix",
    "reduction",
    "indexing",
    "protocols",
    "bridges",
)


def _offer():
    from importlib import import_module

    for family in FAMILIES:
        module = import_module(f".functions.{family}", __name__)
        offer(module)
        for name in module.FUNCTIONS:
            globals()[name] = getattr(module, name)
    for family, (_, methods) in LATER.items():
        for name in methods.split():
            setattr(Tensor, name, Later(family, name))
    for entry in dtypes.DTYPES:
        globals()[entry.name] = entry
    globals().update(dtypes.ALIASES)


_offer()
watch_forks()


__all__ = sorted({n for n in (*globals(), *IN_FUNCTIONAL, *ELSEWHERE, *ALSO_FUNCTIONS) if not n.startswith("_")})


def __getattr__(name):
    """Import a submodule, or what has a function, when it is first named; say which name is meant where there is none."""
    from importlib import import_module

    if name in LAZY:
        return import_module(f".{name}", __name__)
    if name in IN_FUNCTIONAL:
        found = getattr(import_module(".nn.functional", __name__), name)
    elif name in ELSEWHERE:
        module, function = ELSEWHERE[name]
        found = getattr(import_module(f".{module}", __name__), function)
    elif name in ALSO_FUNCTIONS:
        found = getattr(Tensor, name)
    else:
        from .missing import of_module

        return of_module(__name__)(name)
    # Found once and for all: to import again takes microseconds.
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *LAZY, *IN_FUNCTIONAL, *ELSEWHERE, *ALSO_FUNCTIONS})
