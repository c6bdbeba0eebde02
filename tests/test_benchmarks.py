"""The benchmarks: their cases run and compute the same in both libraries, their limits are counted, their pages written."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import rushlight
from benches import module_of

ROOT = Path(__file__).parent.parent


workloads, main, readme, picture, work, machine, process, measure = (
    module_of(f"benchmarks.{name}")
    for name in ("workloads", "__main__", "readme", "picture", "work", "machine", "process", "measure")
)
CASES, GROUPS = workloads.CASES, workloads.GROUPS
# Large ones take seconds, and passes over datasets too.
QUICK = [
    case for case in CASES if not case.group.large and case.group is not GROUPS["data"] and "5,000,000" not in case.name
]


def a_result(case, ratio, **more):
    row = {
        "case": case.name, "group": case.group.title, "wanted": case.group.at_least, "rushlight_us": 10.0,
        "torch_us": 10 * ratio, "ratio": ratio, "lowest": ratio, "highest": ratio, "limit": None, "same": True,
    }  # fmt: skip
    return {**row, **more}


def kept(ratio=100.0):
    told = dict.fromkeys(("processor", "cores", "threads", "python", "numpy", "torch", "rushlight", "commit"), "?")
    told["rates"] = {"product": 100.0, "memory": {"1,000,000": 80.0}}
    results = [a_result(case, ratio, limit=0.5 if case.group.large else None) for case in workloads.chosen()]
    return {
        "machine": told,
        "results": results,
        "processes": [{"what": "import", "unit": "s", "rushlight": 0.1, "torch": 2.0}],
    }


def test_cases_have_names_of_their_own_and_each_group_has_some():
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
    assert {case.group for case in CASES} == set(GROUPS.values())
    assert len(workloads.chosen()) == len(CASES)


def test_cases_are_chosen_by_words_of_names_and_groups():
    assert {case.group for case in workloads.chosen(["LAYER_NORM"])} == {GROUPS["rows"]}
    assert {case.group for case in workloads.chosen(["hessian"])} == {GROUPS["second"]}
    assert workloads.chosen(["nothing of that name"]) == []
    assert len(workloads.chosen(short=True)) == 2 * len(GROUPS)


def test_quick_cases_run_again_and_again():
    for case in QUICK:
        run = case.make(rushlight)
        run()
        run()


@pytest.mark.parity
def test_quick_cases_compute_the_same_in_both():
    torch = pytest.importorskip("torch")
    different = [case.name for case in QUICK if not main.agree(case.make(rushlight)(), case.make(torch)())]
    assert different == []


def test_different_results_are_noticed():
    x = rushlight.ones(3)
    assert main.agree((x, None), [x.numpy(), None])
    assert main.agree({"a": x}, {"a": x})
    assert not main.agree(x, x + 0.1)
    assert not main.agree(x, x[:2])
    assert not main.agree(x, (x, x))


def test_a_case_below_its_bar_or_with_other_results_is_marked():
    case = CASES[0]
    assert "MISSED" in main.line(a_result(case, 1.0))
    assert "MISSED" not in main.line(a_result(case, 100.0))
    assert "DIFFERENT" in main.line(a_result(case, 100.0, same=False))


def test_what_is_measured_again_takes_the_place_of_the_old():
    before, again = kept(), a_result(workloads.chosen()[0], 3.0)
    after = main.remembered(before, {"machine": before["machine"], "results": [again]})
    assert after["results"][0]["ratio"] == 3.0
    assert after["results"][1:] == before["results"][1:]
    assert after["processes"] == before["processes"]
    before["results"][0]["memory_mb"] = {"rushlight": 1.0, "torch": 2.0}
    after = main.remembered(before, {"machine": before["machine"], "results": [again]})
    assert after["results"][0] == {**again, "memory_mb": {"rushlight": 1.0, "torch": 2.0}}


def test_what_is_kept_has_four_digits():
    assert main.rounded({"a": [1.23456, None, 7, "x", 123456.7]}) == {"a": [1.235, None, 7, "x", 123500.0]}


def test_slower_is_measured_as_slower():
    slow = lambda: sum(range(20_000))
    fast = lambda: sum(range(200))
    mine, yours, ratios = measure.measure(fast, slow, rounds=3, limit=0)
    assert mine < yours and len(ratios) == 3 and max(ratios) < 1


def test_a_round_begins_when_other_threads_are_asleep():
    def work():
        while time.perf_counter() < until:
            pass

    until = time.perf_counter() + 0.05
    busy = threading.Thread(target=work)
    busy.start()
    measure.settle()
    assert not busy.is_alive()
    busy.join()


@pytest.mark.parity
def test_limits_count_what_pytorch_moves_and_computes():
    torch = pytest.importorskip("torch")

    def product(m):
        x, y = m.ones(10, 20), m.ones(20, 30)
        return lambda: (x @ y).t() + 1

    found = work.counted(product)
    assert found.operations == 2 * 10 * 20 * 30
    assert found.bytes == 2 * 4 * 300

    def step(m):
        x = m.nn.Parameter(m.ones(1000))
        optimizer = m.optim.Adam([x])

        def run():
            x.grad = None
            x[::2].sum().backward()
            optimizer.step()

        return run

    # The step: parameter, gradient and two averages, of which three are written. Then a sum of half of it, and its gradient.
    assert 7 * 4000 + 2000 <= work.counted(step).bytes <= 7 * 4000 + 4 * 4000
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parity
def test_a_picked_row_counts_as_what_is_picked():
    pytest.importorskip("torch")

    def rows(m):
        x, places = m.ones(1000, 10), m.tensor([3, 5])
        return lambda: x[places]

    found = work.counted(rows)
    assert found.bytes == 2 * 2 * 10 * 4


def test_rates_are_positive_and_told_of_this_machine():
    pytest.importorskip("torch")
    assert machine.memory_rate(1000) > 0
    assert machine.product_rate(64) > 0
    assert machine.described()["compiled"] is machine.is_compiled()


@pytest.mark.skipif(not process.STATUS.exists(), reason="the system does not tell the peak of memory")
def test_peaks_of_memory_are_those_of_the_workload():
    def make(m):
        size = 5_000_000
        return lambda: (np.ones(size), np.ones(size))[0]

    before = process.memory()["VmRSS"]
    found = process.in_a_fork(process.peak, make, rushlight)
    assert 2 * 38 - 8 < found < 2 * 38 + 20
    assert process.memory()["VmRSS"] < before + 20
    assert process.in_a_fork(lambda: 1 / 0) is None


def test_what_is_installed_is_counted_with_what_it_requires():
    numpy = process.installed("numpy")
    assert 10 < numpy < process.installed("rushlight")
    assert process.need("typing-extensions>=4.10.0 ; python_version > '3'") == "typing-extensions"


def test_pages_have_marks_and_get_the_tables():
    for page, text in readme.PAGES.items():
        written = readme.replaced(page.read_text(), text(kept()))
        assert readme.replaced(written, text(kept())) == written
        assert all(group.title in written for group in GROUPS.values())
    assert "| x \\* y + x, 1,000,000 elements | 10.00 | 1,000.00 | 100.00 | 50% |  |" in readme.everything(kept())
    assert "| Second derivatives of such networks | 5 | 100.0 | 100.0 | 11 of 11 |" in readme.section(kept())
    assert "100 GFLOP/s in a matrix product of float32; 80 GB/s" in readme.everything(kept())
    assert "| import | 0.10 s | 2.00 s |" in readme.section(kept())


def test_what_is_below_its_bar_is_seen_on_the_pages():
    assert "| Second derivatives of such networks | 5 | 1.00 | 1.00 | 0 of 11 |" in readme.section(kept(1.0))
    assert "| **1.00** |" in readme.everything(kept(1.0))


@pytest.mark.skipif(not readme.RESULTS.exists(), reason="an archive of the sources has no results")
def test_kept_results_are_those_of_the_pages():
    found = json.loads(readme.RESULTS.read_text())
    assert {r["case"] for r in found["results"]} <= {case.name for case in CASES}
    for page, text in readme.PAGES.items():
        assert readme.replaced(page.read_text(), text(found)) == page.read_text()


def test_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    picture.draw(kept(), tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 10_000
