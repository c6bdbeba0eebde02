"""Floor 5: being torch for a program that says `import torch`."""

from .torch_name import as_torch

__all__ = ["as_torch"]
