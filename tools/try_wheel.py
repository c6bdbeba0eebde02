"""Try an installed wheel: python tools/try_wheel.py compiled|uncompiled, in an environment that has it and NumPy alone."""

import io
import sys
from importlib.metadata import distribution, distributions
from pathlib import Path

import rushlight as torch
from rushlight import core, info, nn


def trained():
    """The loss of a small network, before and after."""
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y = (x.sum(1, keepdim=True) > 0).float()
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        losses.append(nn.functional.binary_cross_entropy_with_logits(model(x), y))
        losses[-1].backward()
        optimizer.step()
    return losses[0].item(), losses[-1].item()


def main(way):
    print("\n".join(info.lines()))
    assert "site-packages" in core.__file__, core.__file__
    assert core.__file__.endswith(".py") == (way == "uncompiled"), core.__file__
    files = {str(path) for path in distribution("rushlight").files}
    left = [name for name in files if Path(name).suffix in (".c", ".h", ".pyx") or name.startswith("tests")]
    assert not left, left
    if way == "uncompiled":
        assert not [name for name in files if name.endswith((".so", ".pyd"))]
    others = {each.metadata["Name"].lower() for each in distributions()} - {"rushlight", "numpy", "pip", "setuptools"}
    print("beside it:", ", ".join(sorted(others)) or "NumPy alone")
    first, last = trained()
    assert last < first / 2, (first, last)
    file = io.BytesIO()
    torch.save({"loss": torch.tensor(last)}, file)
    file.seek(0)
    assert torch.load(file)["loss"] == torch.tensor(last)
    print(f"a network was trained: {first:.3f} to {last:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
