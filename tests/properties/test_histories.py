"""A machine that computes, looks at parts, writes in place, changes modes, hooks and differentiates, beside PyTorch.

After each step all tensors agree in value, version, leafness, history (the name of its node), gradient and whether they
are views; where PyTorch refuses so do we, with the same type and sentence. The steps are those of test_programs.py and
test_programs_hooked.py, and more. What docs/differences.md lists besides ends a run without verdict.
"""

import copy
import re

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from programs import Programs, equalize, tensors

import rushlight as rl
from beside import first_sentence
from test_programs import NAMES, STEPS
from test_programs_hooked import ALSO_KNOWN, HOOKED

pytestmark = pytest.mark.parity


def given(a, field, value):
    setattr(a, field, value)


def inference(m, run):
    with m.inference_mode():
        return run()


def loudly(m, run):
    """With gradients, within a part without."""
    with m.no_grad(), m.enable_grad():
        return run()


NAMES = NAMES | {"given": given, "inference": inference, "loudly": loudly, "deepcopy": copy.deepcopy}
MORE = {
    "views": [
        "a.detach()",
        "a.data",
        "a[...]",
        "a.view_as(a)",
        "a.view(-1)",
        "a.unbind(-1)[-1]",
        "a.split(1)[0]",
        "a.T",
        "a.select(0, -1)",
        "a.narrow(0, 0, 1)",
        "a.unfold(-1, 2, 2)",
        "a.as_strided((2,), (1,)) if a.numel() else a",
        "a.real",
        "a.expand_as(b)",
        "a.contiguous()",
        "a[None, ..., 0:1]",
        "quietly(m, lambda: a.view(-1))",
        "loudly(m, lambda: a[..., 0])",
        "inference(m, lambda: a[0])",
        "a.detach()[0]",
        "a.requires_grad_()[0]",
    ],
    "values": [
        "a.max(0).values",
        "m.sort(a.contiguous(), 0).values",
        "m.cat([a, b], 0)",
        "m.stack([a, a])",
        "a.flip(0)",
        "a @ a.T",
        "a.norm()",
        "a.float()",
        "inference(m, lambda: a * 2)",
        "loudly(m, lambda: a * b)",
        "deepcopy(a).sum()",
        "a.clamp(-1, 1)",
        "a.detach().clone().requires_grad_()",
        "m.zeros_like(a, requires_grad=True)",
        "a.where(a > 0, b)",
        "a.std(0) * 1",
        "m.lerp(a, b, 0.25)",
        "a.index_select(0, m.tensor([0, 0]))",
    ],
    "writes": [
        "a.pow_(2)",
        "a.sqrt_()",
        "a.relu_()",
        "a.fill_(0.5)",
        "a.fill_(b.sum())",
        "a.masked_fill_(a > 0, 1)",
        "a.index_fill_(0, m.tensor([0]), 2)",
        "a.index_add_(0, m.tensor([0]), a[:1].clone())",
        "a.tril_()",
        "a.addcmul_(b.clone(), b.clone())",
        "a.lerp_(b.clone(), 0.5)",
        "a.sigmoid_()",
        "a.transpose(0, -1).add_(1)",
        "a[..., 0].mul_(b.detach().sum())",
        "a.view(-1)[1:].sin_()",
        "a.detach().add_(1)",
        "a.data.add_(1)",
        "quietly(m, lambda: a.copy_(b.clone()))",
        "quietly(m, lambda: a.zero_())",
        "loudly(m, lambda: a.mul_(3))",
        "a.copy_(b.float())",
        "m.add(a, b, out=a.detach().clone())",
        "m.mul(a.detach(), 2, out=a)",
        "inference(m, lambda: a.add_(1))",
        "a.unbind(0)[0].mul_(2)",
        "a.squeeze().exp_()",
        "a.put_(m.tensor([0]), b.detach().sum())",
        "write(a, None, b.clone())",
        "write(a, [0], 3.0)",
    ],
    "settings": [
        "a.requires_grad_()",
        "a.requires_grad_()",
        "a.requires_grad_(False)",
        "a.detach_()",
        "a.retain_grad()",
        "a.unsqueeze_(0)",
        "a.squeeze_()",
        "a.t_()",
        "a.transpose_(0, -1)",
        "given(a, 'data', b.detach().clone().reshape(a.shape))",
        "given(a, 'grad', None)",
        "given(a, 'grad', m.ones_like(a))",
        "given(a, 'grad', b)",
    ],
    "backward": [
        "a.backward()",
        "a.backward(m.ones_like(a), retain_graph=True)",
        "a.backward(b.detach().clone())",
        "a.sum().backward(inputs=[b])",
        "m.autograd.grad(a.sum(), b, retain_graph=True)[0].clone()",
        "m.autograd.grad(a.sum(), b)[0].clone()",
        "m.autograd.grad((a * a).sum(), b, create_graph=True)[0].clone()",
        "m.autograd.grad([a.sum(), b.sum()], [a], retain_graph=True)[0].clone()",
        "m.autograd.backward([a.sum(), (b * b).sum()], retain_graph=True)",
    ],
}
# Here what was saved is that still when its tensor is detached, detach() does not open inference tensors, a detached view
# does not know what lies around it, nor one whose data was replaced; gradients are row-major; and a checkpoint does not
# mind that less is saved, but does that what it depends on wants a gradient by now.
KNOWN = (
    *ALSO_KNOWN,
    "detached in-place",
    "inference tensor outside",
    "setStorage",
    "no memory in common",
    "view size is not compatible",
    "A different number of tensors was saved",
    "Recomputed values for the following tensors",
    "INTERNAL ASSERT",
)
# One of two faults of a line.
EARLY = (*KNOWN, "Inference tensors cannot be saved for backward", "is being modified inplace")
FREED = "Trying to backward through the graph a second time"
# Nodes of their own that PyTorch has for in-place swaps of dimensions.
SWAPPED = re.compile(r"(Transpose|Squeeze|Unsqueeze|T)Backward\d")
# A slice of everything, a swap where there is one dimension, or none, and another shape of what has gaps.
PLAIN_VIEW = re.compile("(Alias|Slice|View|ReshapeAlias)Backward0|Transpose|Unsqueeze")
# What saved the value of a written view.
WRITTEN_VIEW = re.compile(r"output 0 of \w+")
SWAPPED_OUTPUT = re.compile(r"(output 0 of (?:Transpose|Squeeze|Unsqueeze|T))\d")
DIFFERENTIATES = re.compile("backward|grad|gathered|by_edge|mutating")
# PyTorch counts None and ... too. The size is that of now, or of then.
DIMENSION = re.compile(r"for dimension \d|Tensor \[[^]]*\]")


TENSORS = Bundle("tensors")


def doing(steps):
    """A rule that takes one of `steps` with any two tensors, in both."""

    @rule(target=TENSORS, how=st.sampled_from(steps), a=TENSORS, b=TENSORS)
    def taken(self, how, a, b):
        if self.over:
            return multiple()
        names = {"a": a, "b": b, "m": "torch"}
        line = re.sub(r"\b([abm])\b", lambda found: names[found[1]], how)
        before = len(self.programs.first)
        try:
            self.step(line)
        except BaseException:
            self.programs.told()
            raise
        return multiple(*list(self.programs.first)[before:])

    return taken


class Histories(RuleBasedStateMachine):
    tensors = TENSORS

    @initialize(target=TENSORS, shape=st.sampled_from([(3,), (2, 3), (3, 3), (2, 1, 3), ()]), draw=st.data())
    def begin(self, shape, draw):
        self.torch = pytest.importorskip("torch")
        self.programs = Programs(self.torch, rl, names=NAMES)
        self.over = self.half_freed = False
        lines = [draw.draw(tensors(s, "float64")) for s in (shape, (2, 3))]
        for line, tail in zip(lines, (".requires_grad_()", "")):
            self.programs.keep([result for result, _ in self.programs.step(line + tail)])
        return multiple(*self.programs.first)

    def step(self, line):
        theirs, ours = (gradients(pool) for pool in self.programs.pools.values())
        (want, refused), (got, refusal) = self.programs.step(line)
        # The nodes of `inputs` are freed there, too.
        self.half_freed = self.half_freed or "inputs=" in line or (refused is not None and DIFFERENTIATES.search(line))
        if (refused is None) != (refusal is None):
            known = any(words in str(refused or refusal) for words in KNOWN)
            assert known or (self.half_freed and FREED in str(refused)), f"{line}: {refused!r}, {refusal!r}"
            self.over = True
            return
        if refused is not None:
            said = [(type(e).__name__, sentence(e, refused)) for e in (refused, refusal)]
            freed = self.half_freed and FREED in str(refused)
            assert said[0] == said[1] or freed or one_of_two(refused, refusal), (line, said)
            after, still = (gradients(pool) for pool in self.programs.pools.values())
            assert not moved(ours, still), (line, "a gradient after an error")
            # PyTorch refuses to write to an inference tensor when it has written, and in the middle of backward.
            self.over = "inference tensor outside" in str(refused) or moved(theirs, after)
            if self.over:
                return
        elif want is not None and not any(want is t for t in self.programs.first.values()):
            if any(t.is_inference() for n, t in self.programs.first.items() if n in line):
                self.unwritten(want, got)
            self.programs.keep((want, got))
            if self.over:
                return
        self.compare()

    def unwritten(self, want, got):
        """How often the result of inference tensors was written to while it was computed is nobody's business, nor how."""
        self.over = want._is_view() != got._is_view()
        if not want.is_inference() and not want._is_view():
            self.torch._C._autograd._unsafe_set_version_counter((want,), (got._version,))

    def compare(self):
        theirs, ours = self.programs.pools.values()
        for name, want in theirs.items():
            got = ours[name]
            before = described(want, got.is_inference())
            if before is None:
                self.over = True
                return
            after = described(got, got.is_inference())
            if after is None:
                self.over = True
                return
            if {before[5], after[5]} == {"a view", "UnsafeViewBackward0"}:
                # Other strides, after an operation that does not take over those of its input.
                self.over = True
                return
            assert after == before, (name, "PyTorch:", before, "here:", after)
            values_agree(want, got, name)
            equalize(want, got)

    computing = doing(STEPS["unary"] + STEPS["binary"] + MORE["values"])
    reducing = doing(STEPS["reduction"] + HOOKED["checkpoint"] + HOOKED["packed"])
    viewing = doing(STEPS["view"] + MORE["views"])
    writing = doing(STEPS["in place"] + STEPS["write"] + MORE["writes"])
    setting = doing(MORE["settings"] + HOOKED["hook"] + STEPS["without gradients"])
    differentiating = doing(STEPS["backward"] + MORE["backward"] + HOOKED["edge"])


def gradients(pool):
    """The .grad of each leaf, or tensor that retains it, by its name, and how often it was written to."""
    grads = {name: t.grad for name, t in pool.items() if t.retains_grad or leafness(t)}
    return {
        name: (grad, None if grad is None or grad.is_inference() else grad._version) for name, grad in grads.items()
    }


def moved(before, after):
    """Whether any of these gradients has changed."""
    both = [name for name in before if name in after]
    return any(before[name][0] is not after[name][0] or before[name][1] != after[name][1] for name in both)


def leafness(t):
    """Whether it is a leaf; None where PyTorch refuses to say."""
    try:
        return t.is_leaf
    except RuntimeError:
        return None


def sentence(error, refused):
    said = DIMENSION.sub("", SWAPPED_OUTPUT.sub(r"\1", first_sentence(str(error))))
    return WRITTEN_VIEW.sub("", said) if "output 0 of AsStrided" in str(refused) else said


def one_of_two(refused, refusal):
    """Whether a step has two faults, of which each names one."""
    leaf = any("used in an in-place operation" in str(e) for e in (refused, refusal))
    early = leaf or any(words in str(e) for words in EARLY for e in (refused, refusal))
    return early and all(isinstance(e, (RuntimeError, IndexError)) for e in (refused, refusal))


def described(t, inference):
    """What is compared exactly; None where PyTorch refuses to say. It is not sure of the `inference` tensors among them."""
    leaf = leafness(t)
    if leaf is None:
        return None
    node = "" if leaf else t.grad_fn.name()
    counted = (None, None) if inference else (t._version, t._is_view())
    kind = str(t.dtype).partition(".")[2]
    node = SWAPPED.sub(r"\1", node)
    if PLAIN_VIEW.fullmatch(node):
        node = "a view"
    return kind, tuple(t.shape), counted, t.requires_grad, leaf, node, t.retains_grad


def values_agree(want, got, name):
    pairs = [(want, got)]
    if want.is_leaf or want.retains_grad:
        assert (want.grad is None) == (got.grad is None), f"{name}.grad"
        pairs += [(want.grad, got.grad)] if want.grad is not None else []
    for theirs, ours in pairs:
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), 1e-5, 1e-7, err_msg=name)


Histories.TestCase.settings = settings(max_examples=max(25, settings.default.max_examples // 3), stateful_step_count=20)
TestHistories = Histories.TestCase
