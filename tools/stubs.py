"""Writes the stubs (.pyi) of what is put in place while Rushlight is imported, which no type checker sees in the sources.

They are those of rushlight, its Tensor, its named tuples, of modules of functions, and of packages that import some of their
names late. Signatures are those of the functions, what they return is stated below. `python tools/stubs.py` writes them;
a test says when they are out of date.
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import rushlight
from rushlight.core import written
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
    "Generator": ("manual_seed"),
    "ndarray[Any, Any]": ("numpy __array__"),
    "dict[builtins.str, builtins.int]": ("memory_stats"),
    "tuple[builtins.int, ...]": ("dim_order"),
    "Callable[..., Any]": ("vmap"),
    _SEVERAL: (
        "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices "
        "native_embedding_bag broadcast_tensors "
        "chunk dsplit fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices gradient gru "
        "hsplit lobpcg lstm lstm_cell lu max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices meshgrid "
        "multi_head_attention_forward native_batch_norm native_dropout native_group_norm native_layer_norm pca_lowrank rnn_relu "
        "rnn_tanh split split_copy split_with_sizes split_with_sizes_copy std_mean svd_lowrank tensor_split unbind unbind_copy "
        "unravel_index unsafe_chunk unsafe_split unsafe_split_with_sizes var_mean vsplit"
    ),
    # It depends on the arguments, or there is nothing of the kind.
    "Any": (
        "as_subclass atleast_1d atleast_2d atleast_3d eig explain item load lstsq register_hook "
        "register_post_accumulate_grad_hook storage symeig tolist untyped_storage "
        "__array_namespace__ __dlpack__ __dlpack_device__ __reduce_ex__ __deepcopy__"
    ),
}
_ALONG = "dim: builtins.int, keepdim: builtins.bool = ..."
# Of functions whose arguments decide what is returned, the parameters behind the first, and what is returned then; in all
# other calls it is Any.
_DECIDING = {
    **{name: {"": "Tensor", _ALONG: "return_types.{name}", "other: Tensor": "Tensor"} for name in ("max", "min")},
    **{name: {"": "Tensor", _ALONG: "return_types.{name}"} for name in ("median", "nanmedian")},
    "where": {"": _SEVERAL, "input: Any, other: Any": "Tensor"},
    "size": {"": "Size", "dim: builtins.int": "builtins.int"},
    "stride": {"": "tuple[builtins.int, ...]", "dim: builtins.int": "builtins.int"},
    "type": {"": "builtins.str", "dtype: builtins.str | _dtype, non_blocking: Any = ...": "Tensor"},
}
# Where one of these is asked for, more than one tensor is returned.
_FLAGS = {"return_indices", "return_inverse", "return_counts", "as_tuple"}
_MODULES = ("nn.functional", "nn.init", "linalg", "fft", "special")
# Packages of which some names are imported late; and those inside them whose names are all theirs too.
_PACKAGES = ("autograd", "func", "nn", "nn.utils", "optim", "sklearn", "testing", "utils", "viz")
_STARS = {"nn": ("modules",)}
# What their functions return where the sources do not tell it.
_IN_PACKAGES = {
    "autograd": {"grad": _SEVERAL, "backward": "None", "gradcheck": "bool", "gradgradcheck": "bool"},
    "func": {
        **dict.fromkeys(
            ("functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "vmap"), "Callable[..., Any]"
        ),
        **dict.fromkeys(("functional_call", "jvp", "linearize", "vjp"), "Any"),
        "stack_module_state": "tuple[dict[str, Any], dict[str, Any]]",
    },
    "nn.utils": dict.fromkeys(
        ("clip_grad_norm", "clip_grad_norm_", "get_total_norm", "parameters_to_vector"), "Tensor"
    ),
}
RETURNS = {name: kind for kind, names in _RETURNS.items() for name in names.split()}
_FIELDS = {
    "shape": "Size", "dtype": "_dtype", "device": "_device", "layout": "_layout", "grad_fn": "Any",
    **dict.fromkeys(("T", "mT", "H", "mH", "real", "imag", "data"), "Tensor"),
    **dict.fromkeys(("ndim", "itemsize", "nbytes", "output_nr", "_version"), "builtins.int"),
    "_base": "Tensor | None", "name": "builtins.str | None", "grad_dtype": "Any",
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
# Of what class a constant is, as stubs name it.
_KINDS = {"Generator": "Generator", "NoneType": "None", "layout": "_layout", "memory_format": "memory_format"}
_WRITTEN = {"data", "requires_grad", "real", "imag", "grad_dtype"}
# Fields and methods that are for the package alone.
_OWN = {"born", "hooks", "inference", "slot", "tangent", "tangent_shown", "tracked_dtype", "versions", "view_of"}
_SPECIAL = """add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod
pow rpow ipow matmul rmatmul and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift rrshift irshift neg pos abs
invert eq ne lt le gt ge getitem setitem bool int float complex index len iter contains array array_namespace dlpack
dlpack_device format""".split()  # noqa: SIM905


def stub_of(name, function, indent="", prefix="", returned=None):
    """The text that states a function, or a method where there is an indent; each way of calling it, if they return others."""
    parameters, flagged = parameters_of(function, indent)
    first = "self" if indent else parameters.partition(",")[0]
    stated = [returned, RETURNS.get(prefix + name), named(prefix + name), RETURNS.get(name), named(name), "Tensor"]
    returned = next(filter(None, stated))
    ways = []
    if name in _DECIDING and not (indent and name == "where"):
        ways = [
            (f"{first}, {rest}" if rest else first, kind.format(name=name)) for rest, kind in _DECIDING[name].items()
        ]
    elif flagged != parameters and returned == "Tensor":
        ways = [(flagged, returned)]
    ways.append((parameters, "Any" if ways else returned))
    over = f"{indent}@overload\n" if len(ways) > 1 else ""
    return "\n".join(f"{over}{indent}def {name}({words}) -> {kind}: ..." for words, kind in ways)


def named(name):
    """The named tuple of that name, as stubs name it; None where there is none."""
    return f"return_types.{name}" if hasattr(return_types, name) else None


def parameters_of(function, indent=""):
    """The parameters as a stub states them, and so with the flags of _FLAGS at False."""
    if not indent and function is rushlight.nn.functional.linear:
        # Compiled, without a signature.
        return ("input: Any, weight: Any, bias: Any = None",) * 2
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
        words.append(f"{star}{each.name}: Any" + default_of(each))
        if each.kind is each.POSITIONAL_ONLY and kinds[i + 1 : i + 2] != [each.POSITIONAL_ONLY]:
            words.append("/")
    stated = ", ".join(words)
    return stated, re.sub(rf"\b({'|'.join(_FLAGS)}): Any", r"\1: Literal[False]", stated)


def default_of(parameter):
    """The default of a parameter where it is a plain value, which editors show."""
    default = parameter.default
    if default is parameter.empty:
        return ""
    plain = default is None or type(default) in (bool, int, float, str)
    return f" = {default!r}" if plain and repr(default) not in ("inf", "-inf", "nan") else " = ..."


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
        elif name == "grad":
            # Other than a field it is taken for what the getter says behind an assignment too: backward writes it anew.
            lines.append("    @property\n    def grad(self) -> Tensor | Any: ...")
            lines.append("    @grad.setter\n    def grad(self, value: Tensor | None) -> None: ...")
        elif name in _WRITTEN:
            lines.append(f"    {name}: {_FIELDS.get(name, 'builtins.bool')}")
        else:
            lines.append(f"    @property\n    def {name}(self) -> {_FIELDS.get(name, 'builtins.bool')}: ...")
    return (
        f"{_HEAD}import builtins\nfrom collections.abc import Iterator\nfrom typing import Any, Literal, overload\n\n"
        "from numpy import ndarray\n\n"
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
        "__float__",
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
            functions.append(stub_of(name, value, prefix="native_"))
        else:
            kind = type(value).__name__
            plain = kind in ("int", "float", "str", "bool")
            kind = f"builtins.{kind}" if plain else _KINDS.get(kind, "Any")
            fields.append(f"{name}: {kind}")
    imports += [f"from . import {name} as {name}" for name in rushlight.LAZY]
    imports += [
        "from .device import device as _device",
        "from .device import layout as _layout",
        "from .dtypes import dtype as _dtype",
    ]
    text = "\n".join([*sorted(set(imports)), "", *fields, "__version__: builtins.str", "", *functions])
    collections = "from collections.abc import Callable\n"
    return f"{_HEAD}import builtins\n{collections}from typing import Any, Literal, overload\n\n{text}\n"


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
    functions, classes = [], []
    for name in dir(module):
        value = getattr(module, name)
        own = not name.startswith("_") and (getattr(value, "__module__", None) or "").startswith("rushlight")
        own = own and value is not written
        if own and callable(value) and not isinstance(value, type):
            functions.append(stub_of(name, value, prefix="linalg_" if place == "linalg" else ""))
        elif own and value.__module__ == module.__name__:
            classes.append(f"class {name}({value.__base__.__name__}): ...")
        elif own:
            classes.append(f"from {relative(value.__module__, module.__name__)} import {name} as {name}")
    head = f"import builtins\nfrom typing import Any, Literal, overload\n\nfrom {dots}functions import return_types\n"
    return f"{_HEAD}{head}from {dots}tensor import Tensor\n\n" + "\n".join([*classes, *functions]) + "\n"


def of_names(place):
    """The text of the stub of a package, some of whose names are imported when they are asked for: where each is from."""
    package = import_module(f"rushlight.{place}")
    path, stars, stated = package.__name__, _STARS.get(place, ()), _IN_PACKAGES.get(place, {})
    held = {name for each in stars for name in import_module(f".{each}", path).__all__} - {"Module"}
    homes = {}
    for name in getattr(package, "__all__", ()) or {name for name in vars(package) if not name.startswith("_")}:
        home = getattr(getattr(package, name), "__module__", None) or ""
        if home.startswith("rushlight.") and name not in held | {*stated}:
            homes.setdefault(home, set()).add(name)
    homes = {relative(home, path): names for home, names in homes.items()}
    if modules := modules_in(package):
        homes["."] = modules
    lines = [
        f"from {home} import {', '.join(f'{name} as {name}' for name in sorted(homes[home]))}" for home in sorted(homes)
    ]
    if stated:
        lines.append("from collections.abc import Callable\nfrom typing import Any")
        lines.append(f"from {relative('rushlight.tensor', path)} import Tensor\n")
        lines += [stub_of(name, getattr(package, name), returned=stated[name]) for name in sorted(stated)]
    return _HEAD + "\n".join([*(f"from .{each} import *" for each in stars), *lines]) + "\n"


def relative(module, package):
    """A module of rushlight, as a package's own file would name it."""
    if module.startswith(f"{package}."):
        return module.removeprefix(package)
    return "." * (package.count(".") + 1) + module.removeprefix("rushlight.")


def modules_in(package):
    """The modules of a package that its own file imports, or finds when they are asked for."""
    text = Path(package.__file__).read_text(encoding="utf-8")
    named = re.findall(r"^from \.(\w+)|^from \. import (.*)", text, re.MULTILINE)
    named = {word for each in named for words in each for word in re.findall(r"\w+", words)}
    return {name for name in named if inspect.ismodule(vars(package).get(name))} | {*getattr(package, "_MODULES", ())}


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
        **{stub_path(place): of_module(place) for place in _MODULES},
        **{stub_path(place): of_names(place) for place in _PACKAGES},
    }


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
