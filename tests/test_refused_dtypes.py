"""Complex and bool tensors where PyTorch has no kernel for them: refused in its words, before anything is computed."""

import pytest

import rushlight as rl

F = rl.nn.functional
C = rl.ones(1, 2, 4, 4, dtype=rl.complex64)
PLACES = rl.zeros(1, 2, 4, 4, dtype=rl.int64)


def index_reduced(dtype):
    return rl.index_reduce(rl.ones(3, dtype=dtype), 0, rl.tensor([0]), rl.ones(1, dtype=dtype), "prod")


@pytest.mark.parametrize(
    "call, kernel, dtype",
    [
        (lambda: F.avg_pool1d(C[0], 2), "avg_pool2d", "ComplexFloat"),
        (lambda: F.avg_pool2d(C, 2), "avg_pool2d", "ComplexFloat"),
        (lambda: F.avg_pool3d(C[None], 2), "avg_pool3d_out_frame", "ComplexFloat"),
        (lambda: F.local_response_norm(C[0], 2), "avg_pool2d", "ComplexFloat"),
        (lambda: F.max_unpool1d(C[0], PLACES[0], 2), "max_unpool2d", "ComplexFloat"),
        (lambda: F.max_unpool2d(C, PLACES, 2), "max_unpool2d", "ComplexFloat"),
        (lambda: F.max_unpool3d(C[None], PLACES[None], 2), "max_unpool3d", "ComplexFloat"),
        (lambda: F.glu(C), "glu_cpu", "ComplexFloat"),
        (lambda: F.glu(PLACES), "glu_cpu", "Long"),
        (lambda: index_reduced(rl.complex64), "index_func_", "ComplexFloat"),
        (lambda: index_reduced(rl.bool), "index_func_", "Bool"),
    ],
)
def test_refused(call, kernel, dtype):
    with pytest.raises(NotImplementedError) as caught:
        call()
    assert f"\"{kernel}\" not implemented for '{dtype}'" in str(caught.value)


def test_the_cosine_of_complex_vectors_is_refused():
    with pytest.raises(RuntimeError, match="common dtype to be floating point, yet common dtype is ComplexFloat"):
        F.cosine_similarity(C, C)


def test_writes_that_change_the_dtype_are_refused():
    with pytest.raises(RuntimeError, match="heaviside is not yet implemented for tensors with different dtypes"):
        rl.ones(2).heaviside_(rl.ones(2).double())
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        rl.ones(2).long().floor_divide_(1.5)
