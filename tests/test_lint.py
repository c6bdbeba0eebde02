"""lint: nothing to say about correct programs, and one finding, on its line, for each fault."""

import warnings

import pytest

import lint_programs
import rushlight as rl
from rushlight import watching


def run(program, name):
    """The names of a program after it has run, as a script of that name."""
    names = {"torch": rl, "nn": rl.nn, "F": rl.nn.functional}
    rl.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(program, name, "exec"), names)
    return names


def found(program, name="train.py"):
    return [(finding.kind, finding.code, finding.line) for finding in run(program, name)["report"]]


@pytest.mark.parametrize("program", lint_programs.CORRECT.values(), ids=lint_programs.CORRECT)
def test_correct_programs_have_no_findings(program):
    assert found(program) == []


@pytest.mark.parametrize("case", lint_programs.FAULTY.values(), ids=lint_programs.FAULTY)
def test_each_fault_is_found_on_its_line(case):
    kind, code, program = case
    line = next(n for n, text in enumerate(program.splitlines(), 1) if text.endswith("# here"))
    assert found(program) == [(kind, code, f"train.py:{line}")]


FAULT = lint_programs.FAULTY["a layer that is not used"][2]


def test_a_finding_explains_itself():
    (finding,) = run(FAULT, "train.py")["report"]
    assert "They are: 0.weight, 0.bias." in finding.message
    assert "forward" in finding.remedy


def test_the_report_reads_as_text(monkeypatch):
    report = run(FAULT, "train.py")["report"]
    assert str(report).startswith("train.py:10: RL603 In all steps")
    assert "\n    Remedy: Look whether" in str(report)
    monkeypatch.setenv("RUSHLIGHT_LANG", "zh")
    assert "它们是：0.weight, 0.bias。" in str(run(FAULT, "train.py")["report"])
    assert str(run(lint_programs.CORRECT["regression"], "train.py")["report"]) == "4 步训练，未发现问题"


def test_an_empty_report_counts_the_steps():
    assert str(run(lint_programs.CORRECT["regression"], "train.py")["report"]) == "4 steps, no findings"


def test_nothing_is_left_behind():
    model = rl.nn.Sequential(rl.nn.Linear(2, 1), rl.nn.Dropout(0.5))
    optimizer = rl.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ZeroDivisionError), rl.lint(model, optimizer):
        model(rl.ones(3, 2)).mean().backward()
        optimizer.step()
        raise ZeroDivisionError
    assert not watching.in_force and watching.current() is None
    assert "step" not in vars(optimizer)
    assert not model._forward_pre_hooks
    assert all(not p.hooks.tensor_hooks for p in model.parameters())


def test_the_results_are_those_without_it():
    def trained(watched):
        rl.manual_seed(1)
        model = rl.nn.Sequential(rl.nn.Linear(3, 5), rl.nn.Tanh(), rl.nn.Linear(5, 1))
        optimizer = rl.optim.Adam(model.parameters(), lr=0.1)
        x = rl.randn(7, 3)

        def steps():
            for _ in range(4):
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()

        if watched:
            with rl.lint(model, optimizer):
                steps()
        else:
            steps()
        return [p.detach() for p in model.parameters()]

    for watched, alone in zip(trained(True), trained(False)):
        assert rl.allclose(watched, alone, atol=1e-6)


def test_the_step_of_a_scheduler_stays():
    """An optimizer whose step was wrapped before keeps that."""
    w = rl.ones(2, requires_grad=True)
    optimizer = rl.optim.SGD([w], lr=0.1)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    with rl.lint(None, optimizer):
        pass
    w.sum().backward()
    optimizer.step()
    assert seen == [1]
