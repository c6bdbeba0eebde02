"""Layers and parameters that a module does not know of, because they are in a plain list, tuple or dict."""

import warnings

from ..parameter import is_parameter

_PLAIN = (list, tuple, dict)
# The layers of this package keep no others in lists: most modules of a model need no look.
_OWN = __name__.rpartition(".")[0] + "."


def warn_of_unlisted(module, stacklevel=3):
    """UserWarning for each attribute that is a plain container of layers or parameters which are registered nowhere.

    An attribute whose name begins with an underscore is meant to be so.
    """
    waiting, seen, found = [module], {module}, []
    while waiting:
        owner = waiting.pop()
        # Without them where Module.__init__ was not called: who wants the parameters is told.
        for child in owner.__dict__.get("_modules", {}).values():
            if child is not None and child not in seen:
                seen.add(child)
                waiting.append(child)
        if owner.__class__.__module__.startswith(_OWN):
            continue
        for name, value in owner.__dict__.items():
            if value.__class__ in _PLAIN and value and name[0] != "_" and _is_layer(_first(value)):
                found.append((owner, name, value))
    for owner, name, value in found:
        _warn(owner, name, value, seen, stacklevel)


def _first(container):
    return next(iter(container.values() if container.__class__ is dict else container))


def _is_layer(value):
    return is_parameter(value) or hasattr(value, "_parameters")


def _warn(owner, name, value, modules, stacklevel):
    layer = _first(value)
    known = (
        [parameter for module in modules for parameter in module._parameters.values()]
        if is_parameter(layer)
        else modules
    )
    if any([layer is other for other in known]):
        return
    what, plain = ("Parameter", "parameters") if is_parameter(layer) else ("Module", "layers")
    wanted = f"nn.{what}{'Dict' if value.__class__ is dict else 'List'}"
    warnings.warn(
        f"{owner._get_name()}.{name} is a {value.__class__.__name__} of {plain}, which parameters(), state_dict() and to() do "
        f"not see: use {wanted}, or a name that begins with an underscore where that is meant",
        stacklevel=stacklevel + 1,
    )
