"""RL3xx: shapes, dtypes, indices, names."""

from .entry import Entry

ENTRIES = {
    "RL301": Entry(
        title=("Shapes that do not broadcast", "形状无法广播"),
        explanation=(
            "Shapes are compared from the last dimension on: two sizes go together where they are equal or one of them is 1.",
            "形状从最后一维开始比较：两个大小相等，或其中一个为 1 时才匹配。",
        ),
        remedy=(
            "Compare the two shapes; x.unsqueeze(dim) or x[:, None] puts a dimension of 1 where one is missing.",
            "对照两个形状；缺少的维度可用 x.unsqueeze(dim) 或 x[:, None] 补成大小为 1 的维。",
        ),
        facts=("The shapes are {shapes}.", "两个形状为 {shapes}。"),
        wrong="""
torch.ones(2, 3) + torch.ones(2)
""",
        right="""
torch.ones(2, 3) + torch.ones(2)[:, None]
""",
    ),
    "RL302": Entry(
        title=("Matrices that cannot be multiplied", "矩阵无法相乘"),
        explanation=(
            "In a product of (n, k) and (k, m) the inner sizes must agree. In nn.Linear(k, m) the last dimension of the "
            "input must be k; the weight is shown transposed.",
            "(n, k) 与 (k, m) 相乘时，中间的大小必须相等。nn.Linear(k, m) 的输入最后一维必须是 k；信息中显示的是转置后的权重。",
        ),
        remedy=(
            "Print x.shape before the product; transpose with x.mT, flatten with x.flatten(1), or change the layer's in_features.",
            "在相乘之前打印 x.shape；用 x.mT 转置，用 x.flatten(1) 展平，或修改该层的 in_features。",
        ),
        wrong="""
torch.ones(2, 3) @ torch.ones(2, 3)
""",
        right="""
torch.ones(2, 3) @ torch.ones(2, 3).mT
""",
    ),
    "RL303": Entry(
        title=("A tensor of another number of dimensions is needed", "张量的维数不对"),
        explanation=(
            "The function is for vectors (1-D), matrices (2-D) or batches of matrices (3-D) only.",
            "该函数只接受向量（一维）、矩阵（二维）或成批的矩阵（三维）。",
        ),
        remedy=(
            "torch.matmul (the @ operator) takes all of them; or add a dimension with unsqueeze().",
            "torch.matmul（即 @ 运算符）可接受所有这些情况；或者用 unsqueeze() 增加维度。",
        ),
        wrong="""
torch.mm(torch.ones(2, 3), torch.ones(3))
""",
        right="""
torch.matmul(torch.ones(2, 3), torch.ones(3))
""",
    ),
    "RL304": Entry(
        title=("Products of different dtypes", "不同 dtype 的张量相乘"),
        explanation=(
            "Products of matrices do not convert their inputs. NumPy's arrays are float64 by default, tensors and layers float32.",
            "矩阵乘法不会自动转换输入的 dtype。NumPy 数组默认是 float64，而张量和网络层默认是 float32。",
        ),
        remedy=(
            "Convert one of them: x.float(), x.double() or x.to(w.dtype).",
            "转换其中一个：x.float()、x.double() 或 x.to(w.dtype)。",
        ),
        wrong="""
torch.ones(2, 3, dtype=torch.float64) @ torch.ones(3, 2)
""",
        right="""
torch.ones(2, 3, dtype=torch.float64).float() @ torch.ones(3, 2)
""",
    ),
    "RL305": Entry(
        title=("A shape of another number of elements", "目标形状的元素个数不符"),
        explanation=(
            "view and reshape arrange the same elements anew: the product of the sizes must stay what it is. One size may "
            "be -1, and is computed.",
            "view 和 reshape 只重新排列元素：各维大小的乘积必须不变。可以有一个大小写成 -1，由系统推断。",
        ),
        remedy=(
            "Print x.shape; x.flatten(1) keeps the batch and flattens the rest, whatever the sizes.",
            "打印 x.shape；x.flatten(1) 会保留批次维并展平其余维度，不受具体大小影响。",
        ),
        wrong="""
torch.ones(2, 3).reshape(4, 2)
""",
        right="""
torch.ones(2, 3).reshape(3, -1)
""",
    ),
    "RL306": Entry(
        title=("A view that would need a copy", "该视图需要复制数据"),
        explanation=(
            "After transposing or slicing the elements do not lie in memory in the order that this view would need.",
            "转置或切片之后，元素在内存中的排列不满足该视图所需的顺序。",
        ),
        remedy=(
            "Use x.reshape(...), or x.contiguous().view(...).",
            "使用 x.reshape(...)，或 x.contiguous().view(...)。",
        ),
        wrong="""
torch.ones(2, 3).t().view(6)
""",
        right="""
torch.ones(2, 3).t().reshape(6)
""",
    ),
    "RL307": Entry(
        title=("A size that cannot be expanded", "无法扩展的大小"),
        explanation=(
            "Only dimensions of size 1 can be expanded; in an assignment x[...] = y the shape of y must broadcast to the part.",
            "只有大小为 1 的维可以扩展；赋值 x[...] = y 时，y 的形状必须能广播到被赋值的部分。",
        ),
        remedy=(
            "Use x.repeat(...) for copies, or give y the shape of the part.",
            "需要复制时用 x.repeat(...)，或让 y 与被赋值部分形状一致。",
        ),
        wrong="""
torch.ones(2, 3).expand(4, 3)
""",
        right="""
torch.ones(1, 3).expand(4, 3)
""",
    ),
    "RL308": Entry(
        title=("No such dimension", "维度不存在"),
        explanation=(
            "Dimensions are counted from 0, or from -1 backwards; this tensor has not as many.",
            "维度从 0 开始计数，或从 -1 倒数；该张量没有这么多维。",
        ),
        remedy=(
            "Print x.shape, and use a dim from -x.ndim to x.ndim - 1.",
            "打印 x.shape，使用 -x.ndim 到 x.ndim - 1 之间的 dim。",
        ),
        wrong="""
torch.ones(2, 3).sum(2)
""",
        right="""
torch.ones(2, 3).sum(1)
""",
    ),
    "RL309": Entry(
        title=("An index out of bounds", "索引越界"),
        explanation=(
            "Indices run from 0 to the size of the dimension minus 1, or from -1 backwards.",
            "索引范围是 0 到该维大小减 1，或从 -1 倒数。",
        ),
        remedy=(
            "Look at the largest index, indices.max(), and at x.shape; labels that count from 1 are a common reason.",
            "检查最大的索引 indices.max() 与 x.shape；从 1 开始计数的标签是常见原因。",
        ),
        facts=(
            "The first such index is at position {position} of the index tensor.",
            "第一个越界的索引位于索引张量的位置 {position}。",
        ),
        wrong="""
torch.ones(3)[torch.tensor([0, 3])]
""",
        right="""
torch.ones(3)[torch.tensor([0, 2])]
""",
    ),
    "RL310": Entry(
        title=("More indices than dimensions", "索引个数多于维数"),
        explanation=(
            "Each index takes a dimension of the tensor, and there are more of them than dimensions.",
            "每个索引对应张量的一维，而索引比维数多。",
        ),
        remedy=("Print x.shape; None in an index adds a dimension.", "打印 x.shape；索引中的 None 会增加一维。"),
        wrong="""
torch.ones(2, 3)[0, 0, 0]
""",
        right="""
torch.ones(2, 3)[0, 0]
""",
    ),
    "RL311": Entry(
        title=("An index of the wrong type", "索引的类型不对"),
        explanation=(
            "Tensors are indexed by integers, slices, ..., None, and tensors of integers or booleans.",
            "张量可用整数、切片、...、None 以及整数或布尔张量来索引。",
        ),
        remedy=("Convert the index: i.long(), or int(i).", "转换索引：i.long() 或 int(i)。"),
        wrong="""
torch.ones(3)[torch.tensor([0.0, 1.0])]
""",
        right="""
torch.ones(3)[torch.tensor([0.0, 1.0]).long()]
""",
    ),
    "RL312": Entry(
        title=("A mask of another shape", "掩码的形状不符"),
        explanation=(
            "A boolean mask as an index has the shape of the dimensions that it selects from.",
            "作为索引的布尔掩码，形状必须与被选择的维度相同。",
        ),
        remedy=(
            "Make the mask from the tensor itself, as in x[x > 0], or use torch.where, which broadcasts.",
            "用张量自身生成掩码，例如 x[x > 0]，或使用支持广播的 torch.where。",
        ),
        wrong="""
torch.ones(3)[torch.tensor([True, False])]
""",
        right="""
torch.ones(3)[torch.tensor([True, False, True])]
""",
    ),
    "RL313": Entry(
        title=("Tensors that do not fit together", "张量无法拼接"),
        explanation=(
            "cat joins along one dimension, and all other sizes must agree; stack needs equal shapes.",
            "cat 沿一维拼接，其余各维大小必须相同；stack 要求形状完全相同。",
        ),
        remedy=(
            "Print the shapes: [x.shape for x in tensors]; pad shorter sequences with nn.functional.pad.",
            "打印各个形状：[x.shape for x in tensors]；较短的序列可用 nn.functional.pad 填充。",
        ),
        wrong="""
torch.cat([torch.ones(2, 3), torch.ones(2, 4)])
""",
        right="""
torch.cat([torch.ones(2, 3), torch.ones(2, 4)], dim=1)
""",
    ),
    "RL314": Entry(
        title=("Nothing to join", "没有可拼接的张量"),
        explanation=("cat and stack got an empty list.", "cat 和 stack 收到了空列表。"),
        remedy=(
            "Look whether the loop that fills the list ran, and whether a filter took everything out.",
            "检查生成该列表的循环是否运行过，或者元素是否全被过滤掉了。",
        ),
        wrong="""
torch.stack([])
""",
        right="""
torch.stack([torch.ones(2)])
""",
    ),
    "RL315": Entry(
        title=("A result that the target's dtype cannot hold", "目标 dtype 无法存放结果"),
        explanation=(
            "An in-place write or out= keeps the dtype of the target, and floats do not go into integers, nor complex "
            "numbers into floats.",
            "原地写入或 out= 保持目标的 dtype；浮点数不能写入整数张量，复数不能写入浮点张量。",
        ),
        remedy=(
            "Write out of place: x = x * 0.5, or make the target floating.",
            "改用非原地写法：x = x * 0.5，或使目标成为浮点张量。",
        ),
        wrong="""
x = torch.tensor([1, 2])
x += 0.5
""",
        right="""
x = torch.tensor([1, 2])
x = x + 0.5
""",
    ),
    "RL316": Entry(
        title=("An in-place result of another shape", "原地结果的形状不同"),
        explanation=(
            "An in-place write keeps the shape of the tensor: the other operand may broadcast to it, not the other way round.",
            "原地写入保持张量的形状：另一个操作数可以广播到它，反过来不行。",
        ),
        remedy=("Write out of place: x = x + y.", "改用非原地写法：x = x + y。"),
        wrong="""
x = torch.ones(2)
x += torch.ones(3, 2)
""",
        right="""
x = torch.ones(2)
x = x + torch.ones(3, 2)
""",
    ),
    "RL317": Entry(
        title=("A write to elements that share memory", "写入共用同一内存的元素"),
        explanation=(
            "In an expanded tensor many elements are one place in memory; writing to all of them at once has no meaning.",
            "扩展得到的张量中，多个元素共用同一处内存，无法写入不同的值。",
        ),
        remedy=("Write into x.clone().", "写入 x.clone()。"),
        wrong="""
x = torch.ones(1).expand(3)
x += 1
""",
        right="""
x = torch.ones(1).expand(3).clone()
x += 1
""",
    ),
    "RL318": Entry(
        title=("A write to read-only memory", "写入只读内存"),
        explanation=(
            "The tensor lies over an array that NumPy holds to be read-only.",
            "该张量使用的 NumPy 数组是只读的。",
        ),
        remedy=("Write into a clone(): its memory is its own.", "写入 clone()：它有自己的内存。"),
        wrong="""
import numpy, warnings
warnings.simplefilter("ignore")
array = numpy.ones(2)
array.flags.writeable = False
torch.from_numpy(array).add_(1)
""",
        right="""
import numpy, warnings
warnings.simplefilter("ignore")
array = numpy.ones(2)
array.flags.writeable = False
torch.from_numpy(array).clone().add_(1)
""",
    ),
    "RL319": Entry(
        title=("A single number from several elements", "多个元素不能变成一个数"),
        explanation=(
            "item(), float() and int() give the one element of a tensor, and this one has another number of elements.",
            "item()、float()、int() 只能取出仅有一个元素的张量的值，而该张量的元素个数不是一。",
        ),
        remedy=(
            "Reduce or index first, x.mean().item(), or take all: x.tolist().",
            "先归约或索引：x.mean().item()，或者取出全部：x.tolist()。",
        ),
        wrong="""
torch.ones(2).item()
""",
        right="""
torch.ones(2).mean().item()
""",
    ),
    "RL320": Entry(
        title=("The truth of several values", "多个值的真假不明确"),
        explanation=(
            "`if`, `and`, `or` and `not` ask for one truth, and a tensor of several elements (or none) has not one.",
            "`if`、`and`、`or`、`not` 需要单个真假值，多个元素（或没有元素）的张量没有唯一的真假。",
        ),
        remedy=(
            "Say which is meant: x.any() or x.all(); for element by element, & | ~ and torch.where.",
            "明确含义：x.any() 或 x.all()；逐元素运算用 & | ~ 和 torch.where。",
        ),
        wrong="""
if torch.ones(2) > 0:
    pass
""",
        right="""
if (torch.ones(2) > 0).all():
    pass
""",
    ),
    "RL321": Entry(
        title=("An argument that must be a tensor", "参数必须是张量"),
        explanation=(
            "The function was given a list, an array, a number or None where it takes a tensor.",
            "该函数需要张量，却收到了列表、数组、数字或 None。",
        ),
        remedy=(
            "Convert it: torch.tensor(x), torch.from_numpy(array). Where it is None, look for a function that returns nothing.",
            "转换它：torch.tensor(x)、torch.from_numpy(array)。若为 None，检查是否有函数没有返回值。",
        ),
        wrong="""
torch.exp([1.0, 2.0])
""",
        right="""
torch.exp(torch.tensor([1.0, 2.0]))
""",
    ),
    "RL322": Entry(
        title=("Not for this dtype", "不支持该 dtype"),
        explanation=(
            "The operation has no meaning for tensors of this dtype, or is not offered for it in PyTorch either.",
            "该运算对这种 dtype 没有意义，或者 PyTorch 同样不支持。",
        ),
        remedy=("Convert the tensor: x.float(), x.long(), x.bool().", "转换张量：x.float()、x.long()、x.bool()。"),
        wrong="""
torch.ones(2) & torch.ones(2)
""",
        right="""
torch.ones(2).bool() & torch.ones(2).bool()
""",
    ),
    "RL323": Entry(
        title=("The mean of integers", "对整数求平均"),
        explanation=(
            "A mean of whole numbers is in general none, and the dtype of the result is not said.",
            "整数的平均值一般不是整数，而结果的 dtype 没有指定。",
        ),
        remedy=(
            "Use x.float().mean(), or x.mean(dtype=torch.float32).",
            "使用 x.float().mean()，或 x.mean(dtype=torch.float32)。",
        ),
        wrong="""
torch.tensor([1, 2]).mean()
""",
        right="""
torch.tensor([1, 2]).float().mean()
""",
    ),
    "RL324": Entry(
        title=("Subtraction of booleans", "布尔张量相减"),
        explanation=(
            "True minus False is no truth value; - and unary - are not defined for booleans.",
            "True 减 False 不是布尔值；布尔张量没有定义减法和取负。",
        ),
        remedy=("Use a ^ b, ~a, or convert: a.int() - b.int().", "使用 a ^ b、~a，或转换：a.int() - b.int()。"),
        wrong="""
torch.tensor([True]) - torch.tensor([False])
""",
        right="""
torch.tensor([True]) ^ torch.tensor([False])
""",
    ),
    "RL325": Entry(
        title=("A condition that is not boolean", "条件不是布尔类型"),
        explanation=(
            "where and masked_fill choose by a tensor of booleans.",
            "where 和 masked_fill 用布尔张量进行选择。",
        ),
        remedy=("Compare, mask > 0, or convert: mask.bool().", "使用比较 mask > 0，或转换：mask.bool()。"),
        wrong="""
torch.where(torch.ones(2), 1.0, 0.0)
""",
        right="""
torch.where(torch.ones(2) > 0, 1.0, 0.0)
""",
    ),
    "RL326": Entry(
        title=("Index and tensor of different shapes in gather or scatter", "gather 或 scatter 的索引形状不符"),
        explanation=(
            "The index of gather and scatter has as many dimensions as the tensor, and is no larger in any but `dim`.",
            "gather 和 scatter 的索引与张量维数相同，且除 `dim` 外各维都不能更大。",
        ),
        remedy=("Add the dimension: index.unsqueeze(1).", "补上缺少的维度：index.unsqueeze(1)。"),
        wrong="""
torch.ones(2, 3).gather(1, torch.tensor([0, 2]))
""",
        right="""
torch.ones(2, 3).gather(1, torch.tensor([0, 2]).unsqueeze(1))
""",
    ),
    "RL327": Entry(
        title=("einsum's sizes do not agree", "einsum 的大小不一致"),
        explanation=(
            "A letter stands for one size in all operands, and it has two different sizes here.",
            "同一个字母在所有操作数中代表同一大小，而这里出现了两个不同的大小。",
        ),
        remedy=(
            "Write the shape of each operand above its letters and compare.",
            "把每个操作数的形状写在对应字母上方逐一比较。",
        ),
        wrong="""
torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(2, 3))
""",
        right="""
torch.einsum("ij,kj->ik", torch.ones(2, 3), torch.ones(2, 3))
""",
    ),
    "RL328": Entry(
        title=("The largest of nothing", "空张量没有最值"),
        explanation=(
            "max, min, argmax and argmin of no elements do not exist.",
            "张量没有元素时，max、min、argmax、argmin 没有结果。",
        ),
        remedy=(
            "Look why the tensor is empty, x.numel() == 0; often a mask selected nothing.",
            "检查张量为何为空（x.numel() == 0），常见原因是掩码什么都没选中。",
        ),
        wrong="""
torch.ones(0).max()
""",
        right="""
torch.ones(1).max()
""",
    ),
    "RL329": Entry(
        title=("Integers to negative powers", "整数的负整数次幂"),
        explanation=(
            "1/2 is no integer, so integers have no negative powers.",
            "1/2 不是整数，因此整数没有负整数次幂。",
        ),
        remedy=("Make it floating: x.float() ** -1.", "转换成浮点：x.float() ** -1。"),
        wrong="""
torch.tensor([2]) ** -1
""",
        right="""
torch.tensor([2.0]) ** -1
""",
    ),
    "RL330": Entry(
        title=("A matrix that does not allow it", "矩阵不满足条件"),
        explanation=(
            "The matrix is singular (its rows depend on each other), or not positive-definite, which Cholesky asks for.",
            "矩阵是奇异的（各行线性相关），或者不是正定的（Cholesky 分解的要求）。",
        ),
        remedy=(
            "Add a little to the diagonal, A + 1e-6 * torch.eye(n), or use lstsq, pinv, or the `_ex` form that reports instead.",
            "在对角线上加一个小量：A + 1e-6 * torch.eye(n)，或使用 lstsq、pinv，或不抛异常的 `_ex` 版本。",
        ),
        wrong="""
torch.linalg.inv(torch.ones(2, 2))
""",
        right="""
torch.linalg.inv(torch.ones(2, 2) + torch.eye(2))
""",
    ),
    "RL331": Entry(
        title=("A square matrix is needed", "需要方阵"),
        explanation=(
            "Inverses, determinants, eigenvalues and Cholesky factors exist for square matrices only.",
            "逆、行列式、特征值和 Cholesky 分解只对方阵存在。",
        ),
        remedy=(
            "Use torch.linalg.lstsq, pinv or svd for other matrices.",
            "对非方阵使用 torch.linalg.lstsq、pinv 或 svd。",
        ),
        wrong="""
torch.linalg.inv(torch.ones(2, 3))
""",
        right="""
torch.linalg.pinv(torch.ones(2, 3))
""",
    ),
    "RL332": Entry(
        title=("There is only the CPU", "只有 CPU"),
        explanation=(
            "Rushlight computes on the CPU; no other device is there.",
            "Rushlight 在 CPU 上计算，没有其他设备。",
        ),
        remedy=(
            'Choose the device by what is there: device = "cuda" if torch.cuda.is_available() else "cpu".',
            '按可用情况选择设备：device = "cuda" if torch.cuda.is_available() else "cpu"。',
        ),
        wrong="""
torch.ones(2).to("cuda")
""",
        right="""
torch.ones(2).to("cuda" if torch.cuda.is_available() else "cpu")
""",
    ),
    "RL333": Entry(
        title=("Lists of different lengths", "嵌套列表长度不一"),
        explanation=(
            "A tensor is rectangular: all lists on one level of the data must be equally long.",
            "张量是规则的：同一层的列表长度必须相同。",
        ),
        remedy=("Pad the shorter ones, or keep a list of tensors.", "填充较短的列表，或者用张量的列表保存。"),
        wrong="""
torch.tensor([[1, 2], [3]])
""",
        right="""
torch.tensor([[1, 2], [3, 0]])
""",
    ),
    "RL334": Entry(
        title=("Data that are not numbers", "数据不是数字"),
        explanation=(
            "Tensors hold numbers and booleans; strings, None and other objects have no dtype.",
            "张量只能存放数字和布尔值；字符串、None 等对象没有对应的 dtype。",
        ),
        remedy=("Encode it first, as by a dictionary from word to number.", "先进行编码，例如用字典把单词映射成数字。"),
        wrong="""
torch.tensor(["red", "blue"])
""",
        right="""
number = {"red": 0, "blue": 1}
torch.tensor([number["red"], number["blue"]])
""",
    ),
    "RL335": Entry(
        title=("No such name", "名称不存在"),
        explanation=(
            "Rushlight has no function or class of this name: it is misspelled, or a part of PyTorch that is not here.",
            "Rushlight 没有这个名称的函数或类：可能拼写有误，或是 PyTorch 中尚未提供的部分。",
        ),
        remedy=(
            "Look at dir(torch), and at docs/from-pytorch.md for what is left out.",
            "查看 dir(torch)，并在 docs/from-pytorch.md 中查看未提供的内容。",
        ),
        wrong="""
torch.sigmoyd
""",
        right="""
torch.sigmoid
""",
    ),
    "RL336": Entry(
        title=("A 0-dim tensor has no entries", "零维张量不能迭代"),
        explanation=(
            "A tensor without dimensions is a number: it has no length and cannot be iterated over.",
            "没有维度的张量就是一个数：没有长度，也不能迭代。",
        ),
        remedy=(
            "Take the number, x.item(), or give it a dimension: x.reshape(1).",
            "取出数值 x.item()，或增加一维：x.reshape(1)。",
        ),
        wrong="""
len(torch.tensor(1.0))
""",
        right="""
len(torch.tensor([1.0]))
""",
    ),
    "RL337": Entry(
        title=("dtypes that must agree", "dtype 必须一致"),
        explanation=(
            "Writes by index and scatter do not convert: the values must have the dtype of the tensor that they go into.",
            "按索引写入和 scatter 不会自动转换：写入的值必须与目标张量 dtype 相同。",
        ),
        remedy=("Convert the values: source.to(x.dtype).", "转换要写入的值：source.to(x.dtype)。"),
        wrong="""
x = torch.zeros(3, dtype=torch.int64)
x[torch.tensor([0])] = torch.ones(1)
""",
        right="""
x = torch.zeros(3, dtype=torch.int64)
x[torch.tensor([0])] = torch.ones(1).long()
""",
    ),
    "RL338": Entry(
        title=("A negative size", "大小为负"),
        explanation=("A dimension cannot have fewer than no entries.", "一维的大小不能小于零。"),
        remedy=(
            "Look at how the size is computed; -1 has a meaning in view and reshape only.",
            "检查大小的计算过程；-1 只在 view 和 reshape 中有含义。",
        ),
        wrong="""
torch.ones(-1)
""",
        right="""
torch.ones(1)
""",
    ),
    "RL339": Entry(
        title=("More elements asked for than there are", "请求的元素多于现有元素"),
        explanation=(
            "topk and kthvalue can give at most as many entries as the dimension has.",
            "topk 和 kthvalue 返回的个数不能超过该维的大小。",
        ),
        remedy=("Limit it: k = min(k, x.shape[dim]).", "加以限制：k = min(k, x.shape[dim])。"),
        wrong="""
torch.ones(3).topk(5)
""",
        right="""
torch.ones(3).topk(3)
""",
    ),
    "RL340": Entry(
        title=("permute with too few dimensions", "permute 的维度个数不符"),
        explanation=(
            "permute gives a new order of all dimensions, each named once.",
            "permute 给出所有维度的新顺序，每一维恰好出现一次。",
        ),
        remedy=(
            "Name all of them, or swap two with x.transpose(0, 1).",
            "列出所有维度，或用 x.transpose(0, 1) 交换两维。",
        ),
        wrong="""
torch.ones(2, 3, 4).permute(1, 0)
""",
        right="""
torch.ones(2, 3, 4).permute(1, 0, 2)
""",
    ),
    "RL341": Entry(
        title=("Integers divided by zero", "整数除以零"),
        explanation=(
            "Integers have neither inf nor nan, so that there is nothing that a quotient by zero could be.",
            "整数没有 inf 和 nan，因此除以零没有可用的结果。",
        ),
        remedy=(
            "Make them floating, x.float() // y, or divide by y.clamp(min=1) where zeros may be taken for ones.",
            "转换成浮点：x.float() // y；若零可当作一，则除以 y.clamp(min=1)。",
        ),
        wrong="""
torch.tensor([1]) // torch.tensor([0])
""",
        right="""
torch.tensor([1.0]) // torch.tensor([0.0])
""",
    ),
    "RL342": Entry(
        title=("A mask that asks for more elements than there are", "掩码需要的元素多于源张量"),
        explanation=(
            "masked_scatter takes the next element of the source for each place where the mask is true.",
            "masked_scatter 为掩码中每个为真的位置依次取源张量的下一个元素。",
        ),
        remedy=(
            "Give as many elements as mask.sum() says; for one number everywhere use x.masked_fill(mask, number).",
            "源张量的元素个数应不少于 mask.sum()；若处处填同一个数，请用 x.masked_fill(mask, number)。",
        ),
        wrong="""
torch.zeros(3).masked_scatter(torch.ones(3, dtype=torch.bool), torch.ones(2))
""",
        right="""
torch.zeros(3).masked_scatter(torch.ones(3, dtype=torch.bool), torch.ones(3))
""",
    ),
    "RL343": Entry(
        title=("A list of tensors is no number", "张量列表不是数"),
        explanation=(
            "tensor() takes numbers, lists of numbers, and arrays; within a list a tensor stands for one number.",
            "tensor() 接受数、数的列表和数组；列表中的张量只能代表一个数。",
        ),
        remedy=(
            "torch.stack(tensors) puts tensors of one shape together, and records it; torch.cat joins them along a dimension.",
            "torch.stack(tensors) 把形状相同的张量堆叠起来，并记录梯度；torch.cat 沿某一维拼接。",
        ),
        wrong="""
torch.tensor([torch.ones(2), torch.ones(2)])
""",
        right="""
torch.stack([torch.ones(2), torch.ones(2)])
""",
    ),
}
