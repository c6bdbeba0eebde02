"""Pictures of recorded graphs, the chain rule step by step, and the numbers of models and runs."""

from ..missing import of_module as _of_module

_PLACES = {
    "Picture": "picture", "Steps": "chain", "Summary": "table", "Watch": "watcher", "curves": "learning",
    "graph": "picture", "record": "calls", "script": "scripts", "steps": "chain", "summary": "table", "watch": "watcher",
}  # fmt: skip
__all__ = sorted(_PLACES)


def __getattr__(name):
    if name not in _PLACES:
        return _of_module(__name__)(name)
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)


def __dir__():
    return __all__
