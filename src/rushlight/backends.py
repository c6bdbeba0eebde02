"""torch.backends as scripts ask it: of these oneDNN alone may be here (docs/onednn.md)."""

from contextlib import contextmanager
from types import SimpleNamespace

from .kernels import onednn as _onednn
from .missing import of_module as _of_module


def _no():
    return False


mps = SimpleNamespace(is_available=_no, is_built=_no)
cuda = SimpleNamespace(is_built=_no, matmul=SimpleNamespace(allow_tf32=False))
# Scripts set these; there is nothing that they would change.
cudnn = SimpleNamespace(is_available=_no, enabled=False, benchmark=False, deterministic=True)


class _Mkldnn:
    """torch.backends.mkldnn. What only its computations on GPUs would change is kept and changes nothing."""

    deterministic = False
    allow_tf32 = None
    fp32_precision = "none"

    @staticmethod
    def is_available():
        """Whether oneDNN is installed and can be used in this process, which loads it."""
        return _onednn.is_available()

    @property
    def enabled(self):
        """Whether oneDNN is asked where it is the quicker way; as for all threads."""
        return _onednn.enabled

    @enabled.setter
    def enabled(self, on):
        if type(on) is not bool:
            raise RuntimeError(f"set_enabled_mkldnn expects a bool, but got {type(on).__name__}")
        _onednn.enabled = on

    def set_flags(self, _enabled=None, _deterministic=None, _allow_tf32=None, _fp32_precision="none"):
        """Set those that are not None; returns what all were."""
        before = self.enabled, self.deterministic, self.allow_tf32, self.fp32_precision
        if _enabled is not None:
            self.enabled = _enabled
        if _deterministic is not None:
            self.deterministic = _deterministic
        if _allow_tf32 is not None:
            self.allow_tf32 = _allow_tf32
        if _fp32_precision is not None:
            self.fp32_precision = _fp32_precision
        return before

    @contextmanager
    def flags(self, enabled=False, deterministic=False, allow_tf32=True, fp32_precision="none"):
        """Let these hold within a `with` block.

        >>> import rushlight
        >>> with rushlight.backends.mkldnn.flags(enabled=False):
        ...     rushlight.backends.mkldnn.enabled
        False
        """
        before = self.set_flags(enabled, deterministic, allow_tf32, fp32_precision)
        try:
            yield
        finally:
            self.enabled, self.deterministic, self.allow_tf32, self.fp32_precision = before


mkldnn = _Mkldnn()

__getattr__ = _of_module(__name__)
