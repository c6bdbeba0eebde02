"""What is said when something is wrong: PyTorch's sentence first, then the user's line, then what to do.

The sentence is the message; a code of the catalogue (codes/), the line and the remedy follow as notes of the
exception, so that str(error) stays what people search for and a traceback shows them all.
"""

import warnings

from . import spelling

_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)
_HINT_IN_ANOMALY = (
    "Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question "
    "was changed in there or anywhere later. Good luck!"
)
_HINT = (
    "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True, check_nan=False)."
)

_INFERENCE_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it "
    "in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
)
_INFERENCE_WRITTEN = (
    "Inplace update to inference tensor outside InferenceMode is not allowed."
    "You can make a clone to get a normal tensor before doing inplace update."
    "See https://github.com/pytorch/rfcs/pull/17 for more details."
)
_NOT_A_LEAF = (
    "you can only change requires_grad flags of leaf variables.",
    " If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = "
    "var.detach().",
)
_LEAF = "{} that requires grad is being used in an in-place operation."
_NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
    "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you "
    "access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)


def noted(error, *notes):
    """The error with its notes."""
    for note in notes:
        error.add_note(note)
    return error


def coded(code, error, **facts):
    """The error with a code of the catalogue: its explanation, the facts of this case and the remedy as notes."""
    from .codes import notes

    error.code = code
    return noted(error, *notes(code, facts))


def coded_sentence(code, sentence):
    """The same for a warning, which has no notes: all of it behind the sentence."""
    from .codes import notes

    return "\n".join((sentence, *notes(code)))


def tensor_type(array):
    """'torch.FloatTensor', as messages call a dtype."""
    from .dtypes import of

    return f"{spelling.module}.{of(array.dtype).scalar_type}Tensor"


def tensor_name(array):
    """'torch.FloatTensor [2, 3]', as messages call a tensor."""
    return f"{tensor_type(array)} {list(array.shape)}"


def output_of(node, number):
    """', which is output 0 of Exp,' for a node; nothing for a leaf."""
    if node is None:
        return ""
    return f", which is output {number} of {_made_by(node)},"


def _made_by(node):
    """The name of the operation or custom Function whose node this is: Exp, or Max1 for its second form."""
    whole = node.name()
    name, _, form = whole.rpartition("Backward")
    return name + form.removeprefix("0") if name and not form.strip("0123456789") else whole


def _hint():
    from .modes import anomaly_enabled

    return _HINT_IN_ANOMALY if anomaly_enabled() else _HINT


def freed(node):
    """RuntimeError: what the node kept is gone, with a backward that succeeded or one that something stopped."""
    facts = {"name": node.name(), "place": node.describe()}
    stopped = getattr(node.claimer, "stopped", None)
    if stopped is None:
        return coded("RL101", RuntimeError(_FREED), **facts)
    size = f"{node.claimer.passed_bytes / 2**20:.1f} MiB"
    return coded("RL139", RuntimeError(_FREED), cause=stopped, size=size, **facts)


def _overwritten(node, array, maker, number, counter, version):
    sentence = (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{tensor_name(array)}]{output_of(maker, number)} is at version {counter.n}; expected version {version} instead. {_hint()}"
    )
    return coded("RL102", RuntimeError(sentence), name=node.name(), kept=node.describe(), written=counter.describe())


def modified(node, tensor, version):
    """RuntimeError: a kept input was written to since."""
    return _overwritten(node, tensor._array, tensor.grad_fn, tensor.output_nr, tensor.versions, version)


def modified_output(node, number, array, counter, version):
    """RuntimeError: a kept output was written to since."""
    return _overwritten(node, array, node, number, counter, version)


def inference_saved():
    return coded("RL114", RuntimeError(_INFERENCE_SAVED))


def check_inference(x):
    """Refuse a write to an inference tensor outside of inference mode."""
    if not x.inference:
        return
    from .modes import inference_enabled

    if not inference_enabled():
        raise coded("RL128", RuntimeError(_INFERENCE_WRITTEN))


def not_a_leaf(on):
    return coded("RL113", RuntimeError(_NOT_A_LEAF[0] if on else "".join(_NOT_A_LEAF)))


def not_floating(sentence):
    return coded("RL112", RuntimeError(sentence))


def not_differentiable(op):
    return coded("RL129", NotImplementedError(f"derivative for {op.name} is not implemented"))


def retains(tensor):
    """Whether retain_grad() was called on a computed tensor."""
    return bool(getattr(tensor, "_retains_grad", False))


def warn_non_leaf_grad():
    warnings.warn(coded_sentence("RL122", _NON_LEAF_GRAD), UserWarning, stacklevel=user_level())


def c_name(dtype):
    """What C++ calls a dtype, as PyTorch's message about .grad does."""
    named = {
        "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
        "complex64": "c10::complex<float>", "complex128": "c10::complex<double>", "int64": "long int", "int32": "int",
        "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
    }  # fmt: skip
    return named.get(dtype.name, dtype.name)


def grad_dtype(leaf):
    """The dtype of a leaf's gradient: its own unless another was set, None where any will do."""
    if leaf.hooks is not None and leaf.hooks.has_grad_dtype:
        return leaf.hooks.grad_dtype
    return leaf.dtype


def check_grad(tensor, grad):
    """Refuse a .grad of another kind, dtype or shape than the tensor."""
    if not isinstance(grad, type(tensor).__mro__[-2]):
        raise coded(
            "RL123",
            TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(grad).__name__}"),
        )
    if grad is tensor:
        raise coded("RL123", RuntimeError("can't assign Variable as its own grad"))
    dtype = grad_dtype(tensor)
    if dtype is not None and grad.dtype != dtype:
        raise coded(
            "RL123",
            RuntimeError(
                f"attempting to assign a gradient with dtype '{c_name(grad.dtype)}' to a tensor with grad_dtype "
                f"'{dtype.scalar_type}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). "
                "You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream systems "
                "that assume they match."
            ),
        )
    check_grad_size(tensor, grad)


def check_grad_size(tensor, grad):
    """Refuse a .grad of another shape than the tensor."""
    if grad._array.shape != tensor._array.shape:
        raise coded(
            "RL123",
            RuntimeError(
                f"attempting to assign a gradient of size '{list(grad._array.shape)}' to a tensor of size "
                f"'{list(tensor._array.shape)}'. Please ensure that the gradient and the tensor are the same size"
            ),
        )


def check_inplace(x):
    """Refuse a recorded in-place write that history forbids."""
    if x.view_of is None:
        if x._requires_grad and x._grad_fn is None:
            raise coded("RL103", RuntimeError(_LEAF.format("a leaf Variable")))
        return
    base, creation = x.view_of.base, x.view_of.creation
    if creation == "argument":
        itself = x._grad_fn.op.name == "alias"
        what = "a leaf Variable" if itself else "a view of a leaf Variable"
        raise coded("RL103" if itself else "RL104", RuntimeError(_LEAF.format(what)))
    if creation:
        code = {"multiple": "RL105", "custom": "RL107"}.get(creation, "RL106")
        raise coded(code, RuntimeError(_written_view(x, creation)))
    if base._grad_fn is None and (base._requires_grad or x._requires_grad):
        raise coded("RL104", RuntimeError(_LEAF.format("a view of a leaf Variable")))


_MULTIPLE = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views to "
    "be modified inplace. You should replace the inplace operation by an out-of-place one."
)
_CUSTOM = (
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
    "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
    "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)
_UNRECORDED = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the {} block (if you don't want the inplace to be tracked) or both "
    "outside (if you want the inplace to be tracked)."
)


def parted():
    """RuntimeError: a view does not lie in the memory of its base any more."""
    return RuntimeError(
        "a view and its base have no memory in common any more, since the data of one of them was replaced"
    )


def base_written(x, node):
    """RuntimeError: the base of a view that a custom Function returned was written to, and the view's history with it."""
    return coded(
        "RL107",
        RuntimeError(
            f"Output {x.output_nr} of {_made_by(node)} is a view and its base or another view of its base has been modified "
            f"inplace. {_CUSTOM}"
        ),
    )


def _written_view(x, creation):
    """What is said of a recorded write to a view that came to be in a way that forbids it."""
    node = x._grad_fn
    made = "A view was created"
    if node is not None:
        made = f"Output {x.output_nr} of {_made_by(node)} is a view of a view which was created"
    if node is not None and creation in ("multiple", "custom"):
        sentence = f"Output {x.output_nr} of {_made_by(node)} is a view and is being modified inplace."
    elif creation == "inference":
        sentence = f"{made} in inference mode and is being modified inplace in normal mode."
    else:
        sentence = f"{made} in no_grad mode and is being modified inplace with grad mode enabled."
    if creation == "multiple":
        return f"{sentence} {_MULTIPLE}"
    if creation == "custom":
        return f"{sentence} {_CUSTOM}"
    return f"{sentence} {_UNRECORDED.format('inference_mode' if creation == 'inference' else 'no_grad')}"


def check_memory(array):
    """Refuse to write to elements that share their memory, or that NumPy says are read-only."""
    if array.size and 0 in array.strides and any(n > 1 and step == 0 for n, step in zip(array.shape, array.strides)):
        raise coded(
            "RL317",
            RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
                "Please clone() the tensor before performing the operation."
            ),
        )
    if not array.flags.writeable:
        raise coded("RL318", ValueError("assignment destination is read-only"))


def check_result(op, array, out):
    """Refuse to write `out` over `array` where shape or dtype forbid it."""
    from .dtypes import can_cast, of

    check_memory(array)
    if out.shape != array.shape:
        raise coded(
            "RL316",
            RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(out.shape)}"),
        )
    if out.dtype != array.dtype and op.promotion != 0:
        source, target = of(out.dtype), of(array.dtype)
        if not can_cast(source, target):
            raise coded(
                "RL315",
                RuntimeError(
                    f"result type {source.scalar_type} can't be cast to the desired output type {target.scalar_type}"
                ),
            )


def check_broadcast(arrays):
    """Refuse shapes that do not go together, when NumPy has raised a ValueError that may come of it."""
    shapes = [a.shape for a in arrays if hasattr(a, "shape")]
    for a, b in zip(shapes, shapes[1:]):
        for back in range(1, min(len(a), len(b)) + 1):
            if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
                sentence = (
                    f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                    f"dimension {max(len(a), len(b)) - back}"
                )
                told = ", ".join(str(list(shape)) for shape in shapes)
                raise coded("RL301", RuntimeError(sentence), shapes=told) from None


def type_name(value):
    """The name of a value's class, as C has it: of those of C itself with their module."""
    from .core import TensorBase

    kind = type(value)
    if isinstance(value, TensorBase):
        return "Tensor"
    # Py_TPFLAGS_HEAPTYPE: made in Python.
    plain = kind.__module__ == "builtins" or kind.__flags__ & 1 << 9
    return kind.__name__ if plain else f"{kind.__module__}.{kind.__name__}"


def not_tensor(value, function, position=1, name="input"):
    """TypeError: an argument of a function that is no tensor."""
    sentence = f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type_name(value)}"
    return coded("RL321", TypeError(sentence))


def not_a_flag(function, name, value, position=None):
    """TypeError: an argument that must be True or False; without a position where it is given by name only."""
    place = f" (position {position})" if position else ""
    return TypeError(f"{function}(): argument '{name}'{place} must be bool, not {type_name(value)}")


def not_an_operand(op, arrays):
    """TypeError: the first input that is neither tensor nor number."""
    from .dtypes import scalar_category

    for position, (name, value) in enumerate(zip(op.inputs, arrays), 1):
        if not hasattr(value, "ndim") and scalar_category(value) is None:
            return not_tensor(value, op.name, position, {"x": "input", "y": "other"}.get(name, name))
    return TypeError(f"{op.name}() expected Tensors and Numbers")


def note_forward(error, node):
    """Say where the operation whose backward failed was recorded."""
    warn_forward(node)
    note_place(error, node)


def note_place(error, node):
    """The same in the error alone, unless a note of it has told the line."""
    place = node.describe()
    if not any(place in note for note in getattr(error, "__notes__", ())):
        error.add_note(f"{node.name()} was recorded at {place}")


def warn_forward(node):
    """The calls that led to an operation, as PyTorch's anomaly detection shows them; and to the backward it was in."""
    from . import watching

    if any(watcher.tells_calls for watcher in watching.current() or ()):
        return
    level = user_level()
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{_trace(node)}",
        UserWarning,
        stacklevel=level,
    )
    parent = _metadata(node).get("parent_")
    while parent is not None:
        warnings.warn(
            f"\n\nPrevious calculation was induced by {parent.name()}. Traceback of forward call that induced the "
            f"previous calculation:\n{_trace(parent)}",
            UserWarning,
            stacklevel=level,
        )
        parent = _metadata(parent).get("parent_")


def user_level():
    """How many frames the caller's `warnings.warn` must go up to show the user's line."""
    import sys

    package = __file__[: -len("errors.py")]
    frame, level = sys._getframe(1), 1
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def _metadata(node):
    return {} if node.extras is None else node.extras.metadata


def _trace(node):
    """The calls as tracebacks show them; of what was recorded without anomaly detection the innermost one."""
    found = _metadata(node).get("traceback_")
    if found is not None:
        return "".join(found)
    place = node.line()
    if place is None:
        return "  an unknown line\n"
    import linecache

    filename, number, function = place
    return f'  File "{filename}", line {number}, in {function}\n    {linecache.getline(filename, number).strip()}\n'


def check_nan(node, results):
    """Refuse gradients that are not numbers (anomaly detection)."""
    for i, result in enumerate(results):
        if result is None or result._array.dtype.kind not in "fcV":
            continue
        array = result._array
        while getattr(array, "hidden", None) is not None:
            # Under vmap: that of all samples.
            array = array.hidden._array
        if (array != array).any():
            warn_forward(node)
            raise _nan_returned(node, i)


def _nan_returned(node, i):
    """RuntimeError: the gradient of input i is not a number; watchers add what they know."""
    from . import watching

    error = coded(
        "RL127",
        RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output."),
        name=node.name(),
        place=node.describe(),
    )
    for watcher in watching.current() or ():
        watcher.explains(error, node)
    return error


def unbatched_write():
    """RuntimeError: under vmap, one tensor for all samples was to be overwritten with one value per sample."""
    return coded(
        "RL512",
        RuntimeError(
            "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args "
            "that has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped "
            "over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic."
        ),
    )
