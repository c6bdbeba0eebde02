"""torch.backends as scripts ask it: none of these is here."""

from types import SimpleNamespace

from .missing import of_module as _of_module


def _no():
    return False


mps = SimpleNamespace(is_available=_no, is_built=_no)
cuda = SimpleNamespace(is_built=_no, matmul=SimpleNamespace(allow_tf32=False))
# Scripts set these; there is nothing that they would change.
cudnn = SimpleNamespace(is_available=_no, enabled=False, benchmark=False, deterministic=True)
mkldnn = SimpleNamespace(is_available=_no)

__getattr__ = _of_module(__name__)
