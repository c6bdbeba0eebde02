"""The words for how a tensor lost its history."""

CUTS = {
    "detach": "Cut by .detach()",
    "detach_": "Cut by .detach_()",
    "data": "Cut by .data",
    "Parameter": "Cut by Parameter(...), which is a leaf of its own,",
    "tensor": "Cut by tensor(...), which copies values without their history,",
    "no_grad": "Made under no_grad by {name}",
    "inference": "Made under inference_mode by {name}",
    "cast": "Cast by {name}, which has no derivative,",
    "nondifferentiable": "Made by {name}, which has no derivative,",
    "constant": "Made by {name}, whose forward marked it as not differentiable,",
    "backward": "Computed by a backward pass without create_graph=True, so a constant,",
}
RECORD = " To know, run the program within `with rushlight.explain.recording():`, or pass the function that computes the loss."
NOTHING_ARRIVED = (
    "backward() has not run on anything that was computed from t, or .grad was set to None since, as zero_grad() does. "
    "With the loss, explain(t, loss), more can be said."
)
NOT_RUN = (
    "This graph is not freed: backward() has not run on this loss, or .grad was set to None after a "
    "backward(retain_graph=True)."
)
GONE = (
    "A backward pass went over this graph and freed it. Either .grad was set to None since, as zero_grad() does, or the "
    "pass was autograd.grad() or backward(inputs=...), which leave the .grad of others alone."
)
FREED = (
    "What its backward needs was freed, so the values cannot be followed: compute the loss again, or pass the function "
    "that does."
)
VIEW = (
    "It leads to a view of the same storage that was made under no_grad. Such a view is a leaf of its own: the gradient is "
    "in the .grad of the view."
)
FROZEN = (
    "It is a Parameter, which requires a gradient unless it is told not to: it was frozen by requires_grad = False."
)
CUT = "Either t was not used in computing it, or what was computed from t was cut off."
_METHODS = {
    "item": ".item()", "tolist": ".tolist()", "numpy": ".numpy()", "detach": ".detach()", "data": ".data",
    "index": "being used as an index",
}  # fmt: skip
# Operations that programs call by another name.
_SPOKEN = {
    "clamp_numbers": "clamp", "cross_entropy_indices": "cross_entropy", "native_layer_norm": "layer_norm",
    "unsafe_view": "view", "vector_norm": "norm", "to_dtype": "to", "t": "transpose",
}  # fmt: skip
_MANY = 1000


def called(origin):
    """What made a tensor, as it is written in a program."""
    return _METHODS.get(origin.name, f"`{spoken(origin.name)}`")


def spoken(name):
    """What a program calls an operation."""
    return _SPOKEN.get(name, name)


def paths(n):
    """How many paths of a graph, in words."""
    if n > _MANY:
        return f"more than {_MANY} paths"
    return "1 path" if n == 1 else f"{n} paths"


def listed(places, most=6):
    """The first few, each once, and how many more there are."""
    places = list(dict.fromkeys(places))
    return places[:most] + ([f"and {len(places) - most} more"] if len(places) > most else [])
