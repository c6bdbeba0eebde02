"""RL2xx: custom Functions."""

from .entry import Entry

_HEAD = """
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
"""
_CALL = """x = torch.ones(2, requires_grad=True)
Twice.apply(x).sum().backward()
"""
_RIGHT = _HEAD + "        return g * 2\n" + _CALL

ENTRIES = {
    "RL201": Entry(
        title=("A Function without a method that is needed", "Function 缺少所需的方法"),
        explanation=(
            "A custom Function states forward, and backward (or vjp) for gradients, or jvp for forward mode; one that "
            "was needed here is not stated.",
            "自定义 Function 需要定义 forward，求梯度需要 backward（或 vjp），前向模式需要 jvp；这里缺少所需的一个。",
        ),
        remedy=(
            "Define it as a @staticmethod of the class.",
            "在类中以 @staticmethod 定义它。",
        ),
        wrong="""
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
"""
        + _CALL,
        right=_RIGHT,
    ),
    "RL202": Entry(
        title=("Both backward and vjp", "同时定义了 backward 和 vjp"),
        explanation=(
            "backward and vjp are two names of one method, and only one of them can hold.",
            "backward 与 vjp 是同一方法的两个名字，只能定义其中一个。",
        ),
        remedy=("Keep one of them.", "只保留一个。"),
        wrong=_HEAD
        + """        return g * 2
    @staticmethod
    def vjp(ctx, g):
        return g * 2
"""
        + _CALL,
        right=_RIGHT,
    ),
    "RL203": Entry(
        title=("A Function was called like a module", "像模块一样调用了 Function"),
        explanation=(
            "Functions are not instances with a state: their methods are static, and apply() runs them.",
            "Function 没有状态，也不需要实例化：它的方法都是静态的，由 apply() 运行。",
        ),
        remedy=("Write Twice.apply(x) instead of Twice()(x).", "用 Twice.apply(x) 代替 Twice()(x)。"),
        wrong="""
import warnings
warnings.simplefilter("ignore")
torch.autograd.Function()(torch.ones(2))
""",
        right=_RIGHT,
    ),
    "RL204": Entry(
        title=("backward returned another number of gradients", "backward 返回的梯度个数不对"),
        explanation=(
            "backward returns one gradient for each argument of forward (without ctx), None where there is none.",
            "backward 须为 forward 的每个参数（ctx 除外）返回一个梯度，没有梯度的返回 None。",
        ),
        remedy=(
            "Return as many values as forward has arguments, as in: return grad_x, None.",
            "返回与 forward 参数同样多的值，例如：return grad_x, None。",
        ),
        wrong="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor
    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor
x = torch.ones(2, requires_grad=True)
Scale.apply(x, 3.0).sum().backward()
""",
        right="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor
    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None
x = torch.ones(2, requires_grad=True)
Scale.apply(x, 3.0).sum().backward()
""",
    ),
    "RL205": Entry(
        title=("backward returned a gradient of another shape or kind", "backward 返回的梯度形状或类型不对"),
        explanation=(
            "The gradient of an argument has the argument's shape, and is real where the argument is.",
            "参数的梯度须与参数形状相同；参数为实数时梯度也为实数。",
        ),
        remedy=(
            "Sum over what forward broadcast, and give the gradient the shape of its argument.",
            "对 forward 中广播的维度求和，使梯度与参数形状一致。",
        ),
        wrong=_HEAD + "        return torch.ones(3)\n" + _CALL,
        right=_RIGHT,
    ),
    "RL206": Entry(
        title=("A gradient for an argument that is no tensor", "为非张量参数返回了梯度"),
        explanation=(
            "An argument that is not a tensor cannot receive a gradient.",
            "不是张量的参数不能接收梯度。",
        ),
        remedy=("Return None at its place.", "在该位置返回 None。"),
        wrong="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        return x * factor
    @staticmethod
    def backward(ctx, g):
        return g, g
x = torch.ones(2, requires_grad=True)
Scale.apply(x, 3.0).sum().backward()
""",
        right="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        return x * factor
    @staticmethod
    def backward(ctx, g):
        return g * 3.0, None
x = torch.ones(2, requires_grad=True)
Scale.apply(x, 3.0).sum().backward()
""",
    ),
    "RL207": Entry(
        title=("backward returned something other than tensors", "backward 返回的不是张量"),
        explanation=(
            "Gradients are tensors; backward returned a value of another type.",
            "梯度必须是张量；backward 返回了其他类型的值。",
        ),
        remedy=(
            "Return tensors or None; wrap arrays by torch.from_numpy.",
            "返回张量或 None；数组用 torch.from_numpy 包装。",
        ),
        wrong=_HEAD + "        return [2.0, 2.0]\n" + _CALL,
        right=_RIGHT,
    ),
    "RL208": Entry(
        title=("The context takes tensors only", "ctx 的方法只接受张量"),
        explanation=(
            "save_for_backward, mark_dirty and mark_non_differentiable keep track of tensors; they got something else.",
            "save_for_backward、mark_dirty、mark_non_differentiable 只跟踪张量，却收到了其他类型。",
        ),
        remedy=(
            "Keep what is no tensor as an attribute: ctx.factor = 3.",
            "非张量的值存为属性：ctx.factor = 3。",
        ),
        wrong="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x, factor)
        return x * factor
Scale.apply(torch.ones(2, requires_grad=True), 3.0)
""",
        right="""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        ctx.save_for_backward(x)
        return x * factor
Scale.apply(torch.ones(2, requires_grad=True), 3.0)
""",
    ),
    "RL209": Entry(
        title=("A dirty input was not returned", "标记为 dirty 的输入没有返回"),
        explanation=(
            "An input that forward writes to gets its new history as an output of the Function, so it must be one.",
            "forward 写入的输入要作为 Function 的输出获得新的历史，因此必须返回它。",
        ),
        remedy=("Return the tensors given to mark_dirty.", "返回传给 mark_dirty 的张量。"),
        wrong="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x.clone()
Doubled.apply(torch.ones(2, requires_grad=True) * 1)
""",
        right="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
Doubled.apply(torch.ones(2, requires_grad=True) * 1)
""",
    ),
    "RL210": Entry(
        title=("A Function writes to a leaf", "Function 原地写入了叶子张量"),
        explanation=(
            "forward marked a leaf that requires grad as written to, which would make the leaf a computed value.",
            "forward 把需要梯度的叶子张量标记为已写入，这会使叶子张量变成计算结果。",
        ),
        remedy=(
            "Apply the Function to a clone: Doubled.apply(x.clone()).",
            "对副本应用该 Function：Doubled.apply(x.clone())。",
        ),
        wrong="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
Doubled.apply(torch.ones(2, requires_grad=True))
""",
        right="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
Doubled.apply(torch.ones(2, requires_grad=True).clone())
""",
    ),
    "RL211": Entry(
        title=("A second derivative of once_differentiable", "对 once_differentiable 求二阶导"),
        explanation=(
            "The backward of this Function is marked as not differentiable itself, and a second derivative was asked for.",
            "该 Function 的 backward 被标记为不可再求导，而这里要求二阶导数。",
        ),
        remedy=(
            "Write backward in operations on tensors and take @once_differentiable away.",
            "用张量运算编写 backward，并去掉 @once_differentiable。",
        ),
        wrong="""
from rushlight.autograd.function import once_differentiable
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]
x = torch.ones(2, requires_grad=True)
(slope,) = torch.autograd.grad((Square.apply(x) ** 2).sum(), x, create_graph=True)
slope.sum().backward()
""",
        right="""
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]
x = torch.ones(2, requires_grad=True)
(slope,) = torch.autograd.grad((Square.apply(x) ** 2).sum(), x, create_graph=True)
slope.sum().backward()
""",
    ),
    "RL212": Entry(
        title=("forward wrote to an argument unmarked", "forward 原地写入了未标记的参数"),
        explanation=(
            "A forward that writes to an argument must say so, or the argument keeps the history of the value that it had, "
            "and its gradient is wrong. Only rushlight.debug() notices.",
            "forward 若原地写入参数就必须声明，否则该参数仍保留原值的历史，其梯度是错误的。只有 rushlight.debug() 会发现。",
        ),
        remedy=(
            "Call ctx.mark_dirty(x) and return x, or write to a copy: x.clone().",
            "调用 ctx.mark_dirty(x) 并返回 x，或者写入副本 x.clone()。",
        ),
        facts=("It was written to at {place}", "写入位置：{place}"),
        wrong="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return g * 2
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Doubled.apply(x.clone()).sum().backward()
""",
        right="""
class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
    @staticmethod
    def backward(ctx, g):
        return g * 2
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Doubled.apply(x.clone()).sum().backward()
""",
    ),
    "RL213": Entry(
        title=("backward wrote to the gradient that it received", "backward 原地写入了收到的梯度"),
        explanation=(
            "The gradient that backward receives may be that of other operations too, whose gradients are then wrong. Only "
            "rushlight.debug() notices.",
            "backward 收到的梯度可能同时也属于其他运算，写入后它们的梯度就是错误的。只有 rushlight.debug() 会发现。",
        ),
        remedy=("Compute out of place: g * 2 instead of g.mul_(2).", "不要原地计算：用 g * 2 代替 g.mul_(2)。"),
        facts=("{name} was recorded at {place}", "{name} 记录于 {place}"),
        wrong="""
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g.mul_(2)
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Twice.apply(x).sum().backward()
""",
        right="""
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Twice.apply(x).sum().backward()
""",
    ),
    "RL214": Entry(
        title=("forward returned an argument as it is", "forward 原样返回了参数"),
        explanation=(
            "What apply() returns is then a view of the argument: in-place writes to it are refused later, far from here.",
            "此时 apply() 返回的是该参数的视图：之后对它的原地写入会被拒绝，而且报错的位置离这里很远。",
        ),
        remedy=(
            "Return x.view_as(x) if a view is meant, x.clone() if not; after ctx.mark_dirty(x) return x itself.",
            "若本意是视图则返回 x.view_as(x)，否则返回 x.clone()；调用 ctx.mark_dirty(x) 之后返回 x 本身。",
        ),
        wrong="""
class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, g):
        return -g
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Reversed.apply(x).sum().backward()
""",
        right="""
class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)
    @staticmethod
    def backward(ctx, g):
        return -g
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Reversed.apply(x).sum().backward()
""",
    ),
    "RL215": Entry(
        title=("A tensor kept past save_for_backward", "未用 save_for_backward 保存的张量"),
        explanation=(
            "An argument or output that is an attribute of the context is not freed with the graph, writes to it go "
            "unnoticed, and second derivatives may be wrong.",
            "把参数或输出直接设为 ctx 的属性时：它不随计算图释放，对它的写入不会被发现，二阶导数也可能出错。",
        ),
        remedy=(
            "Call ctx.save_for_backward(x), and take it from ctx.saved_tensors in backward.",
            "调用 ctx.save_for_backward(x)，在 backward 中从 ctx.saved_tensors 取出。",
        ),
        wrong="""
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x
    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.x
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Square.apply(x).sum().backward()
""",
        right="""
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]
x = torch.ones(2, requires_grad=True)
with torch.debug():
    Square.apply(x).sum().backward()
""",
    ),
}
