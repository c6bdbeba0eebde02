"""What an exception in a module tells: the module, what it was given, and where it is in the model."""

import gc
import pickle
import weakref

import pytest

import rushlight as rl
from rushlight import nn


def notes(run, kind=RuntimeError):
    with pytest.raises(kind) as caught:
        run()
    return [note for note in caught.value.__notes__ if " got an input" in note or " got inputs" in note]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_LANG", "en")


@pytest.mark.parametrize(
    ("layer", "inputs", "kind", "told"),
    [
        (
            nn.Linear(3, 2),
            [rl.ones(2, 4)],
            RuntimeError,
            "Linear(in_features=3, out_features=2, bias=True) got an input of shape (2, 4)",
        ),
        (
            nn.Conv2d(3, 4, 2),
            [rl.ones(1, 1, 5, 5)],
            RuntimeError,
            "Conv2d(3, 4, kernel_size=(2, 2), stride=(1, 1)) got an input of shape (1, 1, 5, 5)",
        ),
        (
            nn.LayerNorm(3),
            [rl.ones(2)],
            RuntimeError,
            "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True) got an input of shape (2,)",
        ),
        (
            nn.BatchNorm1d(3),
            [rl.ones(2)],
            ValueError,
            "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True) got an input "
            "of shape (2,)",
        ),
        (nn.Embedding(3, 2), [rl.tensor([5])], IndexError, "Embedding(3, 2) got an input of shape (1,)"),
        (
            nn.CrossEntropyLoss(),
            [rl.ones(2, 3), rl.tensor([0])],
            ValueError,
            "CrossEntropyLoss() got inputs of shapes (2, 3) and (1,)",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_layer_and_the_shapes_are_told(layer, inputs, kind, told):
    assert notes(lambda: layer(*inputs), kind) == [told]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(4, 1)) for _ in range(2)])

    def forward(self, x, y=None):
        for layer in self.layers:
            layer(x)


def test_the_path_is_told_from_the_outermost_module():
    (told,) = notes(lambda: Net()(rl.ones(5, 2)))
    assert (
        told == "Linear(in_features=4, out_features=1, bias=True) got an input of shape (5, 3); it is layers.0.2 of Net"
    )
    (told,) = notes(lambda: nn.Sequential(nn.Identity(), Net())(rl.ones(5, 2)))
    assert told.endswith("; it is 1.layers.0.2 of Sequential")


def test_a_module_that_is_no_part_of_the_next_is_told_without_a_path():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = [Net()]

        def forward(self, x):
            self.hidden[0](x)

    (told,) = notes(lambda: Holder()(rl.ones(5, 2)))
    assert told.endswith("; it is layers.0.2 of Net")


def test_what_a_module_does_itself_is_told_of_it():
    class Adds(nn.Module):
        def forward(self, x, *, other):
            return x + other

    (told,) = notes(lambda: Adds()(rl.ones(2), other=rl.ones(3)))
    assert told == "Adds() got inputs of shapes (2,) and (3,)"


def test_the_sentence_stays_and_hooks_change_nothing():
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda *_: None)
    layer.register_full_backward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match=r"^mat1 and mat2 shapes cannot be multiplied \(2x4 and 3x2\)") as caught:
        layer(rl.ones(2, 4))
    assert "got an input of shape (2, 4)" in caught.value.__notes__[-1]


def test_chinese(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_LANG", "zh")
    with pytest.raises(RuntimeError) as caught:
        Net()(rl.ones(5, 2))
    assert caught.value.__notes__[-1] == (
        "Linear(in_features=4, out_features=1, bias=True) 的输入形状为 (5, 3)；它是 Net 中的 layers.0.2"
    )


def test_a_programs_own_exceptions_are_left_alone():
    class Leave(RuntimeError):
        pass

    class Raises(nn.Module):
        def forward(self, x):
            raise Leave

    with pytest.raises(Leave) as caught:
        nn.Sequential(Raises())(rl.ones(1))
    assert not hasattr(caught.value, "__notes__")


def test_an_exception_sent_to_another_process_leaves_the_model_behind():
    net = Net()
    net.unsendable = lambda: None
    with pytest.raises(RuntimeError) as caught:
        net(rl.ones(5, 2))
    sent = pickle.loads(pickle.dumps(caught.value))
    assert sent.args == caught.value.args
    with pytest.raises(RuntimeError):
        Raising(sent)(rl.ones(1))


def test_an_exception_keeps_no_model_alive():
    net = Net()
    with pytest.raises(RuntimeError) as caught:
        net(rl.ones(5, 2))
    error, alive = caught.value.with_traceback(None), weakref.ref(net)
    del caught, net
    gc.collect()
    assert alive() is None
    assert error._rushlight_place.found() is None


class Raising(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


def test_an_exception_that_is_raised_again_keeps_its_place():
    """The same object through another call, as a program that keeps it may do."""
    net = Net()
    with pytest.raises(RuntimeError) as caught:
        net(rl.ones(5, 2))
    assert len(notes(lambda: Raising(caught.value)(rl.ones(1)))) == 1


def test_calls_are_short_again_when_the_hooks_are_gone():
    layer = nn.Linear(1, 1)
    own = layer.register_forward_hook(lambda *_: None)
    for_all = nn.modules.module.register_module_forward_hook(lambda *_: None)
    layer(rl.ones(1))
    assert layer._hooked and nn.Linear(1, 1)._hooked
    own.remove()
    for_all.remove()
    layer(rl.ones(1))
    assert not layer._hooked and not nn.Linear(1, 1)._hooked
