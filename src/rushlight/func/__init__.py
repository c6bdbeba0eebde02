"""Functions of functions, as torch.func has them: derivatives, batches, and modules as functions of their parameters."""

from ..missing import of_module as _of_module
from .jacobians import hessian, jacfwd, jacrev
from .modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from .rearranging import rearrange
from .reverse import grad, grad_and_value, vjp
from .tangents import jvp, linearize
from .vmap import vmap
from .wrappers import debug_unwrap, functionalize

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp",
    "linearize", "rearrange", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip

__getattr__ = _of_module(__name__)
