"""Written by tools/stubs.py."""

from . import strategies as strategies
