"""Written by tools/stubs.py."""

from . import anomaly as anomaly, forward_ad as forward_ad, function as function, functional as functional, grad_mode as grad_mode, graph as graph, profiler as profiler, variable as variable
from .anomaly import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from .backward import backward as backward, grad as grad
from .function import Function as Function
from .grad_mode import enable_grad as enable_grad, inference_mode as inference_mode, is_grad_enabled as is_grad_enabled, is_inference_mode_enabled as is_inference_mode_enabled, no_grad as no_grad, set_grad_enabled as set_grad_enabled
from .gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from .ledger import graphs_alive as graphs_alive, saved as saved
from .strong_zeros import strong_zero as strong_zero
from .switches import enforce_grad_layout_policy as enforce_grad_layout_policy, is_multithreading_enabled as is_multithreading_enabled, set_multithreading_enabled as set_multithreading_enabled
from .variable import Variable as Variable
from .verification import DerivativeError as DerivativeError, verify as verify
