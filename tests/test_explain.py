"""explain: each sentence on a small program, with the line that it names."""

import gc
import os
import sys
import weakref

import pytest

import rushlight as rl
from rushlight import autograd, explain
from rushlight.autograd.explaining import memory


def here(offset):
    """'test_explain.py:<line of the caller>'."""
    return f"{os.path.basename(__file__)}:{sys._getframe(1).f_lineno + offset},"


def told(t, loss=None, *parts):
    """Whether one sentence has all of the parts."""
    explanation = explain(t, loss)
    lines = [explanation.head, *explanation.sentences]
    return any(all(part in line for part in parts) for line in lines) or pytest.fail(f"{parts} not in\n{explanation}")


@pytest.fixture
def w():
    return rl.tensor([1.0, 2.0], requires_grad=True)


@pytest.fixture
def x():
    return rl.tensor([3.0, 4.0])


# -- what the tensor itself tells
def test_a_tensor_that_does_not_require_a_gradient(x):
    assert told(x, None, "t does not require a gradient: requires_grad is False.")
    assert told(x, None, "how that was is not known", "explain.recording()")


def test_integers(x):
    assert told(x.long(), None, "Its dtype is rushlight.int64; only floating point and complex tensors have gradients.")


def test_a_leaf_that_nothing_arrived_at(w):
    assert explain(w).head == "t.grad is None."
    assert told(w, None, "backward() has not run on anything that was computed from t, or .grad was set to None")


def test_not_a_leaf(w):
    y = w * 2
    made = here(-1)
    assert told(y, None, "t is not a leaf: `mul` made it at", made)
    assert told(y, None, "call t.retain_grad() before backward")
    y.sum().backward()
    assert told(y, None, "call t.retain_grad() before backward")


def test_a_tensor_that_retains_its_gradient(w):
    y = w * 2
    y.retain_grad()
    assert "retain_grad()" not in explain(y)
    assert told(y, None, "backward() has not run")


def test_a_tensor_of_inference_mode(w):
    with rl.inference_mode():
        inferred = w * 2
    assert told(inferred, None, "It was made under inference_mode")


def test_a_gradient_that_is_fine(w):
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    explanation = explain(w, loss)
    assert explanation.head == "t.grad is finite and not zero."
    assert explanation.sentences == ["The loss depends on t along 2 paths of its graph."]
    assert explain(w).sentences == []
    assert w.grad.tolist() == [2.0, 4.0]


# -- a loss and its graph, nothing recorded
def test_backward_has_not_run(w):
    loss = (w * w).sum()
    assert told(w, loss, "This graph is not freed: backward() has not run on this loss")
    assert w.grad is None


def test_zero_grad_after_backward(w):
    loss = (w * w).sum()
    loss.backward()
    rl.optim.SGD([w], lr=0.1).zero_grad()
    assert told(w, loss, "A backward pass went over this graph and freed it. Either .grad was set to None since")
    assert told(w, loss, "What its backward needs was freed")


def test_never_reached(w, x):
    other = rl.tensor(1.0, requires_grad=True)
    loss = (other * x).sum()
    used = here(-1)
    assert told(w, loss, "No path in the graph of the loss leads to t.")
    assert told(w, loss, "Constants enter the loss in these operations, and perhaps in others:", "`mul` at", used)
    assert told(w, loss, "Which of the two is not known.")


def test_a_view_made_under_no_grad(w):
    def program():
        with rl.no_grad():
            view = w[0]
            program.line = here(-1)
        return view * 2

    assert told(w, program(), "It leads to a view of the same storage that was made under no_grad.")
    assert "Either" not in explain(w, program())
    part, whole = w[0], w.sum()
    assert "It leads to a view" not in explain(part, whole)
    assert told(w, program, "Made under no_grad by `getitem` at", program.line)


def test_a_loss_without_history(w, x):
    loss = (w.detach() * x).sum()
    assert told(w, loss, "The loss does not require a gradient: requires_grad is False.")
    with explain.recording():
        loss = (w.detach() * x).sum()
        cut = here(-1)
    assert told(w, loss, "Cut by .detach() at", cut)


def test_another_output_of_the_same_node(w):
    first, second = w.split(1)
    assert told(second, first.sum(), "No path in the graph of the loss leads to t.")
    assert told(first, first.sum(), "The loss depends on t along 1 path of its graph.")


def test_the_loss_itself(w):
    loss = (w * w).sum()
    assert told(loss, loss, "t is the loss itself.")


# -- cuts, recorded
def cut(w, program, *parts):
    """Whether explain says so of a recorded program, and of a function too."""
    with explain.recording():
        loss = program()
    told(w, loss, *parts)
    return told(w, program, *parts)


def test_cut_by_detach(w, x):
    def program():
        h = w * 2
        k = h.detach()
        program.line = here(-1)
        return (k * x).sum() + x.clone().requires_grad_().sum()

    program()
    assert cut(w, program, "Cut by .detach() at", f"{program.line} in program: k = h.detach()")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda h: h.data, "Cut by .data at"),
        (lambda h: (h * 1).detach_(), "Cut by .detach_() at"),
        (lambda h: rl.nn.Parameter(h), "Cut by Parameter(...)"),
        (lambda h: h.long(), "Cast by `to(rushlight.int64)`, which has no derivative,"),
        (lambda h: h > 0, "Made by `gt`, which has no derivative,"),
        (lambda h: h.argmax(), "Made by `argmax`, which has no derivative,"),
    ],
)
def test_cut_by_a_step(w, x, step, words):
    def program():
        k = step(w * 2)
        program.line = here(-1)
        return (k * x).sum() + x.clone().requires_grad_().sum()

    program()
    line = program.line
    source = step.__code__.co_firstlineno
    assert cut(w, program, words, f"test_explain.py:{source},")
    assert line != source


def test_copied_by_tensor(w, x):
    def program():
        with pytest.warns(UserWarning, match="copy construct"):
            k = rl.tensor(w * 2)
            program.line = here(-1)
        return (k * x).sum()

    program()
    assert cut(w, program, "Cut by tensor(...)", program.line)


@pytest.mark.parametrize(("mode", "words"), [(rl.no_grad, "no_grad"), (rl.inference_mode, "inference_mode")])
def test_made_under_a_mode(w, x, mode, words):
    def program():
        with mode():
            h = w * 2
            program.line = here(-1)
            h = h + 1
        return (h.clone() * x).sum()

    program()
    assert cut(w, program, f"Made under {words} by `mul` at", program.line)


def test_only_the_cut_itself_is_named(w, x):
    def program():
        h = (w * 2).detach()
        return (h.exp() * x).sum()

    found = [sentence for sentence in explain(w, program).sentences if " at " in sentence]
    assert len(found) == 1


def test_an_output_marked_as_constant(w):
    class Constant(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.mark_non_differentiable(y)
            return y

    def program():
        y = Constant.apply(w)
        program.line = here(-1)
        return y.sum()

    program()
    assert cut(w, program, "Made by `Constant`, whose forward marked it as not differentiable, at", program.line)


def test_a_gradient_computed_without_create_graph(w):
    def program():
        (g,) = autograd.grad((w * w).sum(), w)
        program.line = here(-1)
        return (g * 2).sum()

    program()
    assert cut(w, program, "Computed by a backward pass without create_graph=True, so a constant, at", program.line)


@pytest.mark.parametrize(
    ("leave", "words"),
    [(lambda h: h.item(), ".item()"), (lambda h: float(h), ".item()"), (lambda h: h.tolist(), ".tolist()")],
)
@pytest.mark.filterwarnings("ignore:Converting")
def test_values_that_left_the_graph(w, x, leave, words):
    def program():
        number = leave((w * 2).sum())
        return (x * number).sum()

    line = leave.__code__.co_firstlineno
    assert cut(w, program, f"Values that came from t became constants by {words} at", f"test_explain.py:{line},")
    assert told(w, program, "t was not used in computing the loss, as far as that was recorded.")


def test_values_that_came_from_elsewhere_are_not_blamed(w, x):
    other = rl.tensor(2.0, requires_grad=True)
    explanation = explain(w, lambda: (x * other.item() + (w * 0).detach()).sum())
    assert "by .detach()" in explanation
    assert "constants by" not in explanation


def test_a_parameter_that_was_never_used(w, x):
    other = rl.tensor(2.0, requires_grad=True)
    assert told(w, lambda: (x * other).sum(), "t was not used by any operation that was recorded")


def test_requires_grad_came_too_late(x):
    def program():
        y = x * 2
        program.line = here(-1)
        x.requires_grad_()
        return y.sum() + rl.ones(1, requires_grad=True).sum()

    with explain.recording():
        loss = program()
    assert told(x, loss, "t did not require a gradient when `mul` used it at", program.line)


def test_a_cut_before_a_write_in_place(w, x):
    def program():
        buffer = rl.zeros(4)
        part = buffer[1:3]
        part.copy_((w * 2).detach())
        program.line = here(-1)
        return (buffer * rl.ones(4, requires_grad=True)).sum()

    program()
    assert cut(w, program, "Cut by .detach() at", program.line)


def test_zero_grad_in_a_recording(w):
    optimizer = rl.optim.SGD([w], lr=0.1)
    with explain.recording():
        loss = (w * w).sum()
        loss.backward()
        passed = here(-1)
        optimizer.zero_grad()
        dropped = here(-1)
    assert told(w, None, "A backward pass gave it a gradient at", passed)
    assert told(w, None, "zero_grad() was called at", dropped)
    assert told(w, loss, "zero_grad() was called at", dropped)
    with explain.recording():
        (w * w).sum().backward()
        optimizer.zero_grad(set_to_none=False)
        dropped = here(-1)
    assert explain(w).head == "t.grad is zero everywhere."
    assert told(w, None, "zero_grad() was called at", dropped)


def test_grad_leaves_dot_grad_alone(w):
    with explain.recording():
        autograd.grad((w * w).sum(), w)
        passed = here(-1)
    assert told(w, None, "A backward pass gave it a gradient at", passed)
    assert told(w, None, "It is gone: .grad was set to None since; or that pass was autograd.grad()")


def test_an_untracked_tensor_in_a_recording(w):
    with explain.recording():
        y = (w * 2).detach() + 1
        made = here(-1)
        z = rl.ones(2) * 3
        plain = here(-1)
    assert told(y, None, "Cut by .detach() at", made)
    assert told(z, None, "It was made by `mul` at", plain)
    assert told(z, None, "Nothing that it was made of")


# -- gradients that are zero
ZERO = [
    (lambda w: (w - 3).relu().sum(), "`relu` has an input that is not positive"),
    (lambda w: (w * 0).sum(), "`mul` multiplies by zero"),
    (lambda w: (w * rl.zeros(2)).sum(), "`mul` multiplies by zero"),
    (lambda w: (rl.zeros(2) @ w).sum(), "multiplies by zero"),
    (lambda w: w.clamp(5, 6).sum(), "is saturated: its input lies outside of the bounds"),
    (lambda w: rl.where(w > 5, w, 0).sum(), "`where` takes the other branch"),
    (lambda w: rl.where(w < 5, 0.0, w).sum(), "`where` takes the other branch"),
    (lambda w: w.round().sum(), "`round` is constant between its steps, so its derivative is zero"),
    (lambda w: w.sign().sum(), "`sign` is constant between its steps"),
    (lambda w: (w * 100).sigmoid().sum(), "`sigmoid` is saturated: its derivative is zero"),
    (lambda w: (w - w.detach()).square().sum(), "`square` has the derivative zero at 0.0"),
    (lambda w: rl.maximum(w, rl.full((2,), 9.0)).sum(), "`maximum` takes the other operand"),
    (lambda w: (w * 1).zero_().sum(), "`zero` writes other values over it"),
    (lambda w: (w * 1).fill_(2.0).sum(), "`fill` writes other values over it"),
    (lambda w: w.reshape(1, 2).tril(-1).sum(), "`tril` takes nothing from this input there"),
    (lambda w: (w * 1e-30 * 1e-30).sum(), "`mul` gives a product too small for its dtype"),
    (
        lambda w: (w.sum() * rl.tensor([1.0, -1.0])).sum(),
        "adds up to zero over the elements that broadcasting repeated",
    ),
    (lambda w: (w.sum().expand(2) * rl.tensor([1.0, -1.0])).sum(), "`expand` adds up to zero"),
]


@pytest.mark.parametrize(("function", "words"), ZERO)
def test_why_a_gradient_is_zero(w, function, words):
    line = f"test_explain.py:{function.__code__.co_firstlineno},"
    loss = function(w)
    assert explain(w, loss).head == "t.grad is None; the gradient of this loss is zero everywhere."
    assert told(w, loss, f"Wherever a gradient arrives, {words}" if words.startswith("`") else words, line)
    loss.backward(retain_graph=True)
    assert explain(w, loss).head == "t.grad is zero everywhere."
    assert w.grad.tolist() == [0.0, 0.0]


def test_a_custom_function_that_returns_zero(w):
    class Zero(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 0

    y = Zero.apply(w)
    line = here(-1)
    assert told(w, y.sum(), "`Zero` returned zero from its backward, at", line)


def test_different_ways_that_cancel(w):
    assert told(w, (w - w).sum(), "The gradients that arrive at t along different paths add up to zero.")
    y = w * 2
    line = here(-1)
    assert told(w, (y - y).sum(), "The gradients that arrive at the result of `mul`", line, "add up to zero")


def test_some_elements_are_zero(w):
    assert told(w, (w - 1.5).relu().sum(), "the gradient of this loss is finite, and zero in 1 of 2 elements.")


# -- gradients that are not finite
def test_a_branch_not_taken():
    x = rl.tensor([-0.0, 4.0], requires_grad=True)
    loss = rl.where(x > 0, x.sqrt(), 0).sum()
    line = here(-1)
    assert explain(x, loss).head == "t.grad is None; the gradient of this loss is not finite in 1 of 2 elements."
    assert told(x, loss, "On the way back the gradient first becomes nan in `sqrt` at", line)
    assert told(
        x, loss, "There the derivative at -0.0 is -inf, and the gradient that came in was 0.0: -inf times 0.0 is nan."
    )
    assert told(x, loss, "strong_zero()", "lets a gradient of zero stay zero there")
    with autograd.strong_zero():
        loss.backward()
    assert explain(x).sentences == []


def test_an_infinite_derivative():
    x = rl.tensor([0.0, 4.0], requires_grad=True)
    loss = x.sqrt().sum()
    line = here(-1)
    assert told(x, loss, "the gradient first becomes infinite in `sqrt` at", line)
    assert told(x, loss, "There the derivative at 0.0 is inf, and the gradient that came in was 1.")
    assert "strong_zero" not in explain(x, loss)


def test_the_first_of_several():
    x = rl.tensor([0.0], requires_grad=True)
    y = x.sqrt() * 2
    y = y.log()
    line = here(-1)
    assert told(x, y.sum(), "the gradient first becomes infinite in `log` at", line)


def test_overflow():
    x = rl.tensor([1e30], requires_grad=True)
    loss = (x * 1e-35 * 1e30 * 1e30).sum()
    assert told(x, loss, "and its product with the gradient 1e+30 overflows")


def test_a_norm_of_zero_behind_a_zero():
    x = rl.tensor([0.0, 0.0], requires_grad=True)
    loss = rl.where(x[0] > 0, x.var().sqrt(), 0)
    line = here(-1)
    assert told(x, loss, "the gradient first becomes nan in `sqrt` at", line)


def test_values_that_are_not_finite(w):
    y = (w - 1).log()
    line = here(-1)
    loss = (y * w).sum()
    assert told(w, loss, "The loss itself is infinite.")
    assert told(w, loss, "The earliest value held that is not finite was made by `log` at", line)
    assert told(w, (w - 1).log().sum(), "The graph does not hold the value that was the first not to be finite.")

    def program():
        y = (w - 1).log()
        program.line = here(-1)
        return (y * 2).sum()

    program()
    assert told(w, program, "The first value that is not finite was made by `log` at", program.line)


def test_an_input_that_is_not_finite(w):
    data = rl.tensor([float("nan"), 1.0])
    loss = (w * data).sum()
    line = here(-1)
    assert told(w, loss, "The loss itself is nan.")
    assert told(w, loss, "A constant or leaf that is not finite was used by `mul` at", line)


# -- what explain leaves alone
def test_nothing_changes(w):
    called = []
    y = w * w
    made = here(-1)
    y.retain_grad()
    y.register_hook(called.append)
    w.register_hook(called.append)
    y.grad_fn.register_hook(lambda *_: called.append(1))
    loss = y.sum()
    assert told(
        w, loss, "Hooks were not called here, and what they change is not part of this, on:\n    t", "`mul` at", made
    )
    assert told(y, loss, "The loss depends on t")
    assert called == []
    assert w.grad is None
    assert y.grad is None
    loss.backward()
    assert len(called) == 3
    assert w.grad.tolist() == [2.0, 4.0]
    assert y.grad.tolist() == [1.0, 1.0]


def test_a_model(x):
    model = rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.ReLU(), rl.nn.Linear(3, 1))
    with rl.no_grad():
        model[0].bias.fill_(-100.0)
    assert told(model[0].weight, lambda: model(x).sum(), "`relu` has an input that is not positive")


def test_a_cut_under_vmap(w):
    def program():
        def each(row):
            h = w.detach()
            program.line = here(-1)
            return (row * h).sum()

        return rl.func.vmap(each)(rl.ones(3, 2)).sum()

    program()
    assert cut(w, program, "Cut by .detach() at", program.line)


def test_recordings_keep_nothing_alive(w):
    with explain.recording():
        y = w * 2
        z = y + 1
        gone = weakref.ref(y)
        del y
        gc.collect()
        assert gone() is None
        count = len(memory._origins)
        del z
        assert len(memory._origins) < count


def test_wrong_arguments(w):
    with pytest.raises(TypeError, match="argument 't' must be Tensor, not int"):
        explain(3)
    with pytest.raises(TypeError, match="argument 'loss' must be Tensor or a function that gives one, not str"):
        explain(w, "loss")
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        explain(w, w * 2)


# -- programs that hide what they do
def test_a_value_that_was_overwritten(w):
    def loss():
        y = w.exp()
        kept = y.sum()
        y += 1
        return kept

    assert told(w, loss, "Its backward pass raises RuntimeError: one of the variables needed for gradient computation")
    assert told(w, loss, "It was overwritten at", f"{loss.__code__.co_firstlineno + 3}, in loss: y += 1")


def test_detach_within_a_batch(w):
    batch = rl.ones(3, 2)
    assert told(w, lambda: rl.vmap(lambda row: (row * w).detach().sum())(batch).sum(), "Cut by .detach() at")
    assert told(w, lambda: rl.vmap(lambda row: (row * w).sum())(batch).sum(), "The loss depends on t along 1 path")


def test_an_array_of_a_detached_tensor(w, x):
    b = rl.tensor(1.0, requires_grad=True)
    explained = explain(w, lambda: (rl.from_numpy((w * 2).detach().numpy()) * b).sum())
    assert "Values that came from t became constants by .numpy() at" in explained


def test_an_index_that_was_computed(w, x):
    b = rl.tensor(1.0, requires_grad=True)
    for index in (lambda: w.argmax(), lambda: w.argsort(), lambda: (slice(None), w.argsort())):
        explained = explain(w, lambda index=index: (x.expand(2, 2)[index()] * b).sum())
        assert "Values that came from t became constants by being used as an index at" in explained


def test_a_frozen_parameter():
    layer = rl.nn.Linear(2, 1).requires_grad_(False)
    b = rl.tensor(1.0, requires_grad=True)
    explained = explain(layer.weight, lambda: (layer(rl.ones(1, 2)) * b).sum())
    assert "It is a Parameter" in explained and "To know" not in explained
    assert "t did not require a gradient when" in explained


def test_a_checkpoint_that_runs_backward_itself(w):
    from rushlight.utils.checkpoint import checkpoint

    x = rl.ones(2, requires_grad=True)
    explained = explain(w, lambda: checkpoint(lambda x: (x * w).sum(), x, use_reentrant=True))
    assert "Not in this graph is what a checkpoint computed." in explained and "never reached" not in explained
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        explained = explain(w, lambda: checkpoint(lambda x: (x * w).sum(), x.detach(), use_reentrant=True))
    assert "A checkpoint recorded nothing" in explained and "never reached" not in explained


def test_the_first_nan_behind_a_mask_of_infinities(w):
    def loss():
        scores = w.masked_fill(rl.tensor([True, True]), float("-inf"))
        return scores.softmax(0).sum()

    assert told(w, loss, "The first value that is not finite was made by `masked_fill`")
    assert told(w, loss, "The first nan was made by `softmax`", "return scores")


def test_layers_whose_state_is_zero():
    cell = rl.nn.RNN(2, 3)
    assert told(cell.weight_hh_l0, lambda: cell(rl.ones(1, 1, 2))[0].sum(), "`addmm` multiplies by zero")
    assert told(rl.zeros(2, requires_grad=True), None, "backward() has not run")
    divisor = rl.ones(2, requires_grad=True)
    assert told(divisor, (rl.zeros(2) / divisor).sum(), "`div` divides zero")


def test_operations_have_the_names_that_programs_use(w):
    assert told(w, w.clamp(5, 6).sum(), "`clamp` is saturated")


def test_very_many_paths(w):
    y = w
    for _ in range(100):
        y = y + y * 0.01
    assert told(w, y.sum(), "along more than 1000 paths")


def test_a_function_without_a_gradient(w):
    class Nothing(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    assert told(w, Nothing.apply(w).sum(), "`Nothing` returned None for this input from its backward")


def test_a_function_that_returns_nothing(w):
    with pytest.raises(TypeError, match="a function that gives one, not NoneType"):
        explain(w, lambda: None)


def test_integers_and_a_loss_need_no_more_words(w):
    assert "not used" not in explain(rl.tensor(1), w.sum())
