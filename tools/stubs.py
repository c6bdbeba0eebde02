"""Writes the stubs (.pyi) of what is put in place while Rushlight is imported, which no type checker sees in the sources.

They are those of rushlight, its Tensor, its named tuples, and of modules of functions; signatures are those of the functions,
what they return is stated below. `python tools/stubs.py` writes them; a test says when they are out of date.
"""

import inspect
import sys
from importlib import import_module
from pathlib import Path

import rushlight
from rushlight.functions import return_types
from rushlight.missing import Missing

SOURCES = Path(__file__).parent.parent / "src" / "rushlight"
_HEAD = '"""Written by tools/stubs.py."""\n\n'
_SEVERAL = "tuple[Tensor, ...]"

# What is returned where it is no Tensor, by names.
_RETURNS = {
    "builtins.bool": (
        "allclose are_deterministic_algorithms_enabled can_cast equal is_anomaly_check_nan_enabled "
        "is_anomaly_enabled is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled is_complex "
        "is_conj is_contiguous is_distributed is_deterministic_algorithms_warn_only_enabled is_floating_point "
        "is_grad_enabled is_inference is_inference_mode_enabled is_neg is_nonzero is_pinned is_same_size "
        "is_set_to is_shared is_signed is_storage is_tensor is_warn_always_enabled set_flush_denormal __bool__ "
        "__contains__"
    ),
    "builtins.int": (
        "autocast_decrement_nesting autocast_increment_nesting const_data_ptr data_ptr dim element_size "
        "get_device get_deterministic_debug_mode get_num_interop_threads get_num_threads initial_seed ndimension "
        "nelement numel seed storage_offset __index__ __int__ __len__"
    ),
    "builtins.float": ("calculate_gain __float__"),
    "builtins.complex": ("__complex__"),
    "builtins.str": ("get_float32_matmul_precision memory_summary typename __format__"),
    "None": (
        "as_torch backward clear_autocast_cache empty_cache reset_peak_memory_stats retain_grad save "
        "set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled set_autocast_dtype "
        "set_autocast_enabled set_autocast_gpu_dtype set_default_device set_default_dtype set_default_tensor_type "
        "set_deterministic_debug_mode set_float32_matmul_precision set_num_interop_threads set_num_threads "
        "set_printoptions set_rng_state set_warn_always use_deterministic_algorithms __setitem__"
    ),
    "_dtype": (
        "get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype get_default_dtype promote_types result_type"
    ),
    "_device": ("get_default_device"),
    "Size": ("broadcast_shapes"),
    "Iterator[Tensor]": ("__iter__"),
    _SEVERAL: (
        "adaptive_max_pool1d broadcast_tensors chunk dsplit embedding_bag gradient gru hsplit lstm lstm_cell "
        "max_pool1d_with_indices meshgrid native_batch_norm native_dropout native_group_norm native_layer_norm "
        "pca_lowrank rnn_relu rnn_tanh split split_with_sizes std_mean svd_lowrank tensor_split unbind "
        "unravel_index unsafe_chunk unsafe_split unsafe_split_with_sizes var_mean vsplit"
    ),
    # Which it is depends on the arguments, or it is of another kind altogether.
    "Any": (
        "as_subclass atleast_1d atleast_2d atleast_3d debug dim_order eig explain from_dlpack item lint load "
        "lobpcg lstsq lu max max_pool1d median memory_stats min nanmedian new nonzero numpy register_hook "
        "register_post_accumulate_grad_hook size split_copy split_with_sizes_copy storage stride symeig to_device "
        "tolist type unbind_copy unique unique_consecutive untyped_storage vmap where histogramdd manual_seed "
        "__array__ __array_namespace__ __dlpack__ __dlpack_device__ __reduce_ex__ __deepcopy__"
    ),
}
# In modules, functions of these names have several results, or one or several.
_ANY_IN_MODULES = (
    "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d "
    "max_pool1d max_pool2d max_pool3d multi_head_attention_forward cholesky_ex eig eigh inv_ex ldl_factor "
    "ldl_factor_ex lstsq lu lu_factor lu_factor_ex qr slogdet solve_ex svd"
)
_MODULES = ("nn.functional", "nn.init", "linalg", "fft", "special")
RETURNS = {name: kind for kind, names in _RETURNS.items() for name in names.split()}
_FIELDS = {
    "shape": "Size", "dtype": "_dtype", "device": "_device", "layout": "_layout", "grad": "Tensor | None", "grad_fn": "Any",
    **dict.fromkeys(("T", "mT", "H", "mH", "real", "imag", "data"), "Tensor"),
    **dict.fromkeys(("ndim", "itemsize", "nbytes", "output_nr", "_version"), "builtins.int"),
    "_base": "Tensor | None", "name": "Any", "grad_dtype": "Any",
}  # fmt: skip
# Names of the package's own file that are no part of what it offers.
_MACHINERY = {
    "ALSO_FUNCTIONS",
    "ELSEWHERE",
    "FAMILIES",
    "IN_FUNCTIONAL",
    "LATER",
    "LAZY",
    "Later",
    "offer",
    "watch_forks",
}
_WRITTEN = {"grad", "data", "requires_grad", "real", "imag", "grad_dtype"}
# Fields and methods that are for the package alone.
_OWN = {"born", "hooks", "inference", "slot", "tangent", "tangent_shown", "tracked_dtype", "versions", "view_of"}
_SPECIAL = """add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod
pow rpow ipow matmul rmatmul and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift rrshift irshift neg pos abs
invert eq ne lt le gt ge getitem setitem bool int float complex index len iter contains array array_namespace dlpack
dlpack_device format""".split()  # noqa: SIM905


def stub_of(name, function, indent="", returned=None):
    """`def name(parameters) -> what: ...`, the parameters' defaults left out."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
        parameters.append(inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD))
    if indent and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        # The tensor itself: nobody names it.
        parameters = parameters[1:]
    words = ["self"] if indent else []
    kinds = [each.kind for each in parameters]
    for i, each in enumerate(parameters):
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        if each.kind is each.KEYWORD_ONLY and not {each.VAR_POSITIONAL, each.KEYWORD_ONLY} & set(kinds[:i]):
            words.append("*")
        words.append(f"{star}{each.name}: Any" + (" = ..." if each.default is not each.empty else ""))
        if each.kind is each.POSITIONAL_ONLY and kinds[i + 1 : i + 2] != [each.POSITIONAL_ONLY]:
            words.append("/")
    named = f"return_types.{name}" if hasattr(return_types, name) else "Tensor"
    return f"{indent}def {name}({', '.join(words)}) -> {returned or RETURNS.get(name) or named}: ..."


def of_tensor():
    """The text of tensor.pyi."""
    kind = rushlight.Tensor
    names = [
        name for name in dir(kind) if name not in _OWN and (not name.startswith("_") or name in ("_version", "_base"))
    ]
    lines = ["    def __init__(self, *data: Any, device: Any = ...) -> None: ..."]
    special = [f"__{name}__" for name in _SPECIAL]
    for name in [*names, *[each for each in special if hasattr(kind, each)]]:
        if isinstance(vars(kind).get(name), Missing):
            continue
        value = getattr(kind, name)
        if callable(value) and not isinstance(value, type):
            lines.append(operator_stub(name) if name in special else stub_of(name, value, "    "))
        elif name in _WRITTEN:
            lines.append(f"    {name}: {_FIELDS.get(name, 'builtins.bool')}")
        else:
            lines.append(f"    @property\n    def {name}(self) -> {_FIELDS.get(name, 'builtins.bool')}: ...")
    return (
        f"{_HEAD}import builtins\nfrom collections.abc import Iterator\nfrom typing import Any\n\n"
        "from .device import device as _device\nfrom .device import layout as _layout\n"
        "from .dtypes import dtype as _dtype\nfrom .functions import return_types\nfrom .size import Size\n\n"
        "class Tensor:\n" + "\n".join(lines) + "\n\nclass Later: ...\n\ndef offer(module: Any) -> None: ...\n"
        "def accumulator(tensor: Any) -> Any: ...\n"
    )


def operator_stub(name):
    """Operators are slots, whose signatures say nothing."""
    none = (
        "__neg__",
        "__pos__",
        "__abs__",
        "__invert__",
        "__bool__",
        "__int__",
        "calculate_gain __float__",
        "__complex__",
        "__index__",
    )
    if name in (*none, "__len__", "__iter__"):
        return f"    def {name}(self) -> {RETURNS.get(name, 'Tensor')}: ..."
    if name == "__setitem__":
        return "    def __setitem__(self, index: Any, value: Any) -> None: ..."
    if name.startswith(("__array", "__dlpack")):
        return f"    def {name}(self, *args: Any, **kwargs: Any) -> Any: ..."
    if name in ("__eq__", "__ne__", "__format__", "__contains__"):
        kind = RETURNS.get(name, "Tensor")
        return f"    def {name}(self, other: Any) -> {kind}: ..." + ("  # type: ignore" if kind == "Tensor" else "")
    return f"    def {name}(self, other: Any) -> Tensor: ..."


def of_package():
    """The text of __init__.pyi."""
    functions, imports, fields = [], [], []
    for name in dir(rushlight):
        if name.startswith("_") or name in rushlight.LAZY or name in _MACHINERY:
            continue
        value = getattr(rushlight, name)
        if inspect.ismodule(value):
            # Others are there or not by what has been imported.
            if name not in ("autograd", "dtypes", "return_types"):
                continue
            place = value.__name__.rpartition(".")[0].removeprefix("rushlight")
            imports.append(f"from {place or '.'} import {name} as {name}")
        elif isinstance(value, rushlight.dtype):
            fields.append(f"{name}: _dtype")
        elif isinstance(value, type) and value.__module__.startswith("rushlight"):
            imports.append(f"from .{home(value)} import {value.__name__} as {name}")
        elif callable(value) and not isinstance(value, type):
            functions.append(stub_of(name, value))
        else:
            kind = type(value).__name__
            plain = kind in ("int", "float", "str", "tuple", "dict", "frozenset", "bool")
            fields.append(f"{name}: {'builtins.' + kind if plain and kind not in ('tuple', 'dict') else 'Any'}")
    imports += [f"from . import {name} as {name}" for name in rushlight.LAZY]
    imports += ["from .device import device as _device", "from .dtypes import dtype as _dtype"]
    text = "\n".join([*sorted(set(imports)), "", *fields, "__version__: builtins.str", "", *functions])
    return f"{_HEAD}import builtins\nfrom typing import Any\n\n{text}\n"


def home(kind):
    """The module below the package that has a class; those that say they are the package's own are in these."""
    if "." in kind.__module__:
        return kind.__module__.partition(".")[2]
    # By sys.modules: the class of devices stands before its module.
    for module in ("dtypes", "size", "device"):
        if getattr(sys.modules[f"rushlight.{module}"], kind.__name__, None) is kind:
            return module
    raise LookupError(f"{kind} is in none of the modules that are looked into")


def of_module(place):
    """The text of the stub of a module of functions."""
    module = import_module(f"rushlight.{place}")
    dots = "." * (place.count(".") + 1 + hasattr(module, "__path__"))
    functions = []
    for name in dir(module):
        value = getattr(module, name)
        own = not name.startswith("_") and (getattr(value, "__module__", None) or "").startswith("rushlight")
        if own and callable(value) and not isinstance(value, type):
            functions.append(
                stub_of(
                    name,
                    value,
                    returned="Any"
                    if name in _ANY_IN_MODULES.split()
                    else RETURNS.get(name)
                    if place == "nn.init"
                    else "Tensor",
                )
            )
    rest = "\n\ndef __getattr__(name: str) -> Any: ...\n"
    return (
        f"{_HEAD}import builtins\nfrom typing import Any\n\nfrom {dots}tensor import Tensor\n\n"
        + "\n".join(functions)
        + rest
    )


def of_optimizers():
    """The text of optim/__init__.pyi: classes that are imported when they are asked for."""
    places = {**rushlight.optim.LAZY, "Adam": "adam", "AdamW": "adam", "Optimizer": "optimizer", "SGD": "sgd"}
    lines = [f"from .{place} import {name} as {name}" for name, place in sorted(places.items())]
    return _HEAD + "\n".join([f"from . import {name} as {name}" for name in rushlight.optim.MODULES] + lines) + "\n"


def of_return_types():
    """The text of return_types.pyi."""
    blocks = []
    for name in dir(return_types):
        fields = getattr(getattr(return_types, name), "_fields", None)
        if fields and not name.startswith("_"):
            blocks.append(f"class {name}(NamedTuple):\n" + "\n".join(f"    {field}: Tensor" for field in fields))
    return f"{_HEAD}from typing import NamedTuple\n\nfrom ..tensor import Tensor\n\n" + "\n\n".join(blocks) + "\n"


def stub_path(place):
    """Where the stub of a module stands: beside it."""
    path = SOURCES.joinpath(*place.split("."))
    return path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")


def stubs():
    """{path: text} of all stubs."""
    return {
        SOURCES / "__init__.pyi": of_package(),
        SOURCES / "tensor.pyi": of_tensor(),
        SOURCES / "functions" / "return_types.pyi": of_return_types(),
        SOURCES / "optim" / "__init__.pyi": of_optimizers(),
        **{stub_path(place): of_module(place) for place in _MODULES},
    }


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
