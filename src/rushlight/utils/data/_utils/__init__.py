"""Where PyTorch keeps how samples are fetched, put together and worked on: scripts import from `collate` here."""

from . import collate, fetch, worker

MP_STATUS_CHECK_INTERVAL = 5.0

__all__ = ["MP_STATUS_CHECK_INTERVAL", "collate", "fetch", "worker"]
