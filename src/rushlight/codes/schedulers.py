"""RL43x: learning-rate schedulers."""

from .entry import Entry

ENTRIES = {
    "RL430": Entry(
        title=("A scheduler that steps before the optimizer", "调度器先于优化器执行 step"),
        explanation=(
            "The scheduler went on to the second epoch before the optimizer made a step in the first: the first learning "
            "rate is never used.",
            "优化器还没有在第一个周期执行 step，调度器就进入了第二个周期：第一个学习率不会被用到。",
        ),
        remedy=(
            "Call optimizer.step() first, and scheduler.step() once behind it: at the end of each epoch, or of each batch.",
            "先调用 optimizer.step()，再调用一次 scheduler.step()：每个周期末尾，或每个批次末尾。",
        ),
        wrong="""
optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
scheduler.step()
optimizer.step()
""",
        right="""
optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
optimizer.step()
scheduler.step()
""",
    ),
    "RL431": Entry(
        title=("A scheduler that goes on without a beginning", "恢复调度器时缺少初始学习率"),
        explanation=(
            "last_epoch says that training goes on, but the optimizer's groups do not have the learning rate it began with.",
            "last_epoch 表示继续训练，但优化器的参数组中没有最初的学习率。",
        ),
        remedy=(
            "Load the optimizer's state_dict before making the scheduler, which brings initial_lr; or make the scheduler "
            "without last_epoch and load its own state_dict.",
            "创建调度器之前先加载优化器的 state_dict（其中含有 initial_lr）；或者不传 last_epoch，改为加载调度器自己的 "
            "state_dict。",
        ),
        wrong="""
optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9, last_epoch=4)
""",
        right="""
optimizer = torch.optim.SGD([{"params": [torch.ones(2, requires_grad=True)], "initial_lr": 0.1}], lr=0.05)
torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9, last_epoch=4)
""",
    ),
    "RL432": Entry(
        title=("More steps than one cycle has", "超出 OneCycleLR 的总步数"),
        explanation=(
            "The cycle is over: scheduler.step() was called more often than total_steps.",
            "周期已经结束：scheduler.step() 的调用次数超过了 total_steps。",
        ),
        remedy=(
            "Give as total_steps the number of calls: epochs * len(loader) where it is stepped after each batch.",
            "将 total_steps 设为实际调用次数：若每个批次后执行一次，则为 epochs * len(loader)。",
        ),
        wrong="""
optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=2)
for batch in range(3):
    optimizer.step()
    scheduler.step()
""",
        right="""
optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=3)
for batch in range(3):
    optimizer.step()
    scheduler.step()
""",
    ),
}
