"""RL6xx: what `rushlight.lint` finds in training steps."""

from .entry import Entry

_MODEL = """
model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.ones(8, 2), torch.ones(8, 1)
"""
_RIGHT = (
    _MODEL
    + """with torch.lint(model, optimizer) as report:
    for step in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
"""
)
_CLASSES = """
model = nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.ones(4, 2), torch.tensor([0, 1, 2, 0])
"""
_CLASSES_RIGHT = (
    _CLASSES
    + """with torch.lint(model, optimizer) as report:
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""
)
_NAMES = ("They are: {names}.", "它们是：{names}。")

ENTRIES = {
    "RL601": Entry(
        title=("Step without zero_grad", "没有调用 zero_grad 就更新"),
        explanation=(
            "The gradients of this step still hold those of an earlier step, which backward has added to.",
            "这一步的梯度中仍含有之前步骤的梯度，反向传播把新梯度累加到了上面。",
        ),
        remedy=(
            "Call optimizer.zero_grad() once per step, before backward or after step.",
            "每一步调用一次 optimizer.zero_grad()，放在反向传播之前或更新之后。",
        ),
        wrong=_RIGHT.replace("        optimizer.zero_grad()\n", ""),
        right=_RIGHT,
    ),
    "RL602": Entry(
        title=("Parameters that no optimizer holds", "参数不在任何优化器中"),
        explanation=(
            "Gradients reach these parameters of the model, but no optimizer that lint was told of changes them.",
            "梯度到达了模型的这些参数，但 lint 所知的优化器都不更新它们。",
        ),
        remedy=(
            "Give them to the optimizer (after adding or replacing layers make it anew), name all optimizers to lint, or "
            "freeze them: p.requires_grad_(False).",
            "把它们交给优化器（添加或替换层之后需重新创建优化器），把所有优化器都告诉 lint，或冻结它们：p.requires_grad_(False)。",
        ),
        facts=_NAMES,
        wrong=_RIGHT.replace("SGD(model.parameters()", "SGD(model[2].parameters()"),
        right=_RIGHT,
    ),
    "RL603": Entry(
        title=("Parameters that no gradient reaches", "没有梯度到达的参数"),
        explanation=(
            "In all steps that were watched no gradient came to these parameters: the loss does not depend on them, or the "
            "way to them is cut.",
            "在观察的所有步骤中，没有梯度到达这些参数：损失不依赖它们，或者途中被切断。",
        ),
        remedy=(
            "Look whether forward uses them, and for detach(), no_grad(), .data and conversions on the way; freeze what "
            "is not trained: p.requires_grad_(False).",
            "检查 forward 是否使用它们，以及途中是否有 detach()、no_grad()、.data 或类型转换；"
            "不训练的参数应冻结：p.requires_grad_(False)。",
        ),
        facts=_NAMES,
        wrong=_RIGHT.replace("model(x)", "model[2](model[0](x).detach())"),
        right=_RIGHT,
    ),
    "RL604": Entry(
        title=("History kept from step to step", "历史跨步骤保留"),
        explanation=(
            "This line uses a value of an earlier step, and with it that step's graph: memory grows with every step, and "
            "backward goes through all of them.",
            "这一行用到了之前某一步算出的值，连同那一步的计算图：内存每一步都在增长，反向传播会经过所有步骤。",
        ),
        remedy=(
            "Add numbers, total += loss.item(), or cut the history, hidden = hidden.detach().",
            "累加数值：total += loss.item()，或切断历史：hidden = hidden.detach()。",
        ),
        wrong=_RIGHT.replace("with torch", "total = 0.0\nwith torch") + "        total += loss\n",
        right=_RIGHT.replace("with torch", "total = 0.0\nwith torch") + "        total += loss.item()\n",
    ),
    "RL605": Entry(
        title=("A loss that compares each with each", "损失中发生两两比较"),
        explanation=(
            "Prediction and target are a column (N, 1) and a row (N,), which broadcast to N * N pairs: the loss is a number, "
            "but the model learns the mean of the targets.",
            "预测与目标分别是列 (N, 1) 和行 (N,)，广播成 N * N 对：损失仍是一个数，但模型学到的只是目标的平均值。",
        ),
        remedy=(
            "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
            "使两者形状相同：prediction.squeeze(1)，或 target.unsqueeze(1)。",
        ),
        facts=("The shapes are {shapes}.", "两个形状为 {shapes}。"),
        wrong=_RIGHT.replace("F.mse_loss(model(x), y)", "((model(x) - y[:, 0]) ** 2).mean()"),
        right=_RIGHT.replace("F.mse_loss(model(x), y)", "((model(x) - y) ** 2).mean()"),
    ),
    "RL606": Entry(
        title=("Softmax before cross_entropy", "cross_entropy 之前使用了 softmax"),
        explanation=(
            "cross_entropy computes the softmax itself. Of probabilities it makes a flatter distribution, so the loss "
            "never becomes small and gradients are weak.",
            "cross_entropy 内部已包含 softmax。对概率再做一次会使分布变平，损失降不下来，梯度也很弱。",
        ),
        remedy=(
            "Give it what the last layer computes (logits); use softmax for prediction only.",
            "直接传入最后一层的输出（logits）；softmax 只用于预测。",
        ),
        facts=("Its input comes from {made_by}.", "它的输入来自 {made_by}。"),
        wrong=_CLASSES_RIGHT.replace("model(x)", "model(x).softmax(1)"),
        right=_CLASSES_RIGHT,
    ),
    "RL607": Entry(
        title=("Sigmoid before a loss of logits", "logits 损失之前使用了 sigmoid"),
        explanation=(
            "binary_cross_entropy_with_logits computes the sigmoid itself, and gets probabilities here.",
            "binary_cross_entropy_with_logits 内部已包含 sigmoid，而这里收到的是概率。",
        ),
        remedy=(
            "Give it what the last layer computes, or use binary_cross_entropy.",
            "直接传入最后一层的输出，或改用 binary_cross_entropy。",
        ),
        facts=("Its input comes from {made_by}.", "它的输入来自 {made_by}。"),
        wrong=_RIGHT.replace("mse_loss(model(x)", "binary_cross_entropy_with_logits(model(x).sigmoid()"),
        right=_RIGHT.replace("mse_loss", "binary_cross_entropy_with_logits"),
    ),
    "RL608": Entry(
        title=("log_softmax twice", "重复使用 log_softmax"),
        explanation=(
            "cross_entropy computes the log_softmax itself; of logarithms of probabilities it computes them again, which "
            "changes nothing and costs time.",
            "cross_entropy 内部已包含 log_softmax；对已取对数的概率再算一次没有作用，只浪费时间。",
        ),
        remedy=(
            "Use cross_entropy of logits, or nll_loss of log_softmax.",
            "对 logits 使用 cross_entropy，或对 log_softmax 的结果使用 nll_loss。",
        ),
        facts=("Its input comes from {made_by}.", "它的输入来自 {made_by}。"),
        wrong=_CLASSES_RIGHT.replace("model(x)", "model(x).log_softmax(1)"),
        right=_CLASSES_RIGHT.replace("cross_entropy(model(x)", "nll_loss(model(x).log_softmax(1)"),
    ),
    "RL609": Entry(
        title=("nll_loss of probabilities", "对概率使用 nll_loss"),
        explanation=(
            "nll_loss takes logarithms of probabilities, and gets probabilities: the loss has no minimum where it should.",
            "nll_loss 需要概率的对数，而这里收到的是概率：损失的最小值不在应有的位置。",
        ),
        remedy=("Use log_softmax instead of softmax.", "用 log_softmax 代替 softmax。"),
        facts=("Its input comes from {made_by}.", "它的输入来自 {made_by}。"),
        wrong=_CLASSES_RIGHT.replace("cross_entropy(model(x)", "nll_loss(model(x).softmax(1)"),
        right=_CLASSES_RIGHT.replace("cross_entropy(model(x)", "nll_loss(model(x).log_softmax(1)"),
    ),
    "RL610": Entry(
        title=("Step without gradients", "没有梯度就更新"),
        explanation=(
            "No parameter of the optimizer has a gradient, so the step changes nothing: there was no backward, or "
            "zero_grad() came after it.",
            "优化器的参数都没有梯度，这一步不会改变任何东西：没有反向传播，或者 zero_grad() 放在了它之后。",
        ),
        remedy=(
            "Call zero_grad(), backward() and step() in this order.",
            "按 zero_grad()、backward()、step() 的顺序调用。",
        ),
        wrong=_RIGHT.replace("        loss.backward()\n", "        loss.backward()\n        optimizer.zero_grad()\n"),
        right=_RIGHT,
    ),
    "RL611": Entry(
        title=("Training in eval mode", "在评估模式下训练"),
        explanation=(
            "The model was called in eval mode in a step that changes its parameters: dropout is off, and batch "
            "normalization does not learn.",
            "更新参数的这一步中，模型处于评估模式：dropout 关闭，批归一化的统计量不更新。",
        ),
        remedy=("Call model.train() before the training steps.", "训练之前调用 model.train()。"),
        wrong=_RIGHT.replace("with torch", "model.eval()\nwith torch"),
        right=_RIGHT.replace("with torch", "model.train()\nwith torch"),
    ),
    "RL612": Entry(
        title=("Evaluation in train mode", "在训练模式下评估"),
        explanation=(
            "The model was called under no_grad in train mode: dropout changes the results at random, and batch "
            "normalization learns from the data.",
            "模型在 no_grad 下以训练模式被调用：dropout 会随机改变结果，批归一化会从这些数据中学习。",
        ),
        remedy=(
            "Call model.eval() before the evaluation, and model.train() after it.",
            "评估之前调用 model.eval()，之后调用 model.train()。",
        ),
        wrong=_RIGHT + "    with torch.no_grad():\n        model(x)\n",
        right=_RIGHT + "    model.eval()\n    with torch.no_grad():\n        model(x)\n",
    ),
    "RL613": Entry(
        title=("A write through .data into a kept value", "通过 .data 改写了保存的值"),
        explanation=(
            "Writes through .data are not counted, so nobody noticed that this one changed a value that backward used "
            "afterwards: the gradients of this step are wrong.",
            "通过 .data 的写入不会被计数，因此没有人发现它改变了反向传播随后用到的值：这一步的梯度是错的。",
        ),
        remedy=(
            "Write after backward, under torch.no_grad() instead of through .data: then such a write is an error.",
            "在反向传播之后写入，并用 torch.no_grad() 代替 .data：这样错误的写入会报错。",
        ),
        wrong=_RIGHT.replace(
            "        loss.backward()\n", "        model[2].weight.data.mul_(0.5)\n        loss.backward()\n"
        ),
        right=_RIGHT.replace(
            "        loss.backward()\n",
            "        loss.backward()\n        with torch.no_grad():\n            model[2].weight.mul_(0.5)\n",
        ),
    ),
}
