"""RL1xx: recording, backward, hooks, in-place writes."""

from .entry import Entry

ENTRIES = {
    "RL101": Entry(
        title=("The graph was freed", "计算图已被释放"),
        explanation=(
            "A backward pass frees the values that were kept for it, and here an operation of this graph needs them once more.",
            "反向传播结束时会释放为求导而保存的中间值，而这里又要用到某个运算已被释放的值。",
        ),
        remedy=(
            "Call backward(retain_graph=True) the first time, or compute the value again before each backward.",
            "第一次调用时使用 backward(retain_graph=True)，或者在每次反向传播之前重新计算该值。",
        ),
        facts=("The operation {name} was recorded at {place}", "运算 {name} 记录于 {place}"),
        wrong="""
x = torch.ones(2, requires_grad=True)
loss = (x * x).sum()
loss.backward()
loss.backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
loss = (x * x).sum()
loss.backward(retain_graph=True)
loss.backward()
""",
    ),
    "RL102": Entry(
        title=("A kept value was overwritten", "保存的值被原地修改"),
        explanation=(
            "The derivative of an operation needs a value that was written to in place after the operation had kept it.",
            "某个运算求导需要的值，在被保存之后又被原地修改了。",
        ),
        remedy=(
            "Write out of place (x = x * 2 instead of x *= 2), or write into a clone().",
            "改用非原地写法（用 x = x * 2 代替 x *= 2），或者写入 clone() 得到的副本。",
        ),
        facts=(
            "{name} kept the value at {kept}\nIt was overwritten at {written}",
            "{name} 保存该值的位置：{kept}\n该值被覆盖的位置：{written}",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
y = x.exp()
y *= 2
y.sum().backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
y = x.exp()
y = y * 2
y.sum().backward()
""",
    ),
    "RL103": Entry(
        title=("In-place write to a leaf", "原地修改叶子张量"),
        explanation=(
            "A leaf that requires grad is where gradients are collected. A recorded write would make it a computed value, "
            "and its gradient would belong to nothing that you hold.",
            "需要梯度的叶子张量是累积梯度的地方。若记录对它的原地写入，它就变成了计算结果，梯度将无处可归。",
        ),
        remedy=(
            "Write under torch.no_grad(), or out of place: y = x + 1 instead of x += 1.",
            "在 torch.no_grad() 下写入，或者用非原地写法：用 y = x + 1 代替 x += 1。",
        ),
        wrong="""
w = torch.ones(2, requires_grad=True)
w -= 0.1
""",
        right="""
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    w -= 0.1
""",
    ),
    "RL104": Entry(
        title=("In-place write to a view of a leaf", "原地修改叶子张量的视图"),
        explanation=(
            "The tensor shares the memory of a leaf that requires grad, so writing to it writes to the leaf.",
            "该张量与一个需要梯度的叶子张量共享内存，写入它就是写入那个叶子张量。",
        ),
        remedy=(
            "Write under torch.no_grad(), or into a clone: y = x.clone(); y[0] = 1.",
            "在 torch.no_grad() 下写入，或者写入副本：y = x.clone(); y[0] = 1。",
        ),
        wrong="""
w = torch.ones(2, requires_grad=True)
w[0] = 5.0
""",
        right="""
w = torch.ones(2, requires_grad=True)
y = w.clone()
y[0] = 5.0
""",
    ),
    "RL105": Entry(
        title=("In-place write to one of several views", "原地修改多个视图之一"),
        explanation=(
            "unbind, split and chunk return several views of one tensor at once, and the history of a write through one "
            "of them is not defined for the others.",
            "unbind、split、chunk 一次返回同一张量的多个视图；通过其中一个写入时，其余视图的历史没有定义。",
        ),
        remedy=(
            "Write out of place, or take the part by indexing: y[0] instead of y.unbind()[0].",
            "改用非原地写法，或者用索引取出该部分：用 y[0] 代替 y.unbind()[0]。",
        ),
        wrong="""
x = torch.ones(2, 2, requires_grad=True)
first, second = (x * 1).unbind()
first += 1
""",
        right="""
x = torch.ones(2, 2, requires_grad=True)
first = (x * 1)[0]
first += 1
""",
    ),
    "RL106": Entry(
        title=("In-place write to a view made under no_grad", "原地修改在 no_grad 下创建的视图"),
        explanation=(
            "The view was made while nothing was recorded, and is written to while recording is on: whether the write "
            "belongs to the history is not clear.",
            "该视图创建时没有记录，写入时却在记录：这次写入是否属于历史并不明确。",
        ),
        remedy=(
            "Take the view and write to it on the same side: both within torch.no_grad(), or both outside.",
            "让创建视图和写入在同一侧进行：都在 torch.no_grad() 之内，或者都在其外。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
y = x * 1
with torch.no_grad():
    part = y[:1]
part += 1
""",
        right="""
x = torch.ones(2, requires_grad=True)
y = x * 1
part = y[:1]
part += 1
""",
    ),
    "RL107": Entry(
        title=("In-place write to a view that a Function returned", "原地修改自定义 Function 返回的视图"),
        explanation=(
            "A custom Function returned a view (or an input as it was). A write to it would put another history in the "
            "place of the Function's own backward.",
            "自定义 Function 返回了视图（或原样返回输入）。对它的写入会用别的历史取代该 Function 自己的 backward。",
        ),
        remedy=(
            "Return a copy from forward, as in x.view_as(x).clone(), or write out of place.",
            "让 forward 返回副本，例如 x.view_as(x).clone()，或者改用非原地写法。",
        ),
        wrong="""
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, g):
        return g
y = Same.apply(torch.ones(2, requires_grad=True) * 1)
y += 1
""",
        right="""
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return g
y = Same.apply(torch.ones(2, requires_grad=True) * 1)
y += 1
""",
    ),
    "RL108": Entry(
        title=("Nothing to differentiate", "没有可求导的历史"),
        explanation=(
            "The tensor has no history: nothing that it was computed from requires grad, or the way to it was cut by "
            "detach(), no_grad(), item(), numpy(), a comparison or a conversion to integers.",
            "该张量没有历史：它所依赖的张量都不需要梯度，或者途中被 detach()、no_grad()、item()、numpy()、比较运算或转成整数切断。",
        ),
        remedy=(
            "Set requires_grad=True on what you differentiate with respect to before computing with it, and look for "
            "the cut between it and this tensor.",
            "在计算之前对要求导的张量设置 requires_grad=True，并检查它与该张量之间在哪里被切断。",
        ),
        wrong="""
w = torch.ones(2)
(w * 2).sum().backward()
""",
        right="""
w = torch.ones(2, requires_grad=True)
(w * 2).sum().backward()
""",
    ),
    "RL109": Entry(
        title=("Backward of more than one number", "对多个元素的张量直接反向传播"),
        explanation=(
            "Only a single number has a gradient that needs no further say; this tensor has several elements, and "
            "backward does not know how much each of them counts.",
            "只有单个数值才能省略初始梯度；该张量有多个元素，反向传播不知道每个元素的权重。",
        ),
        remedy=(
            "Reduce it first, as in loss.mean().backward(), or give the weights: y.backward(torch.ones_like(y)).",
            "先归约成一个数，例如 loss.mean().backward()，或者给出权重：y.backward(torch.ones_like(y))。",
        ),
        wrong="""
x = torch.ones(3, requires_grad=True)
(x * 2).backward()
""",
        right="""
x = torch.ones(3, requires_grad=True)
(x * 2).sum().backward()
""",
    ),
    "RL110": Entry(
        title=("A given gradient does not match its output", "给定的梯度与输出不匹配"),
        explanation=(
            "The gradient to begin with has one entry per element of the output: it must have the same shape, and be complex "
            "where the output is.",
            "初始梯度与输出的元素一一对应：形状必须相同，输出为复数时梯度也须为复数。",
        ),
        remedy=(
            "Give a gradient of the output's shape and dtype: torch.ones_like(y).",
            "给出与输出形状和 dtype 相同的梯度：torch.ones_like(y)。",
        ),
        wrong="""
x = torch.ones(3, requires_grad=True)
(x * 2).backward(torch.ones(2))
""",
        right="""
x = torch.ones(3, requires_grad=True)
(x * 2).backward(torch.ones(3))
""",
    ),
    "RL111": Entry(
        title=("An input was not used", "某个输入未被使用"),
        explanation=(
            "The outputs do not depend on this input, or the history between them was cut, so there is no gradient.",
            "输出不依赖于该输入，或者两者之间的历史被切断，因此没有梯度。",
        ),
        remedy=(
            "Give allow_unused=True to get None in its place, or materialize_grads=True to get zeros.",
            "使用 allow_unused=True 得到 None，或使用 materialize_grads=True 得到零。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
w = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), [x, w])
""",
        right="""
x = torch.ones(2, requires_grad=True)
w = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), [x, w], allow_unused=True)
""",
    ),
    "RL112": Entry(
        title=("Integers have no gradient", "整数张量没有梯度"),
        explanation=(
            "A derivative is a limit of small steps, and whole numbers and booleans have none between them.",
            "导数是微小变化的极限，而整数和布尔值之间没有微小变化。",
        ),
        remedy=(
            "Make it floating first: x.float(), or give dtype=torch.float32.",
            "先转换成浮点数：x.float()，或者指定 dtype=torch.float32。",
        ),
        wrong="""
x = torch.tensor([1, 2], requires_grad=True)
""",
        right="""
x = torch.tensor([1.0, 2.0], requires_grad=True)
""",
    ),
    "RL113": Entry(
        title=("requires_grad of a computed tensor", "修改计算结果的 requires_grad"),
        explanation=(
            "Whether a computed tensor has a history follows from what it was computed from; only leaves have a switch.",
            "计算结果是否有历史取决于它的来源；只有叶子张量才能切换 requires_grad。",
        ),
        remedy=(
            "Use y = y.detach() where the history is not wanted.",
            "不需要历史时使用 y = y.detach()。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
y = x * 2
y.requires_grad = False
""",
        right="""
x = torch.ones(2, requires_grad=True)
y = (x * 2).detach()
""",
    ),
    "RL114": Entry(
        title=("An inference tensor in a recorded computation", "推理张量参与了需要记录的计算"),
        explanation=(
            "Tensors made in inference mode keep no count of writes, so they cannot be kept for backward.",
            "推理模式下创建的张量不记录写入次数，因此不能为反向传播保存。",
        ),
        remedy=(
            "Compute it under torch.no_grad() instead of torch.inference_mode(), or use x.clone().",
            "用 torch.no_grad() 代替 torch.inference_mode() 来计算，或者使用 x.clone()。",
        ),
        wrong="""
with torch.inference_mode():
    x = torch.ones(2)
w = torch.ones(2, requires_grad=True)
y = x * w
""",
        right="""
with torch.no_grad():
    x = torch.ones(2)
w = torch.ones(2, requires_grad=True)
y = x * w
""",
    ),
    "RL115": Entry(
        title=("A gradient is asked of a constant", "对常量求梯度"),
        explanation=(
            "The tensor that the gradient is asked for does not require grad, so nothing was recorded about it.",
            "要求梯度的张量本身不需要梯度，因此没有任何相关记录。",
        ),
        remedy=(
            "Call x.requires_grad_() before computing with it.",
            "在用它计算之前调用 x.requires_grad_()。",
        ),
        wrong="""
w = torch.ones(2, requires_grad=True)
x = torch.ones(2)
torch.autograd.grad((w * x).sum(), x)
""",
        right="""
w = torch.ones(2, requires_grad=True)
x = torch.ones(2).requires_grad_()
torch.autograd.grad((w * x).sum(), x)
""",
    ),
    "RL116": Entry(
        title=("No inputs to differentiate by", "没有给出求导的输入"),
        explanation=(
            "`inputs` is empty, so there is nothing to compute. Often a generator, as model.parameters(), was used up before.",
            "`inputs` 为空，没有可计算的内容。常见原因是 model.parameters() 这样的生成器已被用完。",
        ),
        remedy=(
            "Keep the parameters in a list: params = list(model.parameters()).",
            "把参数存成列表：params = list(model.parameters())。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), [])
""",
        right="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), [x])
""",
    ),
    "RL117": Entry(
        title=("Outputs and gradients differ in number", "输出与梯度的个数或类型不符"),
        explanation=(
            "There is one gradient to begin with for each output: a tensor, or None for a single number.",
            "每个输出对应一个初始梯度：张量，或者（输出为单个数时）None。",
        ),
        remedy=(
            "Give as many gradients as outputs, each a tensor or None.",
            "给出与输出同样多的梯度，每个都是张量或 None。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
torch.autograd.backward([x * 2, x * 3], [torch.ones(2)])
""",
        right="""
x = torch.ones(2, requires_grad=True)
torch.autograd.backward([x * 2, x * 3], [torch.ones(2), torch.ones(2)])
""",
    ),
    "RL118": Entry(
        title=("A batch of gradients does not match", "批量梯度不匹配"),
        explanation=(
            "With is_grads_batched the first dimension of each gradient counts the batch, and the others are those of the output.",
            "使用 is_grads_batched 时，每个梯度的第一维是批次，其余各维与输出相同。",
        ),
        remedy=(
            "Give gradients of shape (batch, *output.shape), all with the same batch.",
            "给出形状为 (batch, *output.shape) 的梯度，且批次大小一致。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x * 2, x, torch.ones(2), is_grads_batched=True)
""",
        right="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x * 2, x, torch.eye(2), is_grads_batched=True)
""",
    ),
    "RL119": Entry(
        title=("allow_unused=False with materialize_grads", "allow_unused=False 与 materialize_grads 矛盾"),
        explanation=(
            "materialize_grads asks for zeros in the place of gradients that do not exist, which allow_unused=False forbids.",
            "materialize_grads 要求用零代替不存在的梯度，而 allow_unused=False 禁止这种情况。",
        ),
        remedy=("Leave allow_unused out.", "不要传入 allow_unused。"),
        wrong="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)
""",
        right="""
x = torch.ones(2, requires_grad=True)
torch.autograd.grad(x.sum(), x, materialize_grads=True)
""",
    ),
    "RL120": Entry(
        title=("detach_() of a view", "对视图调用 detach_()"),
        explanation=(
            "The history of a view is that of its base; forgetting it for the view alone is not possible in place.",
            "视图的历史就是其基张量的历史，无法只为视图原地丢弃历史。",
        ),
        remedy=("Use y = y.detach(), which makes a new tensor.", "使用 y = y.detach()，它会生成新的张量。"),
        wrong="""
x = torch.ones(2, requires_grad=True)
(x * 2)[0].detach_()
""",
        right="""
x = torch.ones(2, requires_grad=True)
y = (x * 2)[0].detach()
""",
    ),
    "RL121": Entry(
        title=("numpy() of a tensor that requires grad", "对需要梯度的张量调用 numpy()"),
        explanation=(
            "What NumPy computes is not recorded, so gradients would silently end here.",
            "NumPy 的计算不会被记录，梯度会在这里悄悄中断。",
        ),
        remedy=(
            "Say that the history ends here: x.detach().numpy(), or x.item() for one number.",
            "明确表示历史到此为止：x.detach().numpy()，单个数用 x.item()。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
x.numpy()
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.detach().numpy()
""",
    ),
    "RL122": Entry(
        title=(".grad of a computed tensor", "读取计算结果的 .grad"),
        explanation=(
            "Gradients are kept in leaves only; this tensor was computed, and its .grad is None.",
            "梯度只保存在叶子张量中；该张量是计算结果，它的 .grad 为 None。",
        ),
        remedy=(
            "Call y.retain_grad() before backward, or read .grad of the leaf. A parameter made as "
            "torch.randn(3, requires_grad=True) * 0.1 is no leaf: write (torch.randn(3) * 0.1).requires_grad_().",
            "在反向传播前调用 y.retain_grad()，或者读取叶子张量的 .grad。torch.randn(3, requires_grad=True) * 0.1 "
            "得到的不是叶子张量，应写成 (torch.randn(3) * 0.1).requires_grad_()。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
y = x * 2
y.sum().backward()
y.grad
""",
        right="""
x = torch.ones(2, requires_grad=True)
y = x * 2
y.retain_grad()
y.sum().backward()
y.grad
""",
    ),
    "RL123": Entry(
        title=(".grad set to something that does not fit", "赋给 .grad 的值不匹配"),
        explanation=(
            "The gradient of a tensor has the tensor's own shape and dtype.",
            "梯度的形状和 dtype 必须与张量本身相同。",
        ),
        remedy=(
            "Assign a tensor of the same shape and dtype, or None: x.grad = torch.zeros_like(x).",
            "赋一个形状和 dtype 都相同的张量，或者 None：x.grad = torch.zeros_like(x)。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
x.grad = torch.ones(3)
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.grad = torch.ones(2)
""",
    ),
    "RL124": Entry(
        title=("A hook where no gradient will come", "在没有梯度的张量上注册钩子"),
        explanation=(
            "The tensor does not require grad, so no gradient will ever reach it, and a hook would never run.",
            "该张量不需要梯度，不会有梯度到达，钩子永远不会运行。",
        ),
        remedy=(
            "Call x.requires_grad_() first, or use the tensor that the computation is recorded for.",
            "先调用 x.requires_grad_()，或者改用被记录的张量。",
        ),
        wrong="""
x = torch.ones(2)
x.register_hook(print)
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.register_hook(print)
""",
    ),
    "RL125": Entry(
        title=("A hook returned something other than a gradient", "钩子返回的不是梯度"),
        explanation=(
            "What a hook returns takes the gradient's place: a tensor (for hooks of nodes a tuple of them), or None to "
            "leave the gradient as it is.",
            "钩子的返回值会取代梯度：应为张量（节点的钩子为张量的元组），或者 None 表示不改动。",
        ),
        remedy=(
            "Return a tensor, or nothing. Watch out for lambdas, which return what they compute.",
            "返回张量或什么都不返回。注意 lambda 会返回其计算结果。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: g.tolist())
x.sum().backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: g * 2)
x.sum().backward()
""",
    ),
    "RL126": Entry(
        title=("A hook changed the kind of a gradient", "钩子改变了梯度的形状、类型或个数"),
        explanation=(
            "A gradient that a hook returns must have the shape and dtype of the one it got, and a hook of a node must "
            "return as many as it got.",
            "钩子返回的梯度必须与收到的梯度形状、dtype 相同；节点的钩子返回的个数也必须相同。",
        ),
        remedy=(
            "Keep the shape and dtype: g * mask instead of g[mask], g.to(...) back to the dtype it had.",
            "保持形状和 dtype：用 g * mask 代替 g[mask]，并转换回原来的 dtype。",
        ),
        facts=(
            "The gradient has shape {before}, and the hook returned {after}.",
            "梯度的形状为 {before}，而钩子返回了 {after}。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: g[:1])
x.sum().backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: g * torch.tensor([1.0, 0.0]))
x.sum().backward()
""",
    ),
    "RL127": Entry(
        title=("A gradient is not a number", "梯度出现 NaN"),
        explanation=(
            "Anomaly detection found a NaN in the gradient of this operation: zero times infinity, the square root or "
            "logarithm of zero, or a division by zero.",
            "异常检测在该运算的梯度中发现 NaN：可能是零乘无穷、对零开方或取对数、或除以零。",
        ),
        remedy=(
            "Keep away from the edge before the operation: sqrt(x + eps), log(x.clamp_min(eps)), and where() on the "
            "input rather than on the result. If the gradient that came in was zero there, as behind a where() that took "
            "the other branch, `with rushlight.autograd.strong_zero():` around backward keeps it zero.",
            "在运算之前避开临界点：sqrt(x + eps)、log(x.clamp_min(eps))，并对输入而不是结果使用 where()。若传入的梯度在该处"
            "本来就是零（例如 where() 选了另一支），可以把反向传播放进 `with rushlight.autograd.strong_zero():` 中，使其保持为零。",
        ),
        facts=("{name} was recorded at {place}", "{name} 记录于 {place}"),
        wrong="""
x = torch.zeros(1, requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    (x.sqrt() * 0).sum().backward()
""",
        right="""
x = torch.zeros(1, requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    ((x + 1e-8).sqrt() * 0).sum().backward()
""",
    ),
    "RL128": Entry(
        title=("In-place write to an inference tensor", "原地修改推理张量"),
        explanation=(
            "Tensors made in inference mode keep no count of writes, so outside of it nobody would notice that a kept value "
            "was spoiled.",
            "推理模式下创建的张量不记录写入次数；在该模式之外写入时，无法发现保存的值已被破坏。",
        ),
        remedy=(
            "Write into x.clone(), or write within the torch.inference_mode() block too.",
            "写入 x.clone()，或者也在 torch.inference_mode() 块内写入。",
        ),
        wrong="""
with torch.inference_mode():
    x = torch.ones(2)
x += 1
""",
        right="""
with torch.inference_mode():
    x = torch.ones(2)
x = x.clone()
x += 1
""",
    ),
    "RL129": Entry(
        title=("No derivative is known", "没有可用的导数"),
        explanation=(
            "Nobody has stated the derivative of this operation with respect to this input (PyTorch has none either, or "
            "it has no useful one).",
            "尚未给出该运算对这个输入的导数（PyTorch 同样没有，或者没有有意义的导数）。",
        ),
        remedy=(
            "Detach the input if its gradient is not wanted, or state the derivative in a torch.autograd.Function.",
            "若不需要该梯度则对输入使用 detach()，否则在 torch.autograd.Function 中自行给出导数。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
torch.heaviside(x, torch.ones(2)).sum().backward()
""",
        right="""
x = torch.ones(2, requires_grad=True)
(x * torch.heaviside(x.detach(), torch.ones(2))).sum().backward()
""",
    ),
    "RL130": Entry(
        title=("backward() with create_graph", "backward() 与 create_graph 同用"),
        explanation=(
            ".grad then has a history that leads back to the parameter that holds it: a cycle that keeps memory.",
            "此时 .grad 带有历史，并指回持有它的参数：形成占用内存的循环引用。",
        ),
        remedy=(
            "Use torch.autograd.grad(loss, params, create_graph=True), or set .grad to None when you are done.",
            "使用 torch.autograd.grad(loss, params, create_graph=True)，或在用完后把 .grad 设为 None。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
(x ** 3).sum().backward(create_graph=True)
""",
        right="""
x = torch.ones(2, requires_grad=True)
(slope,) = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)
""",
    ),
    "RL131": Entry(
        title=("A copy of a computed tensor with its graph", "深拷贝带有历史的计算结果"),
        explanation=(
            "deepcopy would have to copy the whole graph behind the tensor; only leaves can be copied so.",
            "deepcopy 将不得不复制张量背后的整个计算图；只有叶子张量可以深拷贝。",
        ),
        remedy=(
            "Copy the values, y.detach().clone(), or keep computed tensors out of attributes of what is copied.",
            "只复制数值：y.detach().clone()；或者不要把计算结果存为被拷贝对象的属性。",
        ),
        wrong="""
import copy
y = torch.ones(2, requires_grad=True) * 2
copy.deepcopy(y)
""",
        right="""
import copy
y = torch.ones(2, requires_grad=True) * 2
copy.deepcopy(y.detach())
""",
    ),
    "RL132": Entry(
        title=("out= in a recorded computation", "在需要记录的计算中使用 out="),
        explanation=(
            "A result that is written into an existing tensor gets no history, so the gradient would be lost.",
            "写入已有张量的结果没有历史，梯度会丢失。",
        ),
        remedy=(
            "Take the result that the function returns, or compute under torch.no_grad().",
            "直接使用函数的返回值，或者在 torch.no_grad() 下计算。",
        ),
        wrong="""
x = torch.ones(2, requires_grad=True)
buffer = torch.empty(2)
torch.exp(x, out=buffer)
""",
        right="""
x = torch.ones(2, requires_grad=True)
buffer = torch.exp(x)
""",
    ),
    "RL133": Entry(
        title=(".data set to integers", "把 .data 设为整数张量"),
        explanation=(
            "A tensor that requires grad stays floating: its gradient has its dtype.",
            "需要梯度的张量必须保持浮点：梯度与它的 dtype 相同。",
        ),
        remedy=("Convert first: x.data = value.float().", "先转换：x.data = value.float()。"),
        wrong="""
x = torch.ones(2, requires_grad=True)
x.data = torch.tensor([1, 2])
""",
        right="""
x = torch.ones(2, requires_grad=True)
x.data = torch.tensor([1, 2]).float()
""",
    ),
    "RL134": Entry(
        title=("No level of forward mode is open", "没有打开的前向模式层级"),
        explanation=(
            "Tangents live in a level of forward mode, and none is open here.",
            "切向量属于某个前向模式层级，而这里没有打开任何层级。",
        ),
        remedy=(
            "Make and unpack dual tensors within `with forward_ad.dual_level():`.",
            "在 `with forward_ad.dual_level():` 中创建和拆解对偶张量。",
        ),
        wrong="""
from rushlight.autograd import forward_ad
forward_ad.make_dual(torch.ones(2), torch.ones(2))
""",
        right="""
from rushlight.autograd import forward_ad
with forward_ad.dual_level():
    forward_ad.make_dual(torch.ones(2), torch.ones(2))
""",
    ),
    "RL135": Entry(
        title=("A tangent does not match its primal", "切向量与原值不匹配"),
        explanation=(
            "A tangent is a direction of the tensor: it has its shape and dtype, and both are floating or complex.",
            "切向量表示张量的变化方向：形状和 dtype 与张量相同，且都为浮点或复数。",
        ),
        remedy=(
            "Give a tangent made like the tensor: torch.ones_like(x).",
            "给出与张量同形的切向量：torch.ones_like(x)。",
        ),
        wrong="""
from rushlight.autograd import forward_ad
with forward_ad.dual_level():
    forward_ad.make_dual(torch.ones(2), torch.ones(3))
""",
        right="""
from rushlight.autograd import forward_ad
with forward_ad.dual_level():
    forward_ad.make_dual(torch.ones(2), torch.ones(2))
""",
    ),
    "RL136": Entry(
        title=("A functional derivative of something other than tensors", "函数式求导得到的不是张量"),
        explanation=(
            "jacobian, hessian, vjp, jvp and the like call your function with tensors, and it must return tensors.",
            "jacobian、hessian、vjp、jvp 等用张量调用你的函数，函数也必须返回张量。",
        ),
        remedy=(
            "Return a tensor or a tuple of tensors; item() and float() end the history.",
            "返回张量或张量的元组；item() 和 float() 会切断历史。",
        ),
        wrong="""
torch.autograd.functional.jacobian(lambda x: x.sum().item(), torch.ones(2))
""",
        right="""
torch.autograd.functional.jacobian(lambda x: x.sum(), torch.ones(2))
""",
    ),
    "RL139": Entry(
        title=("A backward that was stopped cannot be tried again", "中断的反向传播无法重试"),
        explanation=(
            "A backward pass holds 8 MiB of what it has passed, to be tried again where something stops it. No gradient changed.",
            "反向传播最多保留 8 MiB 已经用过的中间值，以便中断之后可以重试；超出的部分用过即释放。所有梯度都没有改变。",
        ),
        remedy=(
            "Compute the loss again, or call backward(retain_graph=True), which holds all of it.",
            "重新计算损失，或者使用 backward(retain_graph=True)，它会保留全部中间值。",
        ),
        facts=(
            "{cause} stopped the backward before this one when it had passed {size}\nThe operation {name} was recorded at {place}",
            "上一次反向传播在用过 {size} 之后被 {cause} 中断\n运算 {name} 记录于 {place}",
        ),
        wrong="""
y = torch.ones(2_000_000, requires_grad=True) * 2
failing = y.register_hook(lambda g: 1 / 0)
loss = y.exp().sin().sum()
try:
    loss.backward()
except ZeroDivisionError:
    failing.remove()
loss.backward()
""",
        right="""
y = torch.ones(2_000_000, requires_grad=True) * 2
failing = y.register_hook(lambda g: 1 / 0)
loss = y.exp().sin().sum()
try:
    loss.backward(retain_graph=True)
except ZeroDivisionError:
    failing.remove()
loss.backward()
""",
    ),
}
