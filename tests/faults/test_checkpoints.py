"""Files that would run code, grow, or are damaged; states that do not fit: all of it is refused, and nothing changes."""

import io
import os
import pickle
import subprocess
import sys
import zipfile
import zlib

import pytest

import rushlight as rl
from rushlight import nn, optim

from .hostile import CLEAR, archive, load, peak, reference, tensor, written


class Runs:
    """A pickle of it calls os.system."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["archive", "old"])
def test_a_pickle_that_runs_code_is_refused_by_name(tmp_path, options):
    ran = tmp_path / "ran"
    data = written({"x": rl.ones(2), "y": Runs(ran)}, **options)
    with pytest.raises(
        pickle.UnpicklingError, match=r"^Weights only load failed\..* GLOBAL (posix|nt)\.system"
    ) as caught:
        load(data)
    assert "RL701" in "".join(caught.value.__notes__)
    assert not ran.exists()


def test_a_plain_pickle_is_refused_too(tmp_path):
    ran = tmp_path / "ran"
    for protocol in range(6):
        with pytest.raises(CLEAR):
            load(pickle.dumps(Runs(ran), protocol))
    assert not ran.exists()


def test_running_it_all_the_same_is_refused(tmp_path):
    ran = tmp_path / "ran"
    with pytest.raises(RuntimeError, match="would run whatever the file asks for"):
        rl.load(io.BytesIO(written(Runs(ran))), weights_only=False)
    assert not ran.exists()


def test_a_small_file_that_inflates_to_gigabytes_is_refused_from_its_directory():
    size = 3 << 30
    # What zlib makes of zeros repeats itself: a piece in the middle stands for as much as one likes.
    bomb = bytearray(
        archive(tensor(reference(count=1 << 22), size=(1 << 22,)), {"0": bytes(1 << 24)}, zipfile.ZIP_DEFLATED)
    )
    at = bomb.rindex(b"PK\1\2")
    bomb[at + 24 : at + 28] = size.to_bytes(4, "little")
    most, error = peak(load, bytes(bomb))
    assert isinstance(error, RuntimeError)
    assert "is compressed, which no record of a checkpoint is" in str(error)
    assert most < 1 << 20


WHOLE = {
    "archive": written({"x": rl.arange(300.0), "y": [1, "two"]}),
    "old": written({"x": rl.arange(300.0), "y": [1, "two"]}, _use_new_zipfile_serialization=False),
}
SPOILED = {
    "empty": lambda data: b"",
    "garbage": lambda data: bytes([(i * 37 + 11) % 256 for i in range(500)]),
    "text": lambda data: b"<html>404 Not Found</html>",
    "half": lambda data: data[: len(data) // 2],
    "without the last byte": lambda data: data[:-1],
    "without the first byte": lambda data: data[1:],
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("spoil", SPOILED)
def test_a_damaged_file_is_one_clear_error_with_the_path_and_the_reason(kind, spoil, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(SPOILED[spoil](WHOLE[kind]))
    with pytest.raises(CLEAR) as caught:
        rl.load(path)
    told = str(caught.value)
    assert len(told) > 40
    assert caught.value.__cause__ is None or "\n" not in told
    if not isinstance(caught.value, pickle.UnpicklingError):
        assert "weights.pt" in told


def test_every_flipped_bit_of_a_storage_is_found():
    data = WHOLE["archive"]
    begin = data.index(rl.arange(300.0).numpy().tobytes())
    for place in range(begin, begin + 1200, 151):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(RuntimeError, match="its checksum differs"):
            load(bytes(changed))


def test_every_flipped_bit_of_the_pickle_is_found():
    data = WHOLE["archive"]
    pickled = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    begin = data.index(pickled)
    for place in range(begin, begin + len(pickled), 7):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(RuntimeError, match="its checksum differs"):
            load(bytes(changed))
    assert zlib.crc32(pickled)


# -- states of modules
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def values(module):
    return {name: value.tolist() for name, value in module.state_dict().items()}


def spoiled(change):
    state = model().state_dict()
    change(state)
    return state


WRONG = {
    "missing": (lambda s: s.pop("2.bias"), r'Missing key\(s\) in state_dict: "2.bias"'),
    "extra": (lambda s: s.update(extra=rl.ones(1)), r'Unexpected key\(s\) in state_dict: "extra"'),
    "misshapen": (
        lambda s: s.update({"2.weight": rl.ones(2, 2)}),
        r"size mismatch for 2.weight: copying a param with shape",
    ),
    "no tensor": (lambda s: s.update({"2.bias": [1.0]}), r'While copying the parameter named "2.bias", expected'),
}


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_a_state_that_does_not_fit_changes_nothing(name, assign):
    change, sentence = WRONG[name]
    module, state = model(), spoiled(change)
    before, objects = values(module), dict(module.named_parameters())
    with pytest.raises(RuntimeError, match=r"^Error\(s\) in loading state_dict for Sequential:\n\t" + sentence):
        module.load_state_dict(state, assign=assign)
    assert values(module) == before
    assert all([parameter is objects[name] for name, parameter in module.named_parameters()])


def test_several_faults_are_told_at_once():
    state = spoiled(lambda s: (s.pop("2.bias"), s.update(extra=rl.ones(1), **{"0.bias": rl.ones(7)})))
    with pytest.raises(RuntimeError) as caught:
        model().load_state_dict(state)
    for words in ("2.bias", "extra", "size mismatch for 0.bias"):
        assert words in str(caught.value)


def test_memory_that_cannot_be_written_changes_nothing():
    module = model()
    module[2].bias.data = rl.zeros(1)
    module[2].bias._array.flags.writeable = False
    before = values(module)
    with pytest.raises(RuntimeError, match=r'While copying the parameter named "2.bias".* an exception occurred'):
        module.load_state_dict(spoiled(lambda s: s.update({"0.bias": rl.ones(3)})))
    assert values(module) == before


class Refusing(nn.Module):
    """Has a state of its own that it does not take back."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def get_extra_state(self):
        return {"version": 1}

    def set_extra_state(self, state):
        raise KeyError("version 2")


@pytest.mark.parametrize("assign", [False, True])
def test_a_module_that_refuses_its_own_state_changes_nothing(assign):
    module = nn.Sequential(nn.Linear(2, 2), Refusing(), nn.Linear(2, 2))
    state = {name: rl.full_like(v, 9.0) if isinstance(v, rl.Tensor) else v for name, v in module.state_dict().items()}
    before = [(parameter, parameter.tolist()) for parameter in module.parameters()]
    with pytest.raises(KeyError, match="version 2"):
        module.load_state_dict(state, assign=assign)
    assert all([now is then and now.tolist() == value for now, (then, value) in zip(module.parameters(), before)])


def test_whole_numbers_cannot_take_the_place_of_a_parameter():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    state = module.state_dict()
    state["0.bias"], state["1.bias"] = rl.ones(2), rl.tensor([1, 2])
    first = module[0].bias
    with pytest.raises(RuntimeError, match="floating point"):
        module.load_state_dict(state, assign=True)
    assert module[0].bias is first


# -- states of optimizers
def stepped(cls, shape=(3, 2), **options):
    parameter = nn.Parameter(rl.ones(shape))
    parameter.grad = rl.ones(shape)
    optimizer = cls([parameter], **options)
    optimizer.step()
    return optimizer


PAIRS = [
    (optim.Adam, optim.SGD),
    (optim.SGD, optim.Adam),
    (optim.RMSprop, optim.Adam),
    (optim.Adagrad, optim.Adadelta),
    (optim.SparseAdam, optim.Adam),
    (optim.Adam, optim.NAdam),
    (optim.ASGD, optim.Rprop),
]


@pytest.mark.parametrize("saved, loading", PAIRS, ids=lambda cls: cls.__name__)
def test_the_state_of_another_optimizer_is_refused_when_it_is_loaded(saved, loading):
    state = stepped(saved).state_dict()
    optimizer = stepped(loading)
    before = str(optimizer.state_dict())
    with pytest.raises(
        ValueError, match=r"^loaded state dict belongs to another optimizer: .*" + loading.__name__
    ) as caught:
        optimizer.load_state_dict(state)
    assert caught.value.code == "RL422"
    assert str(optimizer.state_dict()) == before
    optimizer.step()


@pytest.mark.parametrize("cls", [optim.Adam, optim.Adagrad, optim.Rprop, optim.SparseAdam, optim.Muon])
@pytest.mark.parametrize("shape", [(4, 5), (3, 1)], ids=str)
def test_the_state_of_other_parameters_is_refused_when_it_is_loaded(cls, shape):
    optimizer = stepped(cls)
    before = str(optimizer.state_dict())
    with pytest.raises(
        ValueError, match=r"^loaded state dict belongs to other parameters: .* of parameter 0 has the shape"
    ):
        optimizer.load_state_dict(stepped(cls, shape).state_dict())
    assert str(optimizer.state_dict()) == before


SAVING = """
import sys, rushlight as rl
for i in range(60):
    rl.save(rl.full((5000,), float(i)), sys.argv[1])
"""


def test_a_file_that_is_being_replaced_is_the_old_one_or_the_new_one(tmp_path):
    path = tmp_path / "weights.pt"
    rl.save(rl.zeros(5000), path)
    seen = set()
    with subprocess.Popen([sys.executable, "-c", SAVING, str(path)]) as saving:
        while saving.poll() is None:
            found = rl.load(path)
            assert (found == found[0]).all()
            seen.add(found[0].item())
    assert saving.returncode == 0
    assert len(seen) > 1
