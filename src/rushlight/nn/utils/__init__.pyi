"""Written by tools/stubs.py."""

from . import clip_grad as clip_grad, convert_parameters as convert_parameters, fusion as fusion, init as init, memory_format as memory_format, parametrizations as parametrizations, parametrize as parametrize, prune as prune, rnn as rnn, stateless as stateless
from .clip_grad import clip_grad_value_ as clip_grad_value_, clip_grads_with_norm_ as clip_grads_with_norm_
from .convert_parameters import vector_to_parameters as vector_to_parameters
from .fusion import fuse_conv_bn_eval as fuse_conv_bn_eval, fuse_conv_bn_weights as fuse_conv_bn_weights, fuse_linear_bn_eval as fuse_linear_bn_eval, fuse_linear_bn_weights as fuse_linear_bn_weights
from .init import skip_init as skip_init
from .memory_format import convert_conv2d_weight_memory_format as convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format as convert_conv3d_weight_memory_format
from .spectral_norm import remove_spectral_norm as remove_spectral_norm, spectral_norm as spectral_norm
from .weight_norm import remove_weight_norm as remove_weight_norm, weight_norm as weight_norm
from collections.abc import Callable
from typing import Any
from ...tensor import Tensor

def clip_grad_norm(parameters: Any, max_norm: Any, norm_type: Any = 2.0, error_if_nonfinite: Any = False, foreach: Any = None) -> Tensor: ...
def clip_grad_norm_(parameters: Any, max_norm: Any, norm_type: Any = 2.0, error_if_nonfinite: Any = False, foreach: Any = None) -> Tensor: ...
def get_total_norm(tensors: Any, norm_type: Any = 2.0, error_if_nonfinite: Any = False, foreach: Any = None) -> Tensor: ...
def parameters_to_vector(parameters: Any) -> Tensor: ...
