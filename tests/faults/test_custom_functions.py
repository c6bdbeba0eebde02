"""Custom Functions whose backward is wrong: PyTorch's words, then the line of `apply`, then what to do."""

from beside import leaf, made
from faults.refusing import as_tests, collector

PROGRAMS = []
refused = collector(PROGRAMS)


@refused(RuntimeError, "function MadeBackward returned an incorrect number of gradients (expected 1, got 2)",
         "y = f.apply(x)", told=["return grad_x, None"])  # fmt: skip
def too_many_gradients(m):
    x, f = leaf(m), made(m, lambda ctx, x: x * 2, lambda ctx, g: (g, g))
    y = f.apply(x)
    yield (x,)
    y.sum().backward()


@refused(RuntimeError, "function MadeBackward returned an incorrect number of gradients (expected 2, got 1)",
         "y = f.apply(x, z)", told=["return grad_x, None"])  # fmt: skip
def too_few_gradients(m):
    x, z, f = leaf(m), leaf(m), made(m, lambda ctx, x, z: x * 2, lambda ctx, g: g)
    y = f.apply(x, z)
    yield x, z
    y.sum().backward()


@refused(RuntimeError, "Function MadeBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible",
         "y = f.apply(x)", told=["Sum over what forward broadcast"])  # fmt: skip
def a_gradient_of_another_shape(m):
    x, f = leaf(m), made(m, lambda ctx, x: x * 2, lambda ctx, g: m.ones(3, dtype=m.float64))
    y = f.apply(x)
    yield (x,)
    y.sum().backward()


@refused(RuntimeError, "expected Variable or None (got str)", "y = f.apply(x)", told=["Return tensors or None"])
def a_gradient_that_is_a_text(m):
    x, f = leaf(m), made(m, lambda ctx, x: x * 2, lambda ctx, g: "no")
    y = f.apply(x)
    yield (x,)
    y.sum().backward()


@refused(RuntimeError, "expected Variable or None (got float)", "y = f.apply(x)", told=["Return tensors or None"])
def a_gradient_that_is_a_number(m):
    x, f = leaf(m), made(m, lambda ctx, x: x * 2, lambda ctx, g: 2.0)
    y = f.apply(x)
    yield (x,)
    y.sum().backward()


@refused(
    NotImplementedError,
    "You must implement either the backward or vjp method",
    "y = f.apply(x)",
    told=["@staticmethod"],
)
def no_backward(m):
    x, f = leaf(m), made(m, lambda ctx, x: x * 2)
    y = f.apply(x)
    yield (x,)
    y.sum().backward()


@refused(KeyError, "'mine'", "y = f.apply(x)")
def a_backward_that_raises(m):
    def raises(ctx, g):
        raise KeyError("mine")

    x, f = leaf(m), made(m, lambda ctx, x: x * 2, raises)
    y = f.apply(x)
    yield (x,)
    (y + x).sum().backward()


@refused(RuntimeError, "one of the variables needed for gradient computation has been modified by an inplace operation",
         "y = f.apply(x, z)", "z.add_(1)", told=["clone()"])  # fmt: skip
def a_saved_tensor_that_was_written(m):
    def forward(ctx, x, z):
        ctx.save_for_backward(z)
        return x * z

    x, z = leaf(m), m.ones(2, dtype=m.float64)
    f = made(m, forward, lambda ctx, g: (g * ctx.saved_tensors[0], None))
    y = f.apply(x, z)
    z.add_(1)
    yield x, z
    y.sum().backward()


@refused(
    RuntimeError, "Trying to backward through the graph a second time", "y = f.apply(x)", told=["retain_graph=True"]
)
def backward_twice(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    x, f = leaf(m), made(m, forward, lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    y = f.apply(x)
    y.sum().backward()
    yield (x,)
    y.sum().backward()


test_refused, test_as_in_pytorch = as_tests(PROGRAMS)
