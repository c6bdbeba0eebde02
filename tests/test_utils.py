"""The small modules of utils: handles of hooks, hooks that pickles leave out, DLPack capsules."""

import gc
import pickle

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils import dlpack, hooks


# -- hooks
def test_a_handle_takes_out_what_stands_under_its_id():
    first, second, third = {}, {}, {}
    for extra in (None, second, [second, third]):
        handle = hooks.RemovableHandle(first, extra_dict=extra)
        first[handle.id] = second[handle.id] = third[handle.id] = "hook"
        with handle:
            assert "hook" in first.values()
        assert first == {}
        assert (second == {}, third == {}) == (extra is not None, isinstance(extra, list))
        second.clear()
        third.clear()


def test_handles_are_those_of_tensors_and_modules():
    x = rl.ones(2, requires_grad=True)
    assert isinstance(x.register_hook(print), hooks.RemovableHandle)
    assert isinstance(rl.nn.Linear(1, 1).register_forward_hook(print), hooks.RemovableHandle)


def test_a_marked_hook_is_left_out_without_a_warning():
    x = rl.ones(2, requires_grad=True)

    @hooks.unserializable_hook
    def marked(grad):
        pass

    x.register_hook(marked)
    assert pickle.loads(pickle.dumps(x)).tolist() == [1, 1]
    hooks.warn_if_has_hooks(x)
    x.register_hook(lambda grad: None)
    with pytest.warns(UserWarning, match="on tensor will not be serialized") as caught:
        hooks.warn_if_has_hooks(x)
    assert len(caught) == 1


# -- DLPack
@pytest.mark.parametrize("make", [lambda: rl.arange(6.0).reshape(2, 3).t(), lambda: rl.ones(0, 2), lambda: rl.ones(())])
def test_a_capsule_is_the_memory_of_the_tensor(make):
    x = make()
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.stride() == x.stride() or x.numel() == 0
    y.fill_(7)
    assert x.tolist() == y.tolist()
    del x
    gc.collect()
    assert (y == 7).all()


def test_a_capsule_is_taken_once():
    capsule = dlpack.to_dlpack(rl.ones(2))
    rl.from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="from_dlpack received an invalid capsule"):
        rl.from_dlpack(capsule)


def test_a_capsule_that_says_that_it_may_not_be_written():
    array = np.ones(2)
    assert rl.from_dlpack(array.__dlpack__(max_version=(1, 0))).add_(1).tolist() == [2, 2]
    array.flags.writeable = False
    x = rl.from_dlpack(array.__dlpack__(max_version=(1, 0)))
    with pytest.raises(ValueError, match="read-only"):
        x.add_(1)


@pytest.mark.parity
def test_capsules_go_both_ways():
    torch = pytest.importorskip("torch")
    from torch.utils.dlpack import DLDeviceType, to_dlpack

    theirs = torch.arange(3.0)
    ours = rl.from_dlpack(to_dlpack(theirs))
    ours.add_(1)
    assert theirs.tolist() == ours.tolist() == [1, 2, 3]
    torch.from_dlpack(dlpack.to_dlpack(ours)).mul_(2)
    assert theirs.tolist() == [2, 4, 6]
    assert {d.name: int(d) for d in dlpack.DLDeviceType} == {d.name: int(d) for d in DLDeviceType}
