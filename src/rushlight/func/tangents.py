"""jvp and linearize: functions differentiated forward."""

from .. import pytree
from ..autograd.backward import has_history
from ..core import TensorBase
from ..errors import coded
from ..ops.forward import Level, put_tangent, tangent_of
from ..ops.identity import alias
from ..size import Size
from . import arguments
from .history import History, fresh, recorded
from .reverse import gradients_or_zeros, zeros

_JVP = "jvp(f, primals, tangents)"


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(output of func, its tangent): the product of the Jacobian with `tangents`, computed along with the output.

    `primals` is the tuple of arguments, tensors or trees of them; `tangents` is of the same form. `strict` refuses an
    output that does not depend on the primals, which otherwise has a tangent of zeros. With `has_aux` func returns
    (output, aux), and aux comes third.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0])
    >>> rushlight.func.jvp(lambda x: x * x, (x,), (rushlight.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple):
        raise coded(
            "RL508",
            RuntimeError(f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."),
        )
    xs, spec = pytree.flatten(primals)
    ts, spec_of_tangents = pytree.flatten(tangents)
    if spec != spec_of_tangents:
        raise coded(
            "RL508",
            RuntimeError(
                f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a "
                f"tuple of 3 tensors, tangents also must be. Got primals with structure {spec} and tangents with "
                f"structure {spec_of_tangents}"
            ),
        )
    _check(xs, "primals")
    _check(ts, "tangents")
    level = Level()
    try:
        duals = [_dual(x, t, level) for x, t in zip(xs, ts)]
        result, aux = arguments.split_aux(func(*pytree.unflatten(duals, spec)), has_aux, _JVP)
        outs, out_spec = arguments.outputs(result, _JVP)
        if has_aux:
            arguments.map_aux(lambda leaf: leaf, aux)
        slopes = [_slope(out, level, strict) for out in outs]
    finally:
        level.close()
    slopes = pytree.unflatten(slopes, out_spec)
    return (result, slopes, aux) if has_aux else (result, slopes)


def _check(leaves, role):
    if not leaves:
        raise coded("RL508", RuntimeError(f"{_JVP}: Expected {role} to contain at least one Tensor."))
    for leaf in leaves:
        if not isinstance(leaf, TensorBase):
            raise coded("RL508", RuntimeError(f"{_JVP}: Expected {role} to only contain Tensors, got {type(leaf)}"))


def _dual(x, tangent, level):
    """x with a tangent at the level."""
    if x._array.dtype.kind not in "fcV":
        raise coded("RL135", ValueError(f"Expected primal to be floating point or complex, but got: {x.dtype}"))
    if x._array.shape != tangent._array.shape:
        raise coded(
            "RL135",
            RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {list(x.shape)} while the given forward gradient is of size "
                f"{list(tangent.shape)}."
            ),
        )
    dual = alias(x)
    put_tangent(dual, level, tangent)
    return dual


def _slope(out, level, strict):
    tangent = tangent_of(out, level)
    if tangent is not None:
        return tangent
    if strict:
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
            "with strict=True."
        )
    return zeros(out)


def linearize(func, *primals):
    """(output of func, function of tangents): func is called once, and the linear map as often as wanted.

    That function takes tangents of the form of the primals and returns the tangent of the output.

    >>> import rushlight
    >>> out, push = rushlight.func.linearize(rushlight.sin, rushlight.tensor([0.0, 1.0]))
    >>> push(rushlight.ones(2))
    tensor([1.0000, 0.5403])
    """
    with recorded() as recording:
        leaves, spec = pytree.flatten(primals)
        ys = [fresh(x) for x in leaves]
        outs, out_spec = pytree.flatten(func(*pytree.unflatten(ys, spec)))
        tensors = [out for out in outs if isinstance(out, TensorBase)]
        history = History(ys, recording)
        wanted = history.wanted(*tensors)
        # The gradients are linear in the cotangents, and the gradient of that map is its transpose: the map forward.
        differing = [out for out in tensors if has_history(out)]
        ends = [fresh(zeros(out)) for out in differing]
        slopes = gradients_or_zeros(differing, ys, ends, True, True)
        shown = [history.settled(out) if isinstance(out, TensorBase) else out for out in outs]

    def push(*tangents):
        given = _checked_tangents(tangents, leaves, spec)
        create = wanted or History([], True).wanted(*given)
        found = iter(gradients_or_zeros(slopes, ends, given, True, create))
        return pytree.unflatten([_forward(out, found) for out in outs], out_spec)

    return pytree.unflatten(shown, out_spec), push


def _forward(out, found):
    if not isinstance(out, TensorBase):
        return out
    return next(found) if has_history(out) else zeros(out)


def _checked_tangents(tangents, primals, spec):
    given, spec_of_tangents = pytree.flatten(tangents)
    if spec_of_tangents != spec:
        raise coded(
            "RL508",
            RuntimeError(f"Expected the tangents {spec_of_tangents} to have the same argspec as the primals {spec}"),
        )
    for i, (t, x) in enumerate(zip(given, primals)):
        if not isinstance(t, TensorBase):
            raise coded("RL508", TypeError(f"tangent:{i} in flattened pytree must be a Tensor, but got {type(t)}"))
        if t._array.shape != x._array.shape:
            raise coded(
                "RL508",
                RuntimeError(
                    f"tangent:{i} with shape {Size(t._array.shape)} in flattened pytree doesn't match the shape "
                    f"{Size(x._array.shape)} of the corresponding primal."
                ),
            )
        if t._array.dtype != x._array.dtype:
            raise coded(
                "RL508",
                RuntimeError(
                    f"tangent:{i} with dtype {t.dtype} in flattened pytree doesn't match the dtype {x.dtype} of the "
                    "corresponding primal."
                ),
            )
    return given
