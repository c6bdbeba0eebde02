"""Steps of the optimizers and clip_grad_norm_: on many small parameters, and on a large one."""

from .case import case

NAMES = (
    "SGD", "SGD with momentum", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop",
    "ASGD", "Adafactor",
)  # fmt: skip
SIZES = {"100 parameters of 8 elements": (100, 8), "one parameter of 5,000,000 elements": (1, 5_000_000)}


def parameters(m, count, size):
    found = [m.nn.Parameter(m.ones(size)) for _ in range(count)]
    for parameter in found:
        parameter.grad = m.full((size,), 0.5)
    return found


for _shape, (_count, _size) in SIZES.items():
    _group = "many parameters" if _count > 1 else "one parameter"

    for _name in NAMES:
        # Adafactor takes its parameters one after the other in both.
        @case(f"{_name} step, {_shape}", "other" if _name == "Adafactor" else _group)
        def stepping(m, name=_name, count=_count, size=_size):
            options = {"momentum": 0.9} if "momentum" in name else {}
            held = parameters(m, count, size)
            step = getattr(m.optim, name.split()[0])(held, **options).step

            def run():
                step()
                return held[0]

            return run

    @case(f"clip_grad_norm_, {_shape}", _group)
    def clipping(m, count=_count, size=_size):
        held = parameters(m, count, size)
        return lambda: m.nn.utils.clip_grad_norm_(held, 1.0)
