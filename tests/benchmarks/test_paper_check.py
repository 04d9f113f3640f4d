"""The paper's row in one command: order, slices, what is kept, and what is said."""

import json
import sys

import pytest

TINY = "digits --steps 6 --width 2 --batch 32 --networks 1 --student-steps 2".split()
STEP = {"steps_per_second": 600.0, "share_of_matmul_rate": 0.4}
MEASURED = {"network": [65.0, 0.3], "krr": [66.0, 0.2]}


@pytest.fixture
def children(script, monkeypatch):
    """The script, and the calls of the others, which take `clock.takes` seconds each."""
    module, calls = script("paper_check"), []

    class Clock:
        now, takes, unfinished = 0.0, 1.0, ()

    def child(name, words):
        words = list(map(str, words))
        calls.append((name, words))
        Clock.now += Clock.takes
        if name == "step_time.py":
            return dict(STEP)
        if len(calls) in Clock.unfinished:
            return {"finished": False, "stage": "distillation", "done": 5, "of": 6}
        method = words[words.index("--method") + 1]
        changed = {} if method == "isa" else {"width": 2}
        return {"finished": True, "measured": MEASURED, "published": None, "changed": changed}

    monkeypatch.setattr(module, "child", child)
    monkeypatch.setattr(module.time, "monotonic", lambda: Clock.now)
    return module, calls, Clock


def check(module, out, *more):
    return module.Check(module.parse([*TINY, "--out", str(out), *more])[1]).result()


def test_everything_in_order_and_once(children, tmp_path):
    module, calls, _ = children
    result = check(module, tmp_path)
    assert result["finished"] and result["asked"] is None
    assert [name for name, _ in calls] == ["step_time.py"] * 2 + ["reproduce_paper.py"] * 4
    policies = [words[words.index("--dtype-policy") + 1] for _, words in calls]
    assert policies == ["mixed_bfloat16", "float32", *["mixed_bfloat16"] * 4]
    runs = [(run["images_per_class"], run["method"]) for run in result["runs"]]
    assert runs == [(10, "isa"), (10, "frepo"), (1, "isa"), (1, "frepo")]
    folders = [words[words.index("--out") + 1] for _, words in calls[2:]]
    assert len(set(folders)) == 4 and "--slice" not in calls[2][1]
    assert json.loads((tmp_path / "check.json").read_text())["configuration"]["steps"] == 6
    again = check(module, tmp_path)
    assert again == result and len(calls) == 6
    with pytest.raises(ValueError, match="another configuration"):
        check(module, tmp_path, "--seed", "1")


def test_a_slice_ends_in_a_run_and_the_next_one_goes_on_there(children, tmp_path):
    module, calls, clock = children
    clock.unfinished = (4,)
    result = check(module, tmp_path, "--slice", "100")
    assert not result["finished"] and len(calls) == 4
    assert calls[2][1][-2:] == ["--slice", "98.0"]
    stages = [run.get("stage") for run in result["runs"]]
    assert stages == [None, "distillation", "waiting", "waiting"]
    assert "10 per class, frepo     distillation, 5 of 6" in module.table(result)
    assert "the same command goes on" in module.table(result)
    result = check(module, tmp_path, "--slice", "100")
    assert result["finished"] and len(calls) == 4 + 3


def test_no_time_is_left_for_a_second_timing(children, tmp_path):
    module, calls, clock = children
    clock.takes = 20.0
    result = check(module, tmp_path, "--slice", "10")
    assert len(calls) == 1 and not result["finished"]
    assert {run["stage"] for run in result["runs"]} == {"waiting"}
    assert "float32         not timed yet" in module.table(result)


def test_the_scripts_take_what_they_are_given(children, script, tmp_path, monkeypatch):
    module, calls, _ = children
    check(module, tmp_path, "--ipc", "1", "--slice", "9", "--epochs", "2")
    monkeypatch.setattr(sys, "argv", ["step_time.py", *calls[0][1]])
    step = script("step_time").parse()
    assert (step.preset, step.ipc, step.width, step.breakdown) == ("digits", 1, 2, True)
    run = script("reproduce_paper").parse(calls[-1][1])
    assert (run.dataset, run.ipc, run.method, run.epochs) == ("digits", 1, "frepo", 2)
    assert (run.batch, run.student_steps, run.networks, run.slice) == (32, 2, 1, 7.0 - 1.0)


def test_the_table_sets_figures_beside_what_is_asked(children):
    module, _, _ = children
    published = module._published.published("cifar10", 10, "isa")
    run = {"images_per_class": 10, "method": "isa", "finished": True, "changed": {"steps": 6}}
    text = module.table(
        {
            "finished": True,
            "steps": {"float32": STEP},
            "asked": module.ASKED["cifar10", 10],
            "runs": [{**run, "measured": MEASURED, "published": published}],
        }
    )
    assert "600 steps/s, 0.40 of the limit; asked of an H100: 560" in text
    assert "65.0 / 67.2" in text and "66.0 / 69.0" in text and "changed: steps" in text


@pytest.mark.parametrize("wrong", [["nothing"], ["digits", "--data", "nowhere.npz"]])
def test_bad_input_is_one_line_before_anything_begins(run, tmp_path, wrong):
    status, out, err = run("paper_check.py", *wrong, "--out", "check", cwd=tmp_path)
    assert status == 2 and not out and "error: " in err.splitlines()[-1]
    assert not (tmp_path / "check").exists()


@pytest.mark.slow
def test_a_whole_check(result_of, tmp_path):
    arguments = [*TINY, "--ipc", "1", "--out", "check"]
    result = result_of(
        "paper_check.py", *arguments, cwd=tmp_path, compile_fast=True, without_tensorflow=True
    )
    assert result["finished"] and len(result["runs"]) == 2
    for step in result["steps"].values():
        assert step["steps_per_second"] > 0 and step["breakdown"]["pieces"]
    assert all(0 <= run["measured"]["network"][0] <= 100 for run in result["runs"])
