"""Programs that are refused, run by PyTorch and by us.

Each is a generator: it yields the tensors that it must leave as they are, and then does what is refused.
"""

import inspect
import warnings

import pytest

import rushlight as rl
from beside import first_sentence


def collector(programs):
    """A decorator for programs: what they raise, the lines of them that are to be named, and words of the notes."""

    def refused(kind, sentence, *lines, told=()):
        def add(program):
            programs.append(pytest.param((program, kind, sentence, lines, told), id=program.__name__))
            return program

        return add

    return refused


def as_tests(programs):
    """The two tests of a list of programs: that they are refused, and as PyTorch refuses them."""

    @pytest.mark.parametrize("refusal", programs)
    def test_refused(refusal):
        check(refusal)

    @pytest.mark.parity
    @pytest.mark.parametrize("refusal", programs)
    def test_as_in_pytorch(refusal):
        check_beside(refusal, pytest.importorskip("torch"))

    return test_refused, test_as_in_pytorch


def provoked(m, program):
    """What the program raises, and whether the tensors that it yielded are bit for bit what they were."""
    running = program(m)
    watched = next(running)
    before = [held(x) for x in watched]
    with pytest.raises(Exception) as caught:
        next(running)
    return caught.value, before == [held(x) for x in watched]


def held(tensor):
    """The bits of a tensor and of its gradient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grad = tensor.grad
    parts = [x if x is None else x.detach().numpy() for x in (tensor, grad)]
    return [None if a is None else (a.shape, a.dtype.str, a.tobytes()) for a in parts]


def check(refusal):
    """The type, the sentence, the lines and the remedy; nothing is written."""
    program, kind, sentence, lines, told = refusal
    error, untouched = provoked(rl, program)
    assert type(error) is kind
    assert str(error).replace("rushlight", "torch").startswith(sentence)
    assert untouched
    text = "\n".join((str(error), *getattr(error, "__notes__", ())))
    source, first = inspect.getsourcelines(program)
    for line in lines:
        (number,) = [first + i for i, code in enumerate(source) if code.strip() == line]
        assert f"{inspect.getfile(program)}:{number}, in {program.__name__}: {line}" in text
    if told:
        assert "Remedy: " in text
    for words in told:
        assert words in text.replace("rushlight", "torch")


def check_beside(refusal, torch):
    """PyTorch refuses the program too, by the same type and sentence."""
    program, kind, sentence, _, _ = refusal
    theirs, _ = provoked(torch, program)
    ours, _ = provoked(rl, program)
    assert type(ours) is type(theirs) is kind
    assert first_sentence(str(ours)) == first_sentence(str(theirs))
    assert str(theirs).startswith(sentence)
