"""How qualified names are printed: `rushlight.float32`, or `torch.float32` after `as_torch()`."""

module = "rushlight"


def spell(name: str) -> str:
    """Return `name` behind the module's name of the moment, as in `spell("Size")` -> `"rushlight.Size"`."""
    return f"{module}.{name}"
