"""Hands the operations of floor 2 down to the core and the engine, which may not import them."""

from . import core, engine, inplace, saving
from .functions import matrix
from .ops import batching, compare, complex, copying, elementwise, exponential, forward, identity, strided

core.bind(
    transform=forward.transformed,
    detach_batch=batching.detached,
    leaf_made=batching.leaf_made,
    add=elementwise.add,
    sub=elementwise.sub,
    mul=elementwise.mul,
    div=elementwise.div,
    neg=elementwise.neg,
    rsub=elementwise.difference_from,
    rdiv=elementwise.quotient_of,
    pow=exponential.power,
    rpow=lambda x, y: exponential.pow_of_number(y, x),
    lt=compare.lt,
    le=compare.le,
    gt=compare.gt,
    ge=compare.ge,
    eq=compare.eq,
    ne=compare.ne,
    matmul=matrix.operator,
)
inplace.bind(strided.as_strided, strided.strided_scatter, complex.view_across, complex.written_across)
saving.bind(identity.alias)
engine.bind(
    conj=copying.conj_gradient,
    sum_to=copying.sum_to,
    to_dtype=copying.to_dtype,
    copy_grad=copying.copy_grad,
)
