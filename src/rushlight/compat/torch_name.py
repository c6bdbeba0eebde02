"""`import torch` means rushlight: an import hook, and reprs that say torch."""

import importlib
import sys

from .. import spelling

OURS = __name__.split(".")[0]


class TorchName:
    """Finds torch, torch.nn ... as the modules rushlight, rushlight.nn ... themselves, not copies of them."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch" and not name.startswith("torch."):
            return None
        from importlib.util import find_spec, spec_from_loader

        ours = OURS + name[5:]
        if ours != OURS and find_spec(ours) is None:
            return None
        return spec_from_loader(name, self)

    def create_module(self, spec):
        module = importlib.import_module(OURS + spec.name[5:])
        self.own_spec = module.__spec__
        # What is loaded already is not imported again: Python would set it in its package, over a function of its name.
        for name, loaded in list(sys.modules.items()):
            if name.startswith(f"{OURS}."):
                sys.modules.setdefault("torch" + name[len(OURS) :], loaded)
        return module

    def exec_module(self, module):
        # The import system has just put torch's spec in; the module keeps its own, and pickles by its own name.
        module.__spec__ = self.own_spec


def as_torch():
    """Make `import torch`, `from torch import nn` and the rest mean rushlight in this process.

    Names in reprs and messages are then PyTorch's: torch.Size, torch.float32. Raises RuntimeError where the real
    torch has been imported already: two libraries of one name would be mixed.

    >>> import rushlight
    >>> rushlight.as_torch()  # doctest: +SKIP
    >>> import torch  # doctest: +SKIP
    >>> torch.zeros(2).dtype  # doctest: +SKIP
    torch.float32
    """
    present = sys.modules.get("torch")
    if present is not None and present is not sys.modules[OURS]:
        raise RuntimeError("as_torch(): the real torch is imported in this process already; call as_torch() before it.")
    spelling.module = "torch"
    if not any(isinstance(finder, TorchName) for finder in sys.meta_path):
        sys.meta_path.insert(0, TorchName())
