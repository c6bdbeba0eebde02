"""What to say of a name that PyTorch has and Rushlight has not: that it is missing, why, and what is near it."""

import sys

from . import spelling
from .errors import coded

# Names, a * in them for anything, and why there is nothing of the kind; the first that fits counts.
_REASONS = (
    ("share_memory share_memory_ from_file storage_type Storage*", "the memory is NumPy's, of one process"),
    ("record_stream pin_memory Stream* stream* Event accelerator get_device_module mtia ipu xpu mps cudnn_* miopen_*"
     " mkldnn_* to_mkldnn is_vulkan_available batch_norm_* fbgemm_*",
     "rushlight computes on the CPU, by NumPy"),
    ("sparse sparse_* to_sparse* to_dense dense_dim coalesce is_coalesced is_sparse_csr indices values ccol_indices*"
     " col_indices* crow_indices* row_indices* indices_copy values_copy resize_as_sparse_ smm spmm hspmm hsmm dsmm saddmm"
     " sspaddmm",
     "tensors are dense here"),
    ("quant* fake_quant* fused_moving_avg_obs_fake_quant choose_qparams_optimized qint* quint* qscheme q_* int_repr"
     " dequantize empty_quantized per_channel_* per_tensor_* ao QInt* QUInt*", "there are no quantized tensors"),
    ("nested jagged to_padded_tensor", "there are no nested tensors"),
    ("jit compile compiler export fx classes library package hub cond while_loop wait fork futures Script* script* Graph*"
     " parse_* import_ir_module* merge_type_from_type_comment unify_type_list sym_* Sym* *Type trace*",
     "nothing is captured: Python runs"),
    ("IterDataPipe MapDataPipe DFIterDataPipe DataChunk datapipes functional_datapipe argument_validation"
     " runtime_validation* *_determinism non_deterministic",
     "PyTorch has given up data pipes; datasets and samplers do what they did"),
    ("distributed monitor", "there is one process"),
    ("*autocast_ipu_* *autocast_xla_*", "rushlight computes on the CPU, by NumPy"),
    ("chalf complex32 float8_* float4_* uint* int1 int2 int3 int4 int5 int6 int7 bits* bit hash_tensor",
     "there is no such dtype"),
    ("reinforce volatile", "PyTorch has removed it too"),
    ("handle_torch_function has_torch_function* overrides", "`__torch_function__` is not asked"),
)  # fmt: skip

# Where a name is looked for that another module was asked for.
_PACKAGE = __name__.rpartition(".")[0]
_ELSEWHERE = (".nn", ".nn.functional", ".optim", "", ".linalg", ".autograd", ".utils.data")


def _fits(name, pattern):
    """Whether a name is the pattern, of which a * at one end, or at both, stands for anything."""
    word = pattern.strip("*")
    if pattern.startswith("*"):
        return word in name if pattern.endswith("*") else name.endswith(word)
    return name.startswith(word) if pattern.endswith("*") else name == word


def why(name):
    """Why Rushlight has nothing of that name; None where it might."""
    return next((reason for words, reason in _REASONS if any([_fits(name, word) for word in words.split()])), None)


def missing(owner, name, there):
    """The AttributeError for a name that `owner` has not, with the nearest of the names that are `there`."""
    reason = why(name)
    near = None if reason else _near(name, there)
    because = f": {reason}" if reason else ""
    hint = f"; did you mean '{near}'?" if near else ""
    sentence = f"{owner} has no attribute '{name}' (rushlight does not have it{because}){hint}"
    # With a name of its own and no object, Python appends no suggestion to ours.
    return coded("RL335", AttributeError(sentence, name=name))


def _near(name, there):
    """The name that was probably meant: in a module of its own kind, in lower or upper case, or spelled alike."""
    from difflib import get_close_matches

    for place in _ELSEWHERE:
        # Only what is imported: `hasattr` asks for names too, and is to import nothing.
        module = sys.modules.get(_PACKAGE + place)
        if module is not None and name in vars(module):
            return f"{spelling.module}{place}.{name}"
    cases = [each for each in there if each.lower() == name.lower()]
    return next(iter(cases or get_close_matches(name, there, 1)), None)


def of_module(path):
    """The `__getattr__` of a module: what it says of a name that is not there."""

    def __getattr__(name):
        module = sys.modules[path]
        spelled = ".".join((spelling.module, *path.split(".")[1:]))
        if name.startswith("_"):
            raise AttributeError(f"module '{spelled}' has no attribute '{name}'")
        raise missing(f"module '{spelled}'", name, [n for n in dir(module) if not n.startswith("_")])

    return __getattr__


def with_modules(path, modules):
    """The `__getattr__` and `__dir__` of a module which imports those of its own modules when they are first named."""
    absent = of_module(path)

    def __getattr__(name):
        if name not in modules:
            return absent(name)
        from importlib import import_module

        return import_module(f".{name}", path)

    def __dir__():
        return sorted({*vars(sys.modules[path]), *modules})

    return __getattr__, __dir__


class Missing:
    """Stands in a class for a name of PyTorch's that is not there: to ask an object for it raises AttributeError."""

    def __init__(self, name):
        self.__name__ = self.__qualname__ = name

    def __get__(self, instance, owner):
        there = [n for n in dir(owner) if not n.startswith("_") and not isinstance(_found(owner, n), Missing)]
        raise missing(f"'{owner.__name__}' object", self.__name__, there)


def _found(owner, name):
    """What a class has under a name, without asking for it."""
    return next((vars(base)[name] for base in owner.__mro__ if name in vars(base)), None)
