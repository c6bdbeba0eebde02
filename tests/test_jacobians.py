"""autograd.functional: Jacobians, Hessians and their products with vectors."""

import pytest

import rushlight as rl
from rushlight.autograd import functional as F


@pytest.fixture
def x():
    return rl.tensor([1.0, 2.0])


@pytest.fixture
def y():
    return rl.tensor([3.0, 4.0])


def cubes(x):
    return (x * x * x).sum()


def test_jacobian_of_one(x):
    assert F.jacobian(lambda x: x * x, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert F.jacobian(lambda a: a * a, rl.tensor(3.0)).item() == 6.0


@pytest.mark.parametrize("options", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
def test_jacobian_of_several(x, y, options):
    (xx, xy), (sx, sy) = F.jacobian(lambda x, y: (x * y, y.sum()), (x, y), **options)
    assert xx.tolist() == [[3.0, 0.0], [0.0, 4.0]]
    assert xy.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert sx.tolist() == [0.0, 0.0]
    assert sy.tolist() == [1.0, 1.0]


def test_jacobian_that_differentiates_again(x):
    x.requires_grad_()
    j = F.jacobian(lambda x: x * x * x, x, create_graph=True)
    (j * j).sum().backward()
    assert x.grad.tolist() == [36.0, 288.0]
    assert not F.jacobian(lambda x: x * x, x).requires_grad


def test_hessian(x, y):
    assert F.hessian(cubes, x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    (xx, xy), (yx, yy) = F.hessian(lambda x, y: (x * x * y).sum(), (x, y))
    assert xx.tolist() == [[6.0, 0.0], [0.0, 8.0]]
    assert xy.tolist() == yx.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert yy.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert F.hessian(lambda x: x.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_products(x, y):
    out, product = F.vjp(lambda x: x * x, x, y)
    assert (out.tolist(), product.tolist()) == ([1.0, 4.0], [6.0, 16.0])
    out, product = F.jvp(lambda x, w: x * w, (x, y), (y, x))
    assert (out.tolist(), product.tolist()) == ([3.0, 8.0], [10.0, 20.0])
    for function in (F.vhp, F.hvp):
        out, product = function(cubes, x, y)
        assert (out.item(), product.tolist()) == (9.0, [18.0, 48.0])


def test_products_with_no_vector_and_of_constants(x):
    assert F.vjp(cubes, x)[1].tolist() == [3.0, 12.0]
    assert F.jvp(lambda a: a * a, rl.tensor(3.0))[1].item() == 6.0
    assert F.vjp(lambda x: rl.ones(2), x, x)[1].tolist() == [0.0, 0.0]
    assert F.jvp(lambda x: rl.ones(2), x, x)[1].tolist() == [0.0, 0.0]
    assert F.hvp(lambda x: x.sum(), x, x)[1].tolist() == [0.0, 0.0]


def test_products_that_differentiate_again(x, y):
    x.requires_grad_()
    F.vhp(cubes, x, y, create_graph=True)[1].sum().backward()
    assert x.grad.tolist() == [18.0, 24.0]


def test_strict(x, y):
    with pytest.raises(RuntimeError, match="Output 0 of the user-provided function is independent of input 1"):
        F.jacobian(lambda x, y: x * 2, (x, y), strict=True)
    with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not require gradients"):
        F.vjp(lambda x: rl.ones(2), x, y, strict=True)
    with pytest.raises(RuntimeError, match="found that the jacobian of the user-provided function with respect to"):
        F.hessian(lambda x: x.sum(), x, strict=True)
    with pytest.raises(RuntimeError, match="The jacobian of the user-provided function is independent of input 0"):
        F.jacobian(lambda x: x * 2, x, strict=True, create_graph=True)


def test_refusals(x):
    with pytest.raises(TypeError, match="The inputs given to jacobian must be either a Tensor or a tuple of Tensors"):
        F.jacobian(cubes, [x])
    with pytest.raises(RuntimeError, match="given to hessian should contain a single element"):
        F.hessian(lambda x: x * x, x)
    with pytest.raises(RuntimeError, match=r"v has invalid size: should be .*Size\(\[2\]\) but got .*Size\(\[3\]\)"):
        F.vjp(lambda x: x * x, x, rl.ones(3))
    with pytest.raises(RuntimeError, match="The vector v can only be None if the user-provided function returns"):
        F.vjp(lambda x: x * x, x)
    with pytest.raises(NotImplementedError, match="Computing Jacobian using forward-AD"):
        F.jacobian(cubes, x, strategy="forward-mode")
