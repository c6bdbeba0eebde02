"""RL5xx: transforms of functions: vmap, func.grad, jvp, functional_call, checkpoints."""

from .entry import Entry

ENTRIES = {
    "RL501": Entry(
        title=("in_dims that do not fit the inputs", "in_dims 与输入不匹配"),
        explanation=(
            "in_dims says for each input which dimension counts the samples: an int within its dimensions, or None for an "
            "input that all samples share (and for everything that is no tensor).",
            "in_dims 说明每个输入的哪一维是样本维：取值为该输入范围内的整数；所有样本共用的输入（以及非张量）用 None。",
        ),
        remedy=(
            "Give one entry per positional argument, as in in_dims=(0, None).",
            "为每个位置参数给出一项，例如 in_dims=(0, None)。",
        ),
        wrong="""
torch.vmap(torch.dot, in_dims=(0, 0))(torch.ones(3, 2), 2.0)
""",
        right="""
torch.vmap(torch.mul, in_dims=(0, None))(torch.ones(3, 2), 2.0)
""",
    ),
    "RL502": Entry(
        title=("Batches of different sizes", "批次大小不同"),
        explanation=(
            "vmap takes one sample from each of its inputs at a time, so all have as many in the mapped dimension.",
            "vmap 每次从各个输入中取一个样本，因此它们在样本维的大小必须相同。",
        ),
        remedy=(
            "Compare the sizes, and use in_dims=None for what all samples share.",
            "对照各输入的大小；所有样本共用的输入用 in_dims=None。",
        ),
        wrong="""
torch.vmap(torch.dot)(torch.ones(3, 2), torch.ones(4, 2))
""",
        right="""
torch.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
""",
    ),
    "RL503": Entry(
        title=("Outputs that vmap cannot put together", "vmap 无法合并的输出"),
        explanation=(
            "What the function returns is stacked over the samples, so it must be tensors, and out_dims must have their structure.",
            "函数的返回值会沿样本维堆叠，因此必须是张量，且 out_dims 的结构要与之一致。",
        ),
        remedy=(
            "Return tensors only, and one entry of out_dims per output.",
            "只返回张量，并为每个输出给出一个 out_dims。",
        ),
        wrong="""
torch.vmap(lambda x: "done")(torch.ones(3))
""",
        right="""
torch.vmap(lambda x: x.sum())(torch.ones(3))
""",
    ),
    "RL504": Entry(
        title=("Random numbers under vmap", "vmap 中使用随机数"),
        explanation=(
            "Whether all samples are to draw the same numbers or each its own is not said.",
            "没有说明各个样本是使用相同的随机数，还是各自不同的随机数。",
        ),
        remedy=(
            'Give randomness="different" or randomness="same", or draw before vmap.',
            '指定 randomness="different" 或 randomness="same"，或者在 vmap 之外生成随机数。',
        ),
        wrong="""
torch.vmap(lambda x: x + torch.randn(2))(torch.ones(3, 2))
""",
        right="""
torch.vmap(lambda x: x + torch.randn(2), randomness="different")(torch.ones(3, 2))
""",
    ),
    "RL505": Entry(
        title=("Samples with results of different shapes", "各样本的结果形状不同"),
        explanation=(
            "The function took different ways for different samples, and what they returned cannot be stacked.",
            "函数对不同样本走了不同的分支，返回的结果无法堆叠。",
        ),
        remedy=(
            "Return results of one shape and structure on every way through the function.",
            "让函数的每条分支都返回形状和结构相同的结果。",
        ),
        wrong="""
torch.vmap(lambda x: x.sum() if x.sum() > 2 else x)(torch.tensor([[1.0, 0.0], [2.0, 1.0]]))
""",
        right="""
torch.vmap(lambda x: x * 2 if x.sum() > 2 else x)(torch.tensor([[1.0, 0.0], [2.0, 1.0]]))
""",
    ),
    "RL506": Entry(
        title=("func.grad of a function that returns no single number", "func.grad 的函数没有返回一个数"),
        explanation=(
            "func.grad differentiates functions that return a tensor without dimensions.",
            "func.grad 只对返回零维张量的函数求导。",
        ),
        remedy=(
            "Reduce the result, as by mean(), or use func.jacrev or func.vjp.",
            "对结果归约（例如 mean()），或使用 func.jacrev、func.vjp。",
        ),
        wrong="""
torch.func.grad(lambda x: x * 2)(torch.ones(3))
""",
        right="""
torch.func.grad(lambda x: (x * 2).sum())(torch.ones(3))
""",
    ),
    "RL507": Entry(
        title=("argnums that name no argument", "argnums 没有对应的参数"),
        explanation=(
            "argnums counts the positional arguments that are differentiated by, from 0.",
            "argnums 从 0 开始，指出对哪些位置参数求导。",
        ),
        remedy=(
            "Give an int or a tuple of different ints below the number of positional arguments.",
            "给出一个整数或互不相同的整数元组，且小于位置参数的个数。",
        ),
        wrong="""
torch.func.grad(lambda x, y: (x * y).sum(), argnums=2)(torch.ones(3), torch.ones(3))
""",
        right="""
torch.func.grad(lambda x, y: (x * y).sum(), argnums=1)(torch.ones(3), torch.ones(3))
""",
    ),
    "RL508": Entry(
        title=("Tangents that do not go with the primals", "切向量与原值结构不符"),
        explanation=(
            "jvp takes a tuple of primals and a tuple of tangents, of the same structure, shapes and dtypes.",
            "jvp 接受原值的元组和切向量的元组，两者的结构、形状和 dtype 必须一致。",
        ),
        remedy=("Write jvp(f, (x,), (t,)), with t like x.", "写成 jvp(f, (x,), (t,))，其中 t 与 x 同形。"),
        wrong="""
torch.func.jvp(torch.sin, torch.ones(2), torch.ones(2))
""",
        right="""
torch.func.jvp(torch.sin, (torch.ones(2),), (torch.ones(2),))
""",
    ),
    "RL509": Entry(
        title=("functional_call with names that do not fit", "functional_call 的参数名不符"),
        explanation=(
            "functional_call runs a module with the tensors that are given by the names of its parameters and buffers.",
            "functional_call 用按参数名和缓冲区名给出的张量来运行模块。",
        ),
        remedy=(
            "Begin with dict(model.named_parameters()), and change its values.",
            "从 dict(model.named_parameters()) 开始，再修改其中的值。",
        ),
        wrong="""
torch.func.functional_call(nn.Linear(2, 1), [torch.ones(1, 2)], torch.ones(2))
""",
        right="""
model = nn.Linear(2, 1)
torch.func.functional_call(model, dict(model.named_parameters()), torch.ones(2))
""",
    ),
    "RL510": Entry(
        title=("Models that cannot be stacked", "模型无法堆叠"),
        explanation=(
            "stack_module_state puts the parameters of several models together: of one class, in one mode, one or more.",
            "stack_module_state 合并多个模型的参数：至少一个，且类别和模式相同。",
        ),
        remedy=(
            "Make the models alike, and call train() or eval() on all of them.",
            "使各模型一致，并对它们全部调用 train() 或 eval()。",
        ),
        wrong="""
torch.func.stack_module_state([nn.Linear(2, 1), nn.ReLU()])
""",
        right="""
torch.func.stack_module_state([nn.Linear(2, 1), nn.Linear(2, 1)])
""",
    ),
    "RL511": Entry(
        title=("A recomputation that went differently", "重新计算的结果不同"),
        explanation=(
            "A checkpoint runs its function again in backward, and this time other tensors were kept than the first time.",
            "检查点在反向传播时会重新运行函数，而这一次保存的张量与第一次不同。",
        ),
        remedy=(
            "Make the function depend on its arguments only: no counters, no changes of mode between forward and backward.",
            "让函数只依赖其参数：不要使用计数器，也不要在前向与反向之间切换模式。",
        ),
        wrong="""
from rushlight.utils.checkpoint import checkpoint
calls = []
def function(x):
    calls.append(1)
    return (x * x).sin() if len(calls) == 1 else x.sin()
x = torch.ones(2, requires_grad=True)
checkpoint(function, x, use_reentrant=False).sum().backward()
""",
        right="""
from rushlight.utils.checkpoint import checkpoint
x = torch.ones(2, requires_grad=True)
checkpoint(lambda x: (x * x).sin(), x, use_reentrant=False).sum().backward()
""",
    ),
    "RL512": Entry(
        title=("A write of samples into what they share", "把各样本的值写入共用的张量"),
        explanation=(
            "A tensor from outside of vmap is one for all samples, so it has no room for a value of each.",
            "vmap 之外的张量由所有样本共用，放不下每个样本各自的值。",
        ),
        remedy=(
            "Return the values, or write into a tensor that the function makes itself.",
            "把值作为结果返回，或写入函数内部创建的张量。",
        ),
        wrong="""
total = torch.zeros(2)
torch.vmap(lambda x: total.add_(x))(torch.ones(3, 2))
""",
        right="""
total = torch.vmap(lambda x: x)(torch.ones(3, 2)).sum(0)
""",
    ),
    "RL513": Entry(
        title=("A sample outside of its vmap", "样本离开了它的 vmap"),
        explanation=(
            "What a vmapped function sees is one sample of a batch, and means nothing when vmap is done.",
            "vmap 内的函数看到的是批次中的一个样本，vmap 结束后它就没有意义了。",
        ),
        remedy=(
            "Return the tensor from the function: vmap then gives that of all samples.",
            "从函数中返回该张量，vmap 会给出所有样本的结果。",
        ),
        wrong="""
kept = []
torch.vmap(lambda x: kept.append(x * 2) or x)(torch.ones(3))
kept[0] + 1
""",
        right="""
out, doubled = torch.vmap(lambda x: (x, x * 2))(torch.ones(3))
doubled + 1
""",
    ),
    "RL514": Entry(
        title=("An operation that reads hidden values", "运算读取了隐藏的值"),
        explanation=(
            "Under vmap the values of a tensor differ between samples, and this way of reading them cannot tell.",
            "在 vmap 中张量的值因样本而异，这种读取方式无法区分各个样本。",
        ),
        remedy=(
            "Use the tensor's own operations, or read by .item(), .tolist() or .numpy(), which split the batch.",
            "使用张量自身的运算，或用 .item()、.tolist()、.numpy() 读取，它们会拆分批次。",
        ),
        wrong="""
torch.vmap(lambda x: nn.init.ones_(x))(torch.zeros(3, 2))
""",
        right="""
torch.vmap(lambda x: x.fill_(1.0))(torch.zeros(3, 2))
""",
    ),
    "RL515": Entry(
        title=("backward() of a sample", "对单个样本调用 backward()"),
        explanation=(
            "Under vmap each sample has a gradient of its own, and .grad of a leaf has room for one.",
            "在 vmap 中每个样本都有各自的梯度，而叶子张量的 .grad 只能存放一个。",
        ),
        remedy=(
            "Use func.grad, or autograd.grad inside the function, and return the gradients.",
            "使用 func.grad，或在函数内使用 autograd.grad，并把梯度作为结果返回。",
        ),
        wrong="""
torch.vmap(lambda x: (x * x).sum().backward())(torch.ones(3, 2))
""",
        right="""
torch.vmap(torch.func.grad(lambda x: (x * x).sum()))(torch.ones(3, 2))
""",
    ),
}
