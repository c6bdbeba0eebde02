"""DLPack capsules, by which other libraries take the memory of a tensor and give theirs."""

from enum import IntEnum

from ..functions.bridges import from_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]


class DLDeviceType(IntEnum):
    """Where the memory is, in the numbers of DLPack; that of tensors here is kDLCPU, always."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17


def to_dlpack(tensor):
    """A capsule over the memory of a tensor, to be taken once. Libraries of today take the tensor itself.

    >>> import rushlight
    >>> from rushlight.utils import dlpack
    >>> dlpack.from_dlpack(dlpack.to_dlpack(rushlight.ones(2)))
    tensor([1., 1.])
    """
    return tensor.__dlpack__()
