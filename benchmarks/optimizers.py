"""Cases of the optimizers: a step of many small parameters, and of a large one."""

from .cases import case

# The ratios wanted for 100 parameters of 8 elements, and for one of 5 million.
BARS = {
    "SGD": (10, 1.2),
    "SGD with momentum": (10, 1.2),
    "Adam": (10, 1.2),
    "AdamW": (10, 1.2),
    **dict.fromkeys(("Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD"), (8, 1.2)),
    "Adafactor": (1, None),
}


def stepping(m, name, count, size):
    options = {"momentum": 0.9} if "momentum" in name else {}
    params = [m.nn.Parameter(m.ones(size)) for _ in range(count)]
    for param in params:
        param.grad = m.full((size,), 0.5)
    return getattr(m.optim, name.split()[0])(params, **options).step


for _name, (_small, _large) in BARS.items():

    @case(f"{_name} step, 100 parameters of 8 elements", 20, _small)
    def small(m, name=_name):
        return stepping(m, name, 100, 8)

    # Often in a row: a library whose threads wait awake for a while would slow the one that comes next.
    @case(f"{_name} step, one parameter of 5,000,000 elements", 100 if _name.startswith("SGD") else 8, _large)
    def large(m, name=_name):
        return stepping(m, name, 1, 5_000_000)
