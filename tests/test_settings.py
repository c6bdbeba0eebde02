"""Settings of the process, storages, and names of parameters."""

import math
import warnings

import numpy as np
import pytest

import rushlight as rl

# -- settings


def test_the_default_device_is_the_cpu():
    rl.set_default_device("cpu")
    rl.set_default_device(None)
    assert rl.get_default_device() == rl.device("cpu")
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        rl.set_default_device("cuda")
    assert rl.get_device(rl.ones(1)) == -1


@pytest.mark.parametrize("given", ["torch.DoubleTensor", rl.DoubleTensor])
def test_the_default_type(given):
    try:
        with pytest.warns(UserWarning, match=r"torch\.set_default_tensor_type\(\) is deprecated as of PyTorch 2\.1"):
            rl.set_default_tensor_type(given)
        assert rl.ones(1).dtype is rl.float64
    finally:
        rl.set_default_dtype(rl.float32)
    with pytest.raises(TypeError, match="only floating-point types are supported as the default type"):
        rl.set_default_tensor_type("torch.IntTensor")
    with pytest.raises(TypeError, match="invalid type object: only floating-point types"):
        rl.set_default_tensor_type(3)


def test_deterministic_algorithms_are_remembered():
    assert rl.get_deterministic_debug_mode() == 0
    try:
        rl.use_deterministic_algorithms(True, warn_only=True)
        assert rl.are_deterministic_algorithms_enabled() and rl.is_deterministic_algorithms_warn_only_enabled()
        assert rl.get_deterministic_debug_mode() == 1
        rl.set_deterministic_debug_mode("error")
        assert rl.get_deterministic_debug_mode() == 2 and not rl.is_deterministic_algorithms_warn_only_enabled()
    finally:
        rl.set_deterministic_debug_mode(0)
    with pytest.raises(TypeError, match=r"argument 'mode' \(position 1\) must be bool, not int"):
        rl.use_deterministic_algorithms(1)
    for wrong, error in (("foo", RuntimeError), (7, RuntimeError), (1.5, TypeError)):
        with pytest.raises(error):
            rl.set_deterministic_debug_mode(wrong)


def test_other_settings_are_remembered():
    assert rl.get_float32_matmul_precision() == "highest"
    try:
        rl.set_float32_matmul_precision("high")
        with pytest.warns(UserWarning, match="foo is not one of 'highest', 'high', or 'medium'"):
            rl.set_float32_matmul_precision("foo")
        assert rl.get_float32_matmul_precision() == "high"
        rl.set_warn_always(True)
        assert rl.is_warn_always_enabled()
    finally:
        rl.set_float32_matmul_precision("highest")
        rl.set_warn_always(False)


def test_threads():
    before = rl.get_num_threads()
    rl.set_num_threads(before)
    assert rl.get_num_threads() == before >= 1 == rl.get_num_interop_threads()
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        rl.set_num_threads(0)
    with pytest.raises(RuntimeError, match="set_num_interop_threads expects an int, but got float"):
        rl.set_num_interop_threads(1.5)
    with pytest.raises(ValueError, match="Overflow when unpacking long"):
        rl.set_num_threads(1 << 31)


# -- storages


def test_a_storage_is_the_memory_of_all_views():
    x = rl.arange(6.0).reshape(2, 3)
    whole, of_row = x.untyped_storage(), x[1].untyped_storage()
    assert whole == of_row and hash(whole) == hash(of_row)
    assert whole.nbytes() == whole.size() == len(whole) == 24 and whole.data_ptr() == x.data_ptr()
    assert whole.tolist() == list(x.numpy().tobytes())
    assert rl.is_storage(whole) and not rl.is_storage(x)
    x[0, 0] = 1
    assert whole[3] == 63
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        typed = x.t().storage()
    assert typed.dtype is rl.float32 and list(typed) == [1, 1, 2, 3, 4, 5] and typed.untyped() == whole
    assert repr(typed).endswith("[rushlight.storage.TypedStorage(dtype=rushlight.float32, device=cpu) of size 6]")


# -- old names


def test_range_has_its_end():
    with pytest.warns(UserWarning, match=r"torch\.range is deprecated and will be removed in a future release"):
        assert rl.range(0, 3).tolist() == [0, 1, 2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rl.range(0.5, 2, 0.5, dtype=rl.float64).tolist() == [0.5, 1, 1.5, 2]
        assert rl.range(0, 3, 2, dtype=rl.int64).tolist() == [0, 2]
    with pytest.raises(TypeError, match='missing 1 required positional arguments: "end"'):
        rl.range(3)
    with pytest.raises(RuntimeError, match="upper bound and lower bound inconsistent with step sign"):
        rl.range(3, 0)


def test_new_and_resize():
    x = rl.ones(2, 3).long()
    assert x.new([1, 2]).dtype is rl.int64 and x.new(2, 3).shape == (2, 3) and x.new().shape == (0,)
    with pytest.warns(UserWarning, match="non-inplace resize is deprecated"):
        assert x.resize(3, 2).shape == (3, 2)
    with pytest.warns(UserWarning, match="non-inplace resize_as is deprecated"):
        assert x.resize_as(rl.ones(6)).shape == (6,)
    with warnings.catch_warnings(), pytest.raises(RuntimeError) as caught:
        warnings.simplefilter("ignore")
        x.resize(5)
    assert "requested resize to 5 (5 elements in total), but the given tensor has a size of 2x3" in str(caught.value)


def test_typename():
    assert rl.typename(rl.ones(1).long()) == "rushlight.LongTensor"
    assert rl.typename(3) == "int" and rl.typename(len) == "len"
    assert rl.typename(rl.nn.Linear(1, 1)) == rl.typename(rl.nn.Linear) == "rushlight.nn.modules.linear.Linear"


# -- names of parameters


def same(a, b):
    return [part.tolist() for part in a] == [part.tolist() for part in b]


def test_parameters_have_pytorch_s_names():
    x = rl.arange(6.0).reshape(2, 3)
    assert same(x.hsplit(sections=3), rl.hsplit(x, indices=[1, 2]))
    assert same(x.tensor_split(indices=[1]), rl.tensor_split(x, sections=2))
    assert same(x.tensor_split(tensor_indices_or_sections=rl.tensor(2)), x.vsplit(sections=2))
    assert same(x.split(split_size=1), rl.split(tensor=x, split_size_or_sections=[1, 1]))
    assert x.clone().clamp_max_(max=1).max() == 1 and x.clone().clamp_min_(min=1).min() == 1
    assert rl.heaviside(x, values=rl.ones(1))[0, 0] == x.clone().heaviside_(values=rl.ones(1))[0, 0] == 1
    assert x.clone().copy_(other=rl.zeros(3)).sum() == 0
    assert x.clone().swapaxes_(axis0=0, axis1=1).shape == (3, 2)
    assert rl.result_type(scalar=1, tensor=x) is rl.result_type(scalar1=1, scalar2=2.0) is rl.float32
    assert rl.isin(elements=x, test_element=1).sum() == 1 and rl.isin(element=1, test_elements=x)
    with pytest.raises(RuntimeError, match="can require gradients"):
        rl.tril_indices(2, 2, requires_grad=True)
    with pytest.raises(TypeError, match=r"hsplit\(\) takes either indices or sections"):
        x.hsplit()


def test_functions_of_methods_in_place():
    x = rl.tensor([4, 6])
    assert rl.gcd_(x, rl.tensor([6, 9])).tolist() == [2, 3] and rl.lcm_(x, rl.tensor([3, 2])).tolist() == [6, 6]
    y = rl.ones(2)
    assert rl.ldexp_(y, rl.tensor([1, 2])) is y and y.tolist() == [2, 4]
    assert rl.addmv_(y, rl.eye(2), rl.ones(2)).tolist() == [3, 5]
    assert rl.conj_physical_(rl.tensor([1j])).tolist() == [-1j]
    assert rl.as_strided_(y, (1,), (1,)).tolist() == [3]


def test_dim_order_may_be_ambiguous():
    x = rl.ones(1, 2)
    assert x.dim_order() == rl.ones(2, 3).dim_order(ambiguity_check=True) == (0, 1)
    assert x.dim_order(ambiguity_check=[rl.contiguous_format]) == (0, 1)
    with pytest.raises(RuntimeError, match="The tensor does not have unique dim order"):
        x.dim_order(ambiguity_check=True)
    with pytest.raises(TypeError, match="ambiguity_check argument must be a bool or a list of memory formats"):
        x.dim_order(ambiguity_check=3)


def test_from_dlpack_copies_on_demand():
    array = np.ones(2)
    assert np.may_share_memory(rl.from_dlpack(array).numpy(), array)
    assert not np.may_share_memory(rl.from_dlpack(array, copy=True).numpy(), array)
    with pytest.raises(AssertionError, match="CUDA"):
        rl.from_dlpack(array, device="cuda")


def test_sums_of_bools_are_whole_numbers():
    assert rl.tensor(True).sum_to_size(()).dtype is rl.int64
    assert rl.ones(2, dtype=rl.int32).sum_to_size(()).dtype is rl.int64
    assert math.isclose(rl.ones(2, 3).sum_to_size(1, 3).sum(), 6)
