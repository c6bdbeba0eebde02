"""Which operations a checkpoint ran, for the error that tells where its two computations differ."""

from ...core import TensorBase, VersionCounter
from ...watching import Watcher
from .frame import CheckpointError

_HEAD = """ An error happened while unpacking tensors; dumping logs of latest computation
because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`.
The first line in which the two lists differ is where recomputation went another way.
"""


class Log(Watcher):
    """The operations of one computation, one line each."""

    def __init__(self):
        self.lines = []

    def __enter__(self):
        self.lines = []
        return super().__enter__()

    def called(self, op, inputs, params, in_place, proceed):
        out = proceed()
        # A counter is a Line, and the one whose mark Python can ask for.
        place = VersionCounter()
        place.bump()
        results = ", ".join([_kind(x) for x in (out if isinstance(out, tuple) else (out,))])
        self.lines.append(f"{op.name}({', '.join([_kind(x) for x in inputs])}) -> {results}   {place.describe()}")
        return out


class Logs:
    """Logs of a checkpoint's forward pass and of its recomputation; `contexts` is a context_fn."""

    def __init__(self):
        self.original, self.again = Log(), Log()

    def contexts(self):
        return self.original, self.again

    def told(self, unpack):
        """unpack, with both logs in its CheckpointError."""

        def unpacked(holder):
            try:
                return unpack(holder)
            except CheckpointError as error:
                raise CheckpointError(self.text()) from error

        return unpacked

    def text(self):
        parts = [_HEAD]
        for title, log in (("the original forward", self.original), ("recomputation", self.again)):
            count = len(log.lines)
            parts.append(f"Operators that ran in {title}:")
            parts += [f"  {line} ({i} of {count})" for i, line in enumerate(log.lines, 1)]
        return "\n".join(parts)


def _kind(x):
    return f"{x._array.dtype}{list(x._array.shape)}" if isinstance(x, TensorBase) else repr(x)
