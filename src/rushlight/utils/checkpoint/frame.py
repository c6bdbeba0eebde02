"""One checkpointed call: what its nodes saved, as numbers, and the values once they have been computed again."""

from weakref import WeakKeyDictionary, ref

from ... import saving
from ...autograd.grad_mode import enable_grad
from ...errors import coded
from ...spelling import spell

_TIP = """
Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint-debug mode globally.
"""


class CheckpointError(RuntimeError):
    """The recomputation of a checkpoint did not do what the original forward pass did."""


CheckpointError.__module__ = "rushlight.utils.checkpoint"


class Stop(Exception):
    """Everything that was saved has been computed again."""


class Holder:
    """Stands in a node for a saved tensor: which one it was, and the node of the inputs that it is computed from."""

    __slots__ = ("__weakref__", "inputs", "position")

    def __init__(self, position, inputs):
        self.position, self.inputs = position, inputs


class Frame:
    """A checkpointed call. `recompute()` calls the function once more, with what the node `inputs` keeps."""

    def __init__(self, recompute, inputs, early_stop, check):
        self.recompute = recompute
        self.inputs = inputs
        self.early_stop = early_stop
        self.check = check
        self.forward_completed = False
        self.holders = []
        self.metadata = []
        # {backward pass: {position: value}}; what a pass did not ask for goes with it.
        self.computed = WeakKeyDictionary()

    # -- hooks of the original forward
    def pack(self, tensor):
        holder = Holder(len(self.holders), self.inputs)
        self.holders.append(ref(holder))
        self.metadata.append(metadata(tensor))
        return holder

    def unpack(self, holder):
        run = saving.current_run()
        values = {} if run is None else self.computed.setdefault(run, {})
        if holder.position not in values:
            self.compute(values)
        if holder.position not in values:
            raise coded("RL511", CheckpointError(_too_few(len(self.holders), holder.position)))
        return values.pop(holder.position).tensor()

    def compute(self, values):
        """Call the function again, and collect what its operations save."""
        again = Recomputation(self, values)
        saving.enter(again.pack, again.unpack)
        try:
            with enable_grad():
                self.recompute()
        except Stop:
            pass
        finally:
            saving.leave()
        if self.forward_completed:
            again.compare()


class Recomputation:
    """The call once more: its saved tensors are those of the original in the same order."""

    def __init__(self, frame, values):
        self.frame = frame
        self.values = values
        self.metadata = []

    def pack(self, tensor):
        frame, position = self.frame, len(self.metadata)
        if position == len(frame.holders):
            if not frame.forward_completed:
                return tensor
            raise coded(
                "RL511",
                CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                    f"forward pass.\n{_TIP}"
                ),
            )
        self.metadata.append(metadata(tensor))
        if frame.holders[position]() is not None:
            self.values[position] = saving.Unwritten(tensor)
        if frame.early_stop and position + 1 == len(frame.holders):
            raise Stop
        return tensor

    def unpack(self, tensor):
        return tensor

    def compare(self):
        """CheckpointError where it saved other tensors than the original."""
        frame = self.frame
        if len(self.metadata) != len(frame.holders):
            raise coded("RL511", CheckpointError(_too_few(len(frame.holders), len(self.metadata))))
        if not frame.check:
            return
        lines = []
        for position, (before, now) in enumerate(zip(frame.metadata, self.metadata)):
            if before != now and position in self.values:
                lines.append(f"tensor at position {position}:\nsaved metadata: {shown(before)}\n")
                lines.append(f"recomputed metadata: {shown(now)}\n")
        if lines:
            raise coded(
                "RL511",
                CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during "
                    f"the forward pass.\n{''.join(lines)}.\n{_TIP}"
                ),
            )


def _too_few(before, now):
    return (
        "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
        f"Number of tensors saved during forward: {before}\nNumber of tensors saved during recomputation: {now}.\n{_TIP}"
    )


def metadata(tensor):
    """What must be the same in the recomputation."""
    return tensor._array.shape, tensor._array.dtype


def shown(kind):
    from ...dtypes import of

    shape, dtype = kind
    size = f"{spell('Size')}({list(shape)})"
    return f"{{'shape': {size}, 'dtype': {of(dtype)}, 'device': device(type='cpu')}}"
