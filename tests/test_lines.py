"""Errors name the lines of the program: where a value was made, where it was overwritten, and what to do."""

import os
import sys

import pytest

import rushlight as rl


def here(offset):
    """'test_lines.py:<line of the caller>'."""
    return f"{os.path.basename(__file__)}:{sys._getframe(1).f_lineno + offset}"


def notes(error):
    return "\n".join(getattr(error, "__notes__", []))


@pytest.fixture
def x():
    return rl.tensor([1.0, 2.0], requires_grad=True)


def test_a_value_spoiled_in_place(x):
    y = x.exp()
    made = here(-1)
    y.mul_(2)
    spoiled = here(-1)
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    text = notes(caught.value)
    assert f"{made}, in test_a_value_spoiled_in_place: y = x.exp()" in text
    assert f"{spoiled}, in test_a_value_spoiled_in_place: y.mul_(2)" in text
    assert "clone()" in text
    assert str(caught.value).startswith("one of the variables needed for gradient computation has been modified")
    assert made not in str(caught.value)


def test_the_last_write_is_named(x):
    y = x.exp()
    y.mul_(2)
    y.mul_(3)
    last = here(-1)
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert last in notes(caught.value)


def test_a_graph_freed(x):
    y = x * x
    made = here(-1)
    y.sum().backward()
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert made in notes(caught.value)
    assert "retain_graph=True" in notes(caught.value)


def test_a_leaf_written_says_what_to_do(x):
    with pytest.raises(RuntimeError) as caught:
        x.add_(1)
    assert "no_grad" in notes(caught.value)


def test_the_line_is_the_users_and_not_the_packages(x):
    node = rl.stack([x, x]).grad_fn
    assert node.line()[0] == __file__


def test_no_frame_is_kept(x):
    import weakref

    class Big:
        pass

    def compute():
        big = Big()
        return x * 2, weakref.ref(big)

    y, gone = compute()
    assert y.requires_grad
    assert gone() is None
