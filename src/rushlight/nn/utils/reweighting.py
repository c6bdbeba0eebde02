"""Hooks that compute a weight before each call of a module: one of a kind for each, found by the weight's name."""


def _number_of(module, kind, name):
    """The number of the hook of that kind for that weight, None where there is none."""
    hooks = module._forward_pre_hooks.items()
    return next((number for number, hook in hooks if isinstance(hook, kind) and hook.name == name), None)


def check_first(module, kind, name, called):
    """Refuse a second hook of a kind for the same weight; `called` is what messages call the kind."""
    if _number_of(module, kind, name) is not None:
        raise RuntimeError(f"Cannot register two {called} hooks on the same parameter {name}")


def remove(module, kind, name, called):
    """Take a hook out and let it put the weight back; ValueError where there is none."""
    number = _number_of(module, kind, name)
    if number is None:
        raise ValueError(f"{called} of '{name}' not found in {module}")
    module._forward_pre_hooks[number].remove(module)
    del module._forward_pre_hooks[number]
