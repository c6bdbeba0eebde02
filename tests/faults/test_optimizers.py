"""What optimizers cannot be made of, each refused in words that say why, before anything has changed."""

import math
import warnings

import pytest

import rushlight as rl
from rushlight import nn, optim

OPTIMIZERS = [
    optim.SGD, optim.Adam, optim.AdamW, optim.Adagrad, optim.Adadelta, optim.Adamax, optim.NAdam, optim.RAdam, optim.RMSprop,
    optim.Rprop, optim.ASGD, optim.LBFGS, optim.Adafactor, optim.SparseAdam, optim.Muon,
]  # fmt: skip
every = pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
GROUPED = pytest.mark.parametrize(
    "cls", [cls for cls in OPTIMIZERS if cls is not optim.LBFGS], ids=lambda cls: cls.__name__
)


def parameter():
    return nn.Parameter(rl.ones(2, 2))


@every
@pytest.mark.parametrize("none", [[], iter(()), nn.ReLU().parameters()], ids=["list", "iterator", "module"])
def test_no_parameters(cls, none):
    with pytest.raises(ValueError, match=r"^optimizer got an empty parameter list") as caught:
        cls(none)
    assert caught.value.code == "RL417"


@every
@pytest.mark.parametrize("lr", [-1.0, -1e-9, math.nan, rl.tensor(-1.0)], ids=str)
def test_a_rate_that_is_negative_or_no_number(cls, lr):
    with pytest.raises(ValueError, match=r"^(Invalid learning rate|Learning rate should be >= 0 but is): "):
        cls([parameter()], lr=lr)


@every
@pytest.mark.parametrize("lr", ["0.1", [0.1], 1j], ids=str)
def test_a_rate_that_is_a_text(cls, lr):
    with pytest.raises(TypeError, match=r"not supported between instances of .*: the learning rate is ") as caught:
        cls([parameter()], lr=lr)
    assert caught.value.code == "RL420"


@every
def test_a_rate_of_several(cls):
    with pytest.raises(ValueError, match=r"^Tensor lr must be 1-element"):
        cls([parameter()], lr=rl.tensor([0.1, 0.2]))


@GROUPED
@pytest.mark.parametrize(
    "lr, error", [(-1.0, ValueError), (math.nan, ValueError), ("0.1", TypeError), (None, TypeError)]
)
def test_the_rate_of_a_group_is_checked_too(cls, lr, error):
    good = parameter()
    optimizer = cls([good])
    with pytest.raises(error, match=r"learning rate"):
        cls([{"params": [parameter()], "lr": lr}])
    with pytest.raises(error, match=r"learning rate"):
        optimizer.add_param_group({"params": [parameter()], "lr": lr})
    assert [group["params"] for group in optimizer.param_groups] == [[good]]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda p: optim.SGD(p, momentum=math.nan), "Invalid momentum value: nan"),
        (lambda p: optim.SGD(p, weight_decay=-1), "Invalid weight_decay value: -1"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.Adam(p, betas=(math.nan, 0.9)), "Invalid beta parameter at index 0: nan"),
        (lambda p: optim.Adam(p, eps=math.nan), "Invalid epsilon value: nan"),
        (lambda p: optim.AdamW(p, weight_decay=math.nan), "Invalid weight_decay value: nan"),
        (lambda p: optim.RMSprop(p, alpha=-0.5), "Invalid alpha value: -0.5"),
    ],
)
def test_other_numbers_out_of_range(make, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        make([parameter()])


@every
def test_a_tensor_that_was_computed(cls):
    with pytest.raises(ValueError, match=r"^can't optimize a non-leaf Tensor") as caught:
        cls([parameter() * 2])
    assert caught.value.code == "RL418"


@GROUPED
def test_a_parameter_in_two_groups(cls):
    p = parameter()
    with pytest.raises(ValueError, match=r"^some parameters appear in more than one parameter group") as caught:
        cls([{"params": [p]}, {"params": [p]}])
    assert caught.value.code == "RL421"


@GROUPED
def test_a_parameter_twice_in_a_group(cls):
    p = parameter()
    with pytest.warns(UserWarning, match=r"^optimizer contains a parameter group with duplicate parameters"):
        cls([p, p])


@every
def test_a_misspelt_argument(cls):
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'learning_rate'"):
        cls([parameter()], learning_rate=0.1)


@pytest.mark.parametrize(
    "cls, key, meant",
    [
        (optim.SGD, "learning_rate", "lr"),
        (optim.SGD, "LR", "lr"),
        (optim.SGD, "momentun", "momentum"),
        (optim.Adam, "weight_deacy", "weight_decay"),
        (optim.Adam, "beta", "betas"),
    ],
)
def test_a_misspelt_key_of_a_group(cls, key, meant):
    with pytest.warns(
        UserWarning, match=f"^a parameter group has the option '{key}', .* did you mean '{meant}'"
    ) as caught:
        cls([{"params": [parameter()], key: 0.1}])
    assert len(caught) == 1


def test_keys_of_the_users_own_are_left_alone():
    own = {"name": "head", "initial_lr": 0.1, "lr_scale": 2.0, "layer": 3, "max_lr": 1.0, "wd_mult": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = optim.AdamW([{"params": [parameter()], **own}])
    assert own.items() <= optimizer.param_groups[0].items()


def test_a_group_without_params():
    with pytest.raises(KeyError, match=r"^'params'") as caught:
        optim.SGD([{"param": [parameter()]}])
    assert caught.value.code == "RL419"


@pytest.mark.parametrize(
    "params, words",
    [
        (parameter(), "params argument given to the optimizer should be an iterable of Tensors or dicts, but got"),
        ("ab", "optimizer can only optimize Tensors, but one of the params is str"),
        ([nn.Linear(2, 2)], "optimizer can only optimize Tensors, but one of the params is"),
        ([None], "optimizer can only optimize Tensors, but one of the params is NoneType"),
        ([{"params": {parameter()}}], "optimizer parameters need to be organized in ordered collections"),
        (None, "'NoneType' object is not iterable"),
        (nn.Linear(2, 2), "'Linear' object is not iterable"),
    ],
)
def test_what_is_no_parameters(params, words):
    with pytest.raises(TypeError, match=f"^{words}"):
        optim.SGD(params)


@pytest.mark.parity
@pytest.mark.parametrize("lr", ["0.1", None, [0.1], -1.0, 1j], ids=str)
@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adagrad"])
def test_pytorch_begins_with_the_same_words(name, lr):
    torch = pytest.importorskip("torch")
    said = []
    for module in (torch, rl):
        with pytest.raises((TypeError, ValueError)) as caught:
            getattr(module.optim, name)([module.nn.Parameter(module.ones(2))], lr=lr)
        said.append((caught.type, str(caught.value)))
    assert said[0][0] is said[1][0]
    assert said[1][1].startswith(said[0][1])
