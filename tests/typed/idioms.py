"""Idioms of PyTorch's users, which type checkers accept. They are read by them, and not run."""

from typing import Any, assert_type

import numpy as np

import rushlight as torch
import rushlight.nn as nn
import rushlight.nn.functional as F
from rushlight import Tensor, optim
from rushlight.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from rushlight.utils.checkpoint import checkpoint
from rushlight.utils.data import DataLoader, Dataset, random_split


class Digits(Dataset[tuple[Tensor, int]]):
    def __init__(self) -> None:
        self.x = torch.randn(10, 3)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.x[index], int(self.x[index, 0] > 0)


class Net(nn.Module):
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(4))
        self.conv = nn.Conv2d(1, 3, 3, padding=1, bias=False)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.heads = nn.ModuleList([nn.Linear(4, 2) for _ in range(2)])
        self.register_buffer("mean", torch.zeros(3))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x - self.mean)
        for head in self.heads:
            y = head(x)
        out, (hidden, cell) = self.lstm(x)
        x = out + hidden + cell
        x = x.view(x.size(0), -1)
        b, n = x.shape
        return y * self.scale + b + n


model = Net().to("cpu").train()
assert_type(model, Net)
device = torch.device("cpu")
optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
scheduler = StepLR(optimizer, 10)
plateau = ReduceLROnPlateau(optimizer)
train, test = random_split(Digits(), [8, 2])
x = torch.randn(3, 3)
for x, y in DataLoader(train, batch_size=4, shuffle=True):
    x, y = x.to(device), y.to(device)
    loss = F.cross_entropy(model(x), y)
    assert_type(loss, Tensor)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(f"{loss.item():.3f}", float(loss), optimizer.param_groups[0]["lr"])
scheduler.step()
plateau.step(0.2)
print(scheduler.get_last_lr()[0])
with torch.no_grad():
    for name, p in model.named_parameters():
        assert_type(name, str)
        p.mul_(0.5)
        if p.grad is not None:
            p.grad.zero_()
        p -= 0.1 * p
torch.save(model.state_dict(), "a.pt")
model.load_state_dict(torch.load("a.pt"))
first = model.body[0].weight
nn.init.xavier_uniform_(model.conv.weight)
layer = nn.Linear(2, 3)
nn.init.zeros_(layer.bias)
layer.bias.data.zero_()
layer.weight.data.copy_(torch.eye(3, 2))
slope = layer.weight.grad
x = torch.randn(3, 3)
values, indices = x.max(dim=1)
assert_type(values, Tensor)
assert_type(x.max(), Tensor)
assert_type(x.max(1), torch.return_types.max)
assert_type(x.argmax(dim=1), Tensor)
assert_type(x.size(0), int)
assert_type(x.shape[0], int)
assert_type(x.numpy().mean(), Any)
assert_type(x.tolist(), Any)
assert_type(torch.from_numpy(np.ones(3)), Tensor)
assert_type(torch.where(x > 0, x, 0.0), Tensor)
assert_type(torch.topk(x, 2).values, Tensor)
assert_type(torch.linalg.svd(x).S, Tensor)
assert_type(F.max_pool2d(x, 2), Tensor)
assert_type(torch.unique(x), Tensor)
u, counts = torch.unique(x, return_counts=True)
n = 3 + x.size(0) * x.shape[-1]
std, mean = torch.std_mean(x)
a, b = x.chunk(2)
q, r = torch.linalg.qr(x)
g = torch.Generator().manual_seed(3)
torch.rand(3, generator=g, device=device, dtype=torch.float32)
made = (1 + x, 1 - x, 2**x, x @ x, ~(x > 0), x[:, None], x[..., 0], x[x > 0], -x)
x[0] = 1
x += 2
if (x > 0).all() and torch.isfinite(x).any():
    pass
numbers = [float(v) for v in x]
max(x.tolist())
sum(p.numel() for p in model.parameters())
(gx,) = torch.autograd.grad((x * x).sum(), x)
assert_type(gx, Tensor)
x = torch.randn(3, 3)
h = torch.func.hessian(lambda v: (v**3).sum())(x)
f = torch.func.vmap(torch.func.grad(torch.sin))(x)
torch.autograd.functional.jacobian(torch.sin, x)
checkpoint(model, x, use_reentrant=False)


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


y = Exp.apply(x)
y.sum()
with torch.autograd.set_detect_anomaly(True), torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
    pass
with torch.amp.autocast("cpu", dtype=torch.bfloat16), torch.enable_grad(), torch.inference_mode():
    pass


@torch.inference_mode()
def evaluate(model: nn.Module) -> float:
    model.eval()
    return model(x).mean().item()


print(evaluate(model) + 1)
handle = model.register_forward_hook(lambda m, i, o: None)
handle.remove()
x.register_hook(lambda g: g * 2).remove()
w = model.get_parameter("scale")
for m in model.modules():
    if isinstance(m, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        if m.bias is not None:
            nn.init.zeros_(m.bias)
    elif isinstance(m, nn.BatchNorm2d):
        m.weight.data.fill_(1)
        m.bias.data.zero_()
        m.running_mean.zero_()
mha = nn.MultiheadAttention(4, 2)
out, weights = mha(x, x, x)
seq = nn.Sequential(nn.Linear(1, 2))
seq.append(nn.Tanh())
print(len(seq))
optimizer.param_groups[0]["lr"] *= 0.1
torch.set_default_dtype(torch.float64)
asked = (x.dtype == torch.float32, x.device.type == "cuda", torch.cuda.is_available())
print(torch.tensor([1, 2.0], requires_grad=True).grad)
packed = nn.utils.rnn.pack_padded_sequence(x, [1, 2])
p2, l2 = nn.utils.rnn.pad_packed_sequence(packed)
nn.utils.parametrizations.weight_norm(nn.Linear(1, 1))
opt = optim.LBFGS(model.parameters())


def closure():
    opt.zero_grad()
    l = model(x).sum()
    l.backward()
    return l


opt.step(closure).item()
