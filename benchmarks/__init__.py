"""Rushlight beside PyTorch: each case is written once and run with both, in turn, in one process."""
