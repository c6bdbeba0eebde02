"""torch.backends as scripts ask it: none of these is here."""

from types import SimpleNamespace


def _no():
    return False


mps = SimpleNamespace(is_available=_no, is_built=_no)
cuda = SimpleNamespace(is_built=_no, matmul=SimpleNamespace(allow_tf32=False))
# Scripts set these; there is nothing that they would change.
cudnn = SimpleNamespace(is_available=_no, enabled=False, benchmark=False, deterministic=True)
mkldnn = SimpleNamespace(is_available=_no)
