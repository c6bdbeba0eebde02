"""Keyword arguments that say how to make tensors."""

_HOW = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs):
    """`device`, `dtype` and `memory_format` out of kwargs, and those in kwargs["factory_kwargs"].

    None is no arguments. TypeError for any other name, and for one that is in both.

    >>> import rushlight
    >>> rushlight.nn.factory_kwargs({"device": "cpu", "factory_kwargs": {"dtype": None}})
    {'dtype': None, 'device': 'cpu'}
    """
    if kwargs is None:
        return {}
    unexpected = set(kwargs) - {*_HOW, "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    made = dict(kwargs.get("factory_kwargs", {}))
    for name in _HOW:
        if name in kwargs:
            if name in made:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            made[name] = kwargs[name]
    return made
