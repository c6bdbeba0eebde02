"""RL137 and on: what debug() finds in recording and backward."""

from .entry import Entry

ENTRIES = {
    "RL137": Entry(
        title=("A kept value was changed unnoticed", "保存的值被悄悄修改"),
        explanation=(
            "Backward needs the value that an operation has kept, and its checksum is not what it was: something wrote to "
            "the memory without being counted, through .data, a NumPy array or another library. The gradient would be "
            "wrong.",
            "反向传播需要某个运算保存的值，而它的校验和已经改变：有代码绕过计数写入了这块内存（通过 .data、NumPy 数组或其他库）。"
            "由此得到的梯度将是错误的。",
        ),
        remedy=(
            "Write after backward, or give the operation a copy: x.clone(). Writes under torch.no_grad() instead of "
            "through .data are counted, and their line is known.",
            "在反向传播之后再写入，或者让运算使用副本 x.clone()。用 torch.no_grad() 代替 .data 的写入会被计数，并能指出写入的行。",
        ),
        facts=(
            "{name} was recorded at {place}. Its memory was handed out by: {lines}",
            "{name} 记录于 {place}。交出其内存的代码：{lines}",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
with torch.debug():
    y = (x * x).sum()
    x.data.mul_(3)
    y.backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
with torch.debug():
    y = (x * x).sum()
    y.backward()
    x.data.mul_(3)
""",
    ),
    "RL138": Entry(
        title=("Backward of a value that is not finite", "对 NaN 或无穷大的值反向传播"),
        explanation=(
            "The tensor that backward begins with is nan or infinite, so its gradients say nothing.",
            "反向传播的起点是 NaN 或无穷大，由此得到的梯度没有意义。",
        ),
        remedy=(
            "Mend the operation that made the first one; if the value is meant to be so, rushlight.debug(check_nan=False).",
            "修正最先产生它的运算；若这是有意为之，使用 rushlight.debug(check_nan=False)。",
        ),
        facts=("{name} was recorded at {place}", "{name} 记录于 {place}"),
        wrong="""
x = torch.tensor([2.0, -1.0], requires_grad=True)
with torch.debug():
    x.log().sum().backward()
""",
        right="""
x = torch.tensor([2.0, -1.0], requires_grad=True)
with torch.debug():
    x.clamp_min(1e-8).log().sum().backward()
""",
    ),
}
