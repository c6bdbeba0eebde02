"""A script in a process of its own, under one of the libraries, its calls sent to the process that compares."""

import os
import sys
import traceback
from importlib import import_module
from multiprocessing.connection import Client

from .. import main as scripts
from .entries import Entry
from .recorder import Recorder

# Properties that are operations, and operators.
_PROPERTIES = ("T", "mT", "H", "mH", "real", "imag", "data")
_OPERATORS = (
    "abs", "add", "and", "eq", "floordiv", "ge", "gt", "invert", "le", "lshift", "lt", "matmul", "mod", "mul", "ne",
    "neg", "or", "pow", "rshift", "sub", "truediv", "xor", "getitem", "radd", "rand", "rfloordiv", "rlshift",
    "rmatmul", "rmod", "rmul", "ror", "rpow", "rrshift", "rsub", "rtruediv", "rxor", "iadd", "iand", "ifloordiv",
    "ilshift", "imod", "imul", "ior", "ipow", "irshift", "isub", "itruediv", "ixor",
)  # fmt: skip
_MODULES = ("", ".nn.functional", ".nn.init", ".linalg", ".fft", ".special", ".signal.windows")


def main(side, address, *words):
    """Run a script, or `-m module`, and send its entries; the process ends as the script does."""
    with Client(address, authkey=bytes.fromhex(os.environ.pop("RUSHLIGHT_CHECK_KEY"))) as connection:
        # Of `python -c`; a script's own folder, or the current one for a module, comes in its place.
        del sys.path[0]
        # The process is killed once the comparison is over: what was printed by then has to be out.
        sys.stdout.reconfigure(line_buffering=True)
        ended = ""
        try:
            {"rushlight": under_rushlight, "torch": under_torch}[side](words, connection.send)
        except SystemExit as exit:
            if exit.code not in (None, 0):
                ended = f"SystemExit: {exit.code}"
        except KeyboardInterrupt:
            ended = "KeyboardInterrupt"
        except BaseException as error:
            ended = f"{type(error).__name__}: {error}"
            traceback.print_exception(scripts.shorten(error))
        # Nobody may listen any more.
        try:
            connection.send(Entry("end", ended, None))
        except OSError:
            return 1
    return 1 if ended else 0


# -- PyTorch
def under_torch(words, send):
    import torch
    from torch.overrides import TorchFunctionMode

    def values(tensor):
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
            return None
        if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            return None
        array = tensor.detach().resolve_conj().resolve_neg()
        return (array.float() if array.dtype is torch.bfloat16 else array).numpy()

    recorder = Recorder(torch, values, send)

    class Recorded(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            name = function.__name__
            if name == "__get__":
                name = getattr(function.__self__, "__name__", name)
                if name not in _PROPERTIES:
                    return result
            if recorder.here() and recorder.is_users(_caller(sys._getframe(1))):
                recorder.called(name, args[0] if name == "__setitem__" else result)
            return result

    recorder.watch()
    with Recorded():
        scripts.run(words)


def _caller(frame):
    """The frame that called a function of PyTorch's: functions in Python stand between it and the mode with two of theirs."""
    if frame.f_code.co_name == "handle_torch_function":
        return frame.f_back.f_back
    return frame


# -- Rushlight
def under_rushlight(words, send):
    import rushlight

    from ...ops.hidden import Batched
    from ..torch_name import as_torch

    as_torch()

    def values(tensor):
        if type(tensor._array) is Batched:
            return None
        tensor = tensor.detach()
        return (tensor.float() if tensor.dtype is rushlight.bfloat16 else tensor).numpy()

    recorder = Recorder(rushlight, values, send)
    wrap = Wrapper(recorder)
    wrap.modules()
    wrap.methods(rushlight.Tensor)
    recorder.watch()
    method = rushlight.Tensor.backward

    def backward(tensor, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        # As PyTorch's, by the function, which is watched.
        rushlight.autograd.backward(tensor, gradient, retain_graph, create_graph, inputs=inputs)

    backward.__doc__ = method.__doc__
    rushlight.Tensor.backward = backward
    scripts.run(words)


class Wrapper:
    """Puts functions that tell the recorder in the place of the public ones."""

    def __init__(self, recorder):
        self.recorder, self.depth = recorder, 0

    def wrapped(self, name, function):
        recorder = self.recorder

        def call(*args, **kwargs):
            # Only what the user's own line calls: no part of another call, and nothing within the package.
            if self.depth or not recorder.here() or not recorder.is_users(sys._getframe(1)):
                return function(*args, **kwargs)
            self.depth += 1
            try:
                result = function(*args, **kwargs)
                recorder.called(name, args[0] if name == "__setitem__" else result)
            finally:
                self.depth -= 1
            return result

        for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(call, attribute, getattr(function, attribute, None) or name)
        call.__wrapped__ = function
        return call

    def modules(self):
        """Functions of the public modules, each name as it is found there."""
        from . import PACKAGE

        library = os.path.basename(PACKAGE.rstrip(os.sep))
        homes = tuple(
            f"{library}.{part}" for part in ("functions", "nn.", "linalg", "fft", "special", "signal", "tensor")
        )
        for place in _MODULES:
            module = import_module(library + place)
            for name in [each for each in dir(module) if not each.startswith("_")]:
                function = getattr(module, name)
                is_plain = callable(function) and not isinstance(function, type)
                if is_plain and (getattr(function, "__module__", None) or "").startswith(homes):
                    setattr(module, name, self.wrapped(name, function))

    def methods(self, tensor_class):
        operators = [f"__{name}__" for name in _OPERATORS]
        for name in (*[each for each in dir(tensor_class) if not each.startswith("_")], *operators, "__setitem__"):
            if name in _PROPERTIES:
                own = vars(tensor_class)[name]
                setattr(tensor_class, name, property(self.wrapped(name, own.__get__), own.__set__))
                continue
            function = getattr(tensor_class, name, None)
            # Fields and class methods stay; so does what is not there.
            if callable(function) and not isinstance(function, type) and not hasattr(function, "__self__"):
                setattr(tensor_class, name, self.wrapped(name, function))
