"""Training programs for tests of lint: correct ones, and faulty ones whose fault stands on the line marked `# here`."""

CORRECT = {
    "regression": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
with torch.lint(model, optimizer) as report:
    total = 0.0
    for step in range(4):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
""",
    "classification with a phase of evaluation": """
model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(9, 2), torch.arange(9) % 3
with torch.lint(model, optimizer) as report:
    for epoch in range(3):
        model.train()
        for part in (slice(0, 5), slice(5, 9)):
            loss = F.cross_entropy(model(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = (model(x).softmax(1).argmax(1) == y).float().mean()
""",
    "gradient accumulation": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(8, 2), torch.randn(8, 1)
with torch.lint(model, optimizer) as report:
    optimizer.zero_grad()
    for step in range(8):
        loss = F.mse_loss(model(x), y) / 4
        loss.backward()
        if step % 4 == 3:
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
""",
    "frozen parameters": """
model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))
model[0].requires_grad_(False)
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
with torch.lint(model, optimizer) as report:
    for step in range(3):
        optimizer.zero_grad()
        model(torch.randn(8, 2)).square().mean().backward()
        optimizer.step()
""",
    "two optimizers, as for two networks that play against each other": """
maker, judge = nn.Linear(2, 2), nn.Linear(2, 1)
both = nn.ModuleList([maker, judge])
of_maker = torch.optim.Adam(maker.parameters())
of_judge = torch.optim.Adam(judge.parameters())
with torch.lint(both, of_maker, of_judge) as report:
    for step in range(3):
        real, noise = torch.randn(8, 2), torch.randn(8, 2)
        of_judge.zero_grad()
        seen, made = judge(real), judge(maker(noise).detach())
        loss = F.binary_cross_entropy_with_logits(seen, torch.ones(8, 1))
        loss = loss + F.binary_cross_entropy_with_logits(made, torch.zeros(8, 1))
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        F.binary_cross_entropy_with_logits(judge(maker(noise)), torch.ones(8, 1)).backward()
        of_maker.step()
""",
    "a recurrent loop, its state detached": """
inside, outside = nn.Linear(3, 4), nn.Linear(4, 1)
model = nn.ModuleList([inside, outside])
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
with torch.lint(model, optimizer) as report:
    state = torch.zeros(5, 2)
    for chunk in range(3):
        state = state.detach()
        loss = 0.0
        for time in range(4):
            state = torch.tanh(inside(torch.cat([state, torch.randn(5, 1)], 1)))[:, :2]
            loss = loss + (outside(torch.cat([state, state], 1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    "negative log-likelihood of log_softmax, gradients clipped": """
model = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(6, 2), torch.arange(6) % 3
with torch.lint(model, optimizer) as report:
    for step in range(3):
        model.zero_grad()
        F.nll_loss(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
""",
    "a closure, and a moving average of the weights": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
average = model.weight.detach().clone()
def closure():
    optimizer.zero_grad()
    loss = F.l1_loss(model(x), y)
    loss.backward()
    return loss
with torch.lint(model, optimizer) as report:
    for step in range(3):
        optimizer.step(closure)
        average = 0.9 * average + 0.1 * model.weight.detach()
        model.weight.data.clamp_(-1, 1)
""",
    "a table of distances": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
points = torch.randn(6)
with torch.lint(model, optimizer) as report:
    for step in range(3):
        out = model(torch.randn(6, 2)).squeeze(1)
        apart = (out[:, None] - points).abs() + (points.unsqueeze(1) - out).abs()
        optimizer.zero_grad()
        apart.min(1).values.mean().backward()
        optimizer.step()
""",
    "attention, its weights used further": """
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
with torch.lint(model, optimizer) as report:
    for step in range(3):
        weights = (x @ x.T).softmax(1)
        optimizer.zero_grad()
        F.cross_entropy(model(weights @ x) * torch.sigmoid(model(x)), y).backward()
        optimizer.step()
""",
    "two losses of one graph": """
model = nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with torch.lint(model, optimizer) as report:
    for step in range(3):
        out = model(torch.randn(4, 2))
        optimizer.zero_grad()
        out[:, 0].mean().backward(retain_graph=True)
        out[:, 1].square().mean().backward()
        optimizer.step()
""",
    "no optimizer": """
w = torch.randn(3, requires_grad=True)
with torch.lint() as report:
    for step in range(3):
        loss = ((w - 1) ** 2).sum()
        (slope,) = torch.autograd.grad(loss, w)
        with torch.no_grad():
            w -= 0.1 * slope
""",
    "gradients of autograd.grad, put into .grad": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
with torch.lint(model, optimizer) as report:
    for step in range(3):
        params = list(model.parameters())
        for p, g in zip(params, torch.autograd.grad(F.mse_loss(model(x), y), params)):
            p.grad = g
        optimizer.step()
""",
    "a loss looked at after its step": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
with torch.lint(model, optimizer) as report:
    for step in range(4):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(loss.sqrt().item() / 2)
""",
    "a loss without slope": """
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with torch.lint(model, optimizer) as report:
    for step in range(3):
        loss = (model(torch.ones(4, 2)) - 100).relu().mean()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
""",
}

_SETUP = """
model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
"""
_CLASSES = """
model = nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(6, 2), torch.arange(6) % 3
"""


def _steps(*lines, setup=_SETUP, before="", steps=3):
    body = "".join(f"        {line}\n" for line in lines)
    return f"{setup}{before}\nwith torch.lint(model, optimizer) as report:\n    for step in range({steps}):\n{body}"


_LOSS = "loss = F.mse_loss(model(x), y)"
_BACK = "loss.backward()"
_ZERO = "optimizer.zero_grad()"
_STEP = "optimizer.step()"

# name: (kind, code, program)
FAULTY = {
    "no zero_grad": ("step-without-zero_grad", "RL601", _steps(_LOSS, _BACK, _STEP + "  # here")),
    "zero_grad of the other model": (
        "step-without-zero_grad",
        "RL601",
        _steps("other.zero_grad()", _LOSS, _BACK, _STEP + "  # here", before="other = nn.Linear(2, 1)"),
    ),
    "zero_grad once only": (
        "step-without-zero_grad",
        "RL601",
        _steps("if step == 0: optimizer.zero_grad()", _LOSS, _BACK, _STEP + "  # here"),
    ),
    "a layer that the optimizer does not know": (
        "parameter-not-in-optimizer",
        "RL602",
        _steps(_ZERO, _LOSS, _BACK, _STEP + "  # here", before="model[0] = nn.Linear(2, 4)"),
    ),
    "a layer that is not used": (
        "parameter-never-reached",
        "RL603",
        _steps(
            _ZERO, "loss = F.mse_loss(model[2](x.repeat(1, 2)), y)", _BACK + "  # here", _STEP
        ),
    ),
    "a history cut": (
        "parameter-never-reached",
        "RL603",
        _steps(_ZERO, "loss = F.mse_loss(model[2](model[0](x).detach()), y)", _BACK + "  # here", _STEP),
    ),
    "history kept by +=": (
        "history-kept",
        "RL604",
        _steps(_ZERO, _LOSS, _BACK, _STEP, "total += loss  # here", before="total = 0.0"),
    ),
    "history kept in a tensor, in place": (
        "history-kept",
        "RL604",
        _steps(_ZERO, _LOSS, _BACK, "total += loss  # here", _STEP, before="total = torch.zeros(())"),
    ),
    "a state that is not detached": (
        "history-kept",
        "RL604",
        _steps(
            _ZERO, _LOSS, "loss.backward(retain_graph=True)", _STEP,
            "state = state * 0.9 + loss  # here", before="state = torch.zeros(())",
        ),
    ),
    "(N, 1) against (N,) in mse_loss": (
        "loss-broadcast",
        "RL605",
        _steps(_ZERO, "loss = F.mse_loss(model(x), y[:, 0])  # here", _BACK, _STEP),
    ),
    "(N, 1) against (N,) in l1_loss": (
        "loss-broadcast",
        "RL605",
        _steps(_ZERO, "loss = F.l1_loss(model(x), y.flatten())  # here", _BACK, _STEP),
    ),
    "(N, 1) against (N,) in SmoothL1Loss": (
        "loss-broadcast",
        "RL605",
        _steps(_ZERO, "loss = nn.SmoothL1Loss()(model(x), y.flatten())  # here", _BACK, _STEP),
    ),
    "(N,) against (N, 1) by hand": (
        "loss-broadcast",
        "RL605",
        _steps(_ZERO, "apart = model(x).squeeze() - y  # here", "loss = (apart ** 2).mean()", _BACK, _STEP),
    ),
    "softmax before cross_entropy": (
        "softmax-before-cross_entropy",
        "RL606",
        _steps(_ZERO, "p = F.softmax(model(x), dim=1)", "loss = F.cross_entropy(p, y)  # here", _BACK, _STEP,
               setup=_CLASSES),
    ),
    "softmax in the model": (
        "softmax-before-cross_entropy",
        "RL606",
        _steps(
            _ZERO, "loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(x), y)  # here", _BACK, _STEP,
            setup=_CLASSES.replace("nn.Linear(2, 3)", "nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=1))"),
        ),
    ),
    "sigmoid before BCEWithLogitsLoss": (
        "sigmoid-before-logits-loss",
        "RL607",
        _steps(_ZERO, "p = model(x).sigmoid().view(-1, 1)",
               "loss = nn.BCEWithLogitsLoss()(p, (y > 0).float())  # here", _BACK, _STEP),
    ),
    "log_softmax before cross_entropy": (
        "log_softmax-twice",
        "RL608",
        _steps(_ZERO, "loss = F.cross_entropy(model(x).log_softmax(1), y)  # here", _BACK, _STEP, setup=_CLASSES),
    ),
    "nll_loss of softmax": (
        "nll_loss-of-probabilities",
        "RL609",
        _steps(_ZERO, "loss = F.nll_loss(model(x).softmax(1), y)  # here", _BACK, _STEP, setup=_CLASSES),
    ),
    "zero_grad before step": (
        "step-without-gradients",
        "RL610",
        _steps(_LOSS, _BACK, _ZERO, _STEP + "  # here"),
    ),
    "eval mode left on": (
        "training-in-eval-mode",
        "RL611",
        _steps(_ZERO, "out = model(x)  # here", "loss = F.mse_loss(out, y)", _BACK, _STEP, before="model.eval()"),
    ),
    "train mode left on": (
        "evaluation-in-train-mode",
        "RL612",
        _steps(_ZERO, _LOSS, _BACK, _STEP, "with torch.no_grad(): model(x)  # here"),
    ),
    "a write through .data": (
        "data-written",
        "RL613",
        _steps(_ZERO, _LOSS, "model[2].weight.data *= 0.5  # here", _BACK, _STEP),
    ),
    "a write through a part of .data": (
        "data-written",
        "RL613",
        _steps(_ZERO, "out = (model(x) * 2).exp()", "out.data[0].zero_()  # here", "loss = out.mean()", _BACK, _STEP),
    ),
    "zero_grad to zeros before step": (
        "step-without-gradients",
        "RL610",
        _steps(_LOSS, _BACK, "optimizer.zero_grad(set_to_none=False)", _STEP + "  # here"),
    ),
    "the mean of losses with their history": (
        "history-kept",
        "RL604",
        _steps(_ZERO, _LOSS, _BACK, _STEP, "seen.append(loss)", "mean = sum(seen) / len(seen)  # here",
               before="seen = []"),
    ),
    "softmax and clamp before cross_entropy": (
        "softmax-before-cross_entropy",
        "RL606",
        _steps(_ZERO, "p = model(x).softmax(1).clamp(1e-6, 1)", "loss = F.cross_entropy(p, y)  # here", _BACK, _STEP,
               setup=_CLASSES),
    ),
}  # fmt: skip
