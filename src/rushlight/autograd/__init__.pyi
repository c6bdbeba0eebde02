"""Written by tools/stubs.py."""

from . import anomaly as anomaly, forward_ad as forward_ad, function as function, functional as functional, grad_mode as grad_mode, graph as graph, profiler as profiler, variable as variable
from .anomaly import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from .function import Function as Function
from .grad_mode import enable_grad as enable_grad, inference_mode as inference_mode, is_grad_enabled as is_grad_enabled, is_inference_mode_enabled as is_inference_mode_enabled, no_grad as no_grad, set_grad_enabled as set_grad_enabled
from .ledger import graphs_alive as graphs_alive, saved as saved
from .strong_zeros import strong_zero as strong_zero
from .switches import enforce_grad_layout_policy as enforce_grad_layout_policy, is_multithreading_enabled as is_multithreading_enabled, set_multithreading_enabled as set_multithreading_enabled
from .variable import Variable as Variable
from .verification import DerivativeError as DerivativeError, verify as verify
from collections.abc import Callable
from typing import Any
from ..tensor import Tensor

def backward(tensors: Any, grad_tensors: Any = None, retain_graph: Any = None, create_graph: Any = False, grad_variables: Any = None, inputs: Any = None) -> None: ...
def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: Any = None, create_graph: Any = False, only_inputs: Any = True, allow_unused: Any = None, is_grads_batched: Any = False, materialize_grads: Any = False) -> tuple[Tensor, ...]: ...
def gradcheck(func: Any, inputs: Any, *, eps: Any = 1e-06, atol: Any = 1e-05, rtol: Any = 0.001, raise_exception: Any = True, nondet_tol: Any = 0.0, check_undefined_grad: Any = True, check_grad_dtypes: Any = False, check_batched_grad: Any = False, check_batched_forward_grad: Any = False, check_forward_ad: Any = False, check_backward_ad: Any = True, fast_mode: Any = False, masked: Any = None) -> bool: ...
def gradgradcheck(func: Any, inputs: Any, grad_outputs: Any = None, *, eps: Any = 1e-06, atol: Any = 1e-05, rtol: Any = 0.001, gen_non_contig_grad_outputs: Any = False, raise_exception: Any = True, nondet_tol: Any = 0.0, check_undefined_grad: Any = True, check_grad_dtypes: Any = False, check_batched_grad: Any = False, check_fwd_over_rev: Any = False, check_rev_over_rev: Any = True, fast_mode: Any = False, masked: Any = False) -> bool: ...
