"""Stands for the `cython` module where Cython is not installed: the sources then run as they are."""

compiled = False


def cclass(cls):
    return cls


def freelist(size):
    return lambda cls: cls


def trashcan(on):
    return lambda cls: cls
