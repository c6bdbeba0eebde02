"""Written by tools/stubs.py."""

from . import checkpoint as checkpoint, data as data, dlpack as dlpack, hooks as hooks, tensorboard as tensorboard
