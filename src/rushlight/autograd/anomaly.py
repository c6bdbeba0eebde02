"""Anomaly detection: an error in backward tells which operation of the forward it belongs to, and nan is an error."""

import warnings

from .. import modes

_ANOMALY, _CHECK_NAN = 4, 8


class set_detect_anomaly:
    """Switch anomaly detection: at once, and until the end of the block where it is used in `with`.

    While it is on, an exception in backward names the line whose derivative failed, and (unless check_nan=False) a
    gradient that is nan raises RuntimeError.

    >>> import rushlight
    >>> with rushlight.autograd.set_detect_anomaly(True):
    ...     rushlight.is_anomaly_enabled()
    True
    """

    def __init__(self, mode, check_nan=True):
        self._before = modes.put_anomaly(mode, check_nan)

    def __enter__(self):
        return None

    def __exit__(self, *_):
        modes.put_anomaly(bool(self._before & _ANOMALY), bool(self._before & _CHECK_NAN))


class detect_anomaly:
    """Anomaly detection within a `with` block; see set_detect_anomaly."""

    def __init__(self, check_nan=True):
        self._check_nan = check_nan
        self._before = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self):
        self._before.append(modes.put_anomaly(True, self._check_nan))

    def __exit__(self, *_):
        before = self._before.pop()
        modes.put_anomaly(bool(before & _ANOMALY), bool(before & _CHECK_NAN))
