"""RL4xx: modules, losses, optimizers."""

from .entry import Entry

ENTRIES = {
    "RL401": Entry(
        title=("super().__init__() is missing", "缺少 super().__init__()"),
        explanation=(
            "A module was given a part before Module.__init__ had made the places where parts are kept.",
            "在 Module.__init__ 创建存放子模块和参数的容器之前，就给模块赋值了。",
        ),
        remedy=("Call super().__init__() first in __init__.", "在 __init__ 的第一行调用 super().__init__()。"),
        wrong="""
class Net(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 1)
Net()
""",
        right="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)
Net()
""",
    ),
    "RL402": Entry(
        title=("A tensor in the place of a parameter", "用普通张量或其他值取代参数"),
        explanation=(
            "This name of the module is a parameter, a module or a buffer, and stays one: a plain tensor would be left out "
            "of parameters().",
            "模块的这个名称是参数、子模块或缓冲区，种类不能改变：普通张量不会出现在 parameters() 中。",
        ),
        remedy=(
            "Assign nn.Parameter(value), or write into it: with torch.no_grad(): layer.weight.copy_(value).",
            "赋值 nn.Parameter(value)，或写入原参数：with torch.no_grad(): layer.weight.copy_(value)。",
        ),
        wrong="""
layer = nn.Linear(2, 2)
layer.weight = torch.ones(2, 2)
""",
        right="""
layer = nn.Linear(2, 2)
layer.weight = nn.Parameter(torch.ones(2, 2))
""",
    ),
    "RL403": Entry(
        title=("A state_dict that does not fit", "state_dict 不匹配"),
        explanation=(
            "The names or shapes in the state_dict are not those of the model: another architecture, or a prefix as "
            '"module." before each name.',
            'state_dict 中的名称或形状与模型不一致：可能架构不同，或每个名称前多了 "module." 之类的前缀。',
        ),
        remedy=(
            "Build the model with the options that it was saved with; strict=False leaves out names that differ (not shapes).",
            "用保存时的选项构建模型；strict=False 可忽略名称差异（但不能忽略形状差异）。",
        ),
        wrong="""
nn.Linear(2, 2).load_state_dict(nn.Linear(3, 2).state_dict())
""",
        right="""
nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2).state_dict())
""",
    ),
    "RL404": Entry(
        title=("A module without forward", "模块没有 forward"),
        explanation=(
            "Calling a module runs its forward, and this class defines none; look for a misspelling or wrong indentation.",
            "调用模块会运行它的 forward，而该类没有定义；检查拼写和缩进。",
        ),
        remedy=("Define forward(self, x) in the class.", "在类中定义 forward(self, x)。"),
        wrong="""
class Net(nn.Module):
    def foward(self, x):
        return x
Net()(torch.ones(1))
""",
        right="""
class Net(nn.Module):
    def forward(self, x):
        return x
Net()(torch.ones(1))
""",
    ),
    "RL405": Entry(
        title=("Another number of channels", "通道数不符"),
        explanation=(
            "The second dimension of the input, (N, C, ...), must be the layer's in_channels. Images from files are "
            "often (H, W, C).",
            "输入 (N, C, ...) 的第二维必须等于该层的 in_channels。从文件读取的图像常为 (H, W, C)。",
        ),
        remedy=(
            "Bring the channels forward, x.permute(0, 3, 1, 2), or change in_channels.",
            "把通道移到前面：x.permute(0, 3, 1, 2)，或修改 in_channels。",
        ),
        wrong="""
nn.Conv2d(3, 4, 3)(torch.ones(1, 8, 8, 3))
""",
        right="""
nn.Conv2d(3, 4, 3)(torch.ones(1, 8, 8, 3).permute(0, 3, 1, 2))
""",
    ),
    "RL406": Entry(
        title=("An input smaller than the kernel", "输入小于卷积核或池化窗口"),
        explanation=(
            "A convolution or pooling has no place to put its window: earlier layers made the input too small.",
            "卷积或池化的窗口放不下：前面的层把输入缩得太小。",
        ),
        remedy=(
            "Use larger inputs, fewer strides or poolings, or padding.",
            "使用更大的输入、更小的步长或更少的池化层，或者加上填充。",
        ),
        wrong="""
nn.Conv2d(1, 1, 5)(torch.ones(1, 1, 2, 2))
""",
        right="""
nn.Conv2d(1, 1, 5, padding=2)(torch.ones(1, 1, 2, 2))
""",
    ),
    "RL407": Entry(
        title=("Batch normalization of a single value", "批归一化只有一个值"),
        explanation=(
            "In training the mean and variance are those of the batch, and one value per channel has no variance.",
            "训练时使用批次的均值和方差，而每个通道只有一个值时没有方差。",
        ),
        remedy=(
            "Call model.eval() for prediction, or drop the last small batch: DataLoader(..., drop_last=True).",
            "预测时调用 model.eval()，或丢弃最后的小批次：DataLoader(..., drop_last=True)。",
        ),
        wrong="""
nn.BatchNorm1d(3)(torch.ones(1, 3))
""",
        right="""
nn.BatchNorm1d(3).eval()(torch.ones(1, 3))
""",
    ),
    "RL408": Entry(
        title=("A loss that broadcasts", "损失函数发生广播"),
        explanation=(
            "Prediction and target have different shapes, so that (N, 1) against (N,) compares each with each: N * N pairs.",
            "预测与目标形状不同：(N, 1) 与 (N,) 会两两比较，得到 N * N 对。",
        ),
        remedy=(
            "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
            "使两者形状相同：prediction.squeeze(1)，或 target.unsqueeze(1)。",
        ),
        wrong="""
F.mse_loss(torch.ones(3, 1), torch.ones(3))
""",
        right="""
F.mse_loss(torch.ones(3, 1).squeeze(1), torch.ones(3))
""",
    ),
    "RL409": Entry(
        title=("A class that the prediction does not have", "目标类别超出范围"),
        explanation=(
            "Classes are counted from 0, and the prediction has one column per class.",
            "类别从 0 开始计数，预测的每一列对应一个类别。",
        ),
        remedy=(
            "Give the last layer as many outputs as classes, or subtract 1 from labels that count from 1.",
            "让最后一层的输出个数等于类别数；若标签从 1 开始则减 1。",
        ),
        wrong="""
F.nll_loss(torch.zeros(2, 3), torch.tensor([1, 3]))
""",
        right="""
F.nll_loss(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
    ),
    "RL410": Entry(
        title=("Targets of the wrong dtype", "目标的 dtype 不对"),
        explanation=(
            "Class indices are int64 (or uint8). Other targets, probabilities among them, have the dtype and the shape of the "
            "prediction.",
            "类别索引的 dtype 是 int64（或 uint8）。其他目标（包括概率）的 dtype 和形状必须与预测相同。",
        ),
        remedy=(
            "Use target.long() for class indices, target.float() for all else.",
            "类别索引使用 target.long()，其他目标使用 target.float()。",
        ),
        wrong="""
F.cross_entropy(torch.zeros(2, 3), torch.tensor([0.0, 2.0]))
""",
        right="""
F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
    ),
    "RL411": Entry(
        title=("Predictions and targets differ in number", "预测与目标的个数不符"),
        explanation=(
            "The first dimension, the batch, must be the same in prediction and target.",
            "预测与目标的第一维（批次）必须相同。",
        ),
        remedy=(
            "Flatten both in the same way: prediction.flatten(0, 1), target.flatten().",
            "用相同方式展平：prediction.flatten(0, 1)、target.flatten()。",
        ),
        wrong="""
F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1, 2]))
""",
        right="""
F.cross_entropy(torch.zeros(3, 3), torch.tensor([0, 1, 2]))
""",
    ),
    "RL412": Entry(
        title=("Binary cross-entropy of different shapes", "二元交叉熵的形状不同"),
        explanation=(
            "Binary cross-entropy compares element by element and does not broadcast.",
            "二元交叉熵逐元素比较，不支持广播。",
        ),
        remedy=(
            "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
            "使两者形状相同：prediction.squeeze(1)，或 target.unsqueeze(1)。",
        ),
        wrong="""
F.binary_cross_entropy_with_logits(torch.ones(2, 1), torch.ones(2))
""",
        right="""
F.binary_cross_entropy_with_logits(torch.ones(2, 1).squeeze(1), torch.ones(2))
""",
    ),
    "RL413": Entry(
        title=("Probabilities outside of 0 and 1", "概率不在 0 到 1 之间"),
        explanation=(
            "binary_cross_entropy takes probabilities, and got logits, NaN, or values past 1.",
            "binary_cross_entropy 需要概率，却收到了未归一化的值、NaN 或大于 1 的值。",
        ),
        remedy=(
            "Use binary_cross_entropy_with_logits, which takes what the last layer gives.",
            "使用 binary_cross_entropy_with_logits，它直接接受最后一层的输出。",
        ),
        wrong="""
F.binary_cross_entropy(torch.tensor([2.0]), torch.ones(1))
""",
        right="""
F.binary_cross_entropy_with_logits(torch.tensor([2.0]), torch.ones(1))
""",
    ),
    "RL414": Entry(
        title=("An embedding that is not there", "嵌入索引超出范围"),
        explanation=(
            "The index is not below num_embeddings: a token that is not in the vocabulary.",
            "索引不小于 num_embeddings：该词不在词表中。",
        ),
        remedy=(
            "Look at indices.max(), and make the table larger: nn.Embedding(vocabulary + 1, ...).",
            "检查 indices.max()，并增大表：nn.Embedding(vocabulary + 1, ...)。",
        ),
        facts=(
            "The first such index is at position {position} of the index tensor.",
            "第一个越界的索引位于索引张量的位置 {position}。",
        ),
        wrong="""
nn.Embedding(3, 2)(torch.tensor([0, 3]))
""",
        right="""
nn.Embedding(4, 2)(torch.tensor([0, 3]))
""",
    ),
    "RL415": Entry(
        title=("Layer normalization of another shape", "层归一化的形状不符"),
        explanation=(
            "normalized_shape is the last dimensions of the input, which it does not end with.",
            "normalized_shape 应是输入最后几维的形状，而输入不是以此结尾。",
        ),
        remedy=("Use nn.LayerNorm(x.shape[-1]).", "使用 nn.LayerNorm(x.shape[-1])。"),
        wrong="""
nn.LayerNorm(3)(torch.ones(2, 4))
""",
        right="""
nn.LayerNorm(4)(torch.ones(2, 4))
""",
    ),
    "RL416": Entry(
        title=("An invalid dropout probability", "dropout 概率无效"),
        explanation=("p is the share of entries that are zeroed, from 0 to 1.", "p 是被置零的比例，取值 0 到 1。"),
        remedy=("Use a p from 0 to 1, such as 0.5.", "使用 0 到 1 之间的 p，例如 0.5。"),
        wrong="""
F.dropout(torch.ones(2), p=50)
""",
        right="""
F.dropout(torch.ones(2), p=0.5)
""",
    ),
    "RL417": Entry(
        title=("An optimizer of nothing", "优化器没有参数"),
        explanation=(
            "The optimizer got no parameters: the generator model.parameters() was used up before, or the layers are in a "
            "plain list and unknown to the module.",
            "优化器没有收到参数：生成器 model.parameters() 已被用完，或者层存放在普通列表中，模块并不知道。",
        ),
        remedy=(
            "Call model.parameters() anew, and keep layers in nn.ModuleList.",
            "重新调用 model.parameters()，并用 nn.ModuleList 存放层。",
        ),
        wrong="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]
torch.optim.SGD(Net().parameters(), lr=0.1)
""",
        right="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2)])
torch.optim.SGD(Net().parameters(), lr=0.1)
""",
    ),
    "RL418": Entry(
        title=("An optimizer of a computed tensor", "让优化器更新计算结果"),
        explanation=(
            "An optimizer changes leaves; this tensor is computed from others, and changing it would change nothing for them.",
            "优化器只能修改叶子张量；该张量由其他张量计算得到，修改它对它们没有作用。",
        ),
        remedy=(
            "Make it a leaf: (torch.randn(3) * 0.1).requires_grad_().",
            "使它成为叶子张量：(torch.randn(3) * 0.1).requires_grad_()。",
        ),
        wrong="""
w = torch.ones(2, requires_grad=True) * 0.1
torch.optim.SGD([w], lr=0.1)
""",
        right="""
w = (torch.ones(2) * 0.1).requires_grad_()
torch.optim.SGD([w], lr=0.1)
""",
    ),
    "RL419": Entry(
        title=("Parameters in the wrong form", "参数的形式不对"),
        explanation=(
            "An optimizer takes an iterable of tensors, of (name, tensor), or of dicts of groups, in a fixed order.",
            "优化器接受张量、(名称, 张量) 或参数组字典的有序序列。",
        ),
        remedy=("Put a single tensor into a list: SGD([w], lr=0.1).", "单个张量放进列表：SGD([w], lr=0.1)。"),
        wrong="""
w = torch.ones(2, requires_grad=True)
torch.optim.SGD(w, lr=0.1)
""",
        right="""
w = torch.ones(2, requires_grad=True)
torch.optim.SGD([w], lr=0.1)
""",
    ),
    "RL420": Entry(
        title=("An option that an optimizer cannot have", "优化器选项无效"),
        explanation=(
            "Learning rates, momenta, decays and eps are not negative, and betas are from 0 to below 1.",
            "学习率、动量、衰减和 eps 不能为负，betas 须在 0 到 1 之间且小于 1。",
        ),
        remedy=(
            "Look at the sign; maximize=True goes up instead of down.",
            "检查正负号；需要最大化时使用 maximize=True。",
        ),
        wrong="""
torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=-0.1)
""",
        right="""
torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1, maximize=True)
""",
    ),
    "RL421": Entry(
        title=("A parameter in two groups", "参数出现在两个组中"),
        explanation=("A parameter would be changed twice in each step.", "同一参数每一步会被更新两次。"),
        remedy=("Leave the parameters of the other groups out of this one.", "从该组中去掉其他组已有的参数。"),
        wrong="""
w = torch.ones(2, requires_grad=True)
torch.optim.SGD([{"params": [w]}, {"params": [w], "lr": 0.1}])
""",
        right="""
w = torch.ones(2, requires_grad=True)
torch.optim.SGD([{"params": [w], "lr": 0.1}])
""",
    ),
    "RL422": Entry(
        title=("An optimizer's state that does not fit", "优化器状态不匹配"),
        explanation=(
            "The saved state belongs to an optimizer with other groups or another number of parameters.",
            "保存的状态属于参数组或参数个数不同的优化器。",
        ),
        remedy=(
            "Build the optimizer over the same parameters, in the same groups, before loading.",
            "加载前用相同的参数和参数组创建优化器。",
        ),
        wrong="""
a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
saved = torch.optim.SGD([a, b], lr=0.1).state_dict()
torch.optim.SGD([a], lr=0.1).load_state_dict(saved)
""",
        right="""
a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
saved = torch.optim.SGD([a, b], lr=0.1).state_dict()
torch.optim.SGD([a, b], lr=0.1).load_state_dict(saved)
""",
    ),
    "RL423": Entry(
        title=("Gradients that are not finite", "梯度不是有限数"),
        explanation=(
            "The norm of the gradients is infinite or NaN, so they cannot be clipped to a norm.",
            "梯度的范数为无穷或 NaN，无法裁剪到给定范数。",
        ),
        remedy=(
            "Find where it begins with torch.autograd.set_detect_anomaly(True); lower the learning rate.",
            "用 torch.autograd.set_detect_anomaly(True) 找到源头；降低学习率。",
        ),
        wrong="""
w = torch.ones(2, requires_grad=True)
w.grad = torch.tensor([1.0, float("inf")])
nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
""",
        right="""
w = torch.ones(2, requires_grad=True)
w.grad = torch.tensor([1.0, 2.0])
nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
""",
    ),
    "RL424": Entry(
        title=("train() takes a truth value", "train() 的参数应为布尔值"),
        explanation=(
            "train(mode) switches the module; something else than True or False was given, often the training data.",
            "train(mode) 用来切换模式；传入的不是 True 或 False，常见的是误传了训练数据。",
        ),
        remedy=("Call model.train() or model.eval().", "调用 model.train() 或 model.eval()。"),
        wrong="""
nn.Linear(2, 2).train("yes")
""",
        right="""
nn.Linear(2, 2).train(True)
""",
    ),
    "RL425": Entry(
        title=("Class targets of too many dimensions", "类别目标的维度过多"),
        explanation=(
            "A prediction of shape (N, C) goes with one class index per sample, a target of shape (N,).",
            "形状为 (N, C) 的预测对应每个样本一个类别索引，即形状为 (N,) 的目标。",
        ),
        remedy=(
            "target.squeeze(1) where the shape is (N, 1), target.argmax(1) where it is one-hot; for several classes at once "
            "binary_cross_entropy_with_logits.",
            "形状为 (N, 1) 时用 target.squeeze(1)，独热编码时用 target.argmax(1)；若可同时属于多个类别，用 "
            "binary_cross_entropy_with_logits。",
        ),
        wrong="""
F.cross_entropy(torch.zeros(2, 3), torch.tensor([[0], [2]]))
""",
        right="""
F.cross_entropy(torch.zeros(2, 3), torch.tensor([[0], [2]]).squeeze(1))
""",
    ),
}
