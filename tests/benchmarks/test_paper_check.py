"""The paper's row in one command: order, slices, what is kept, and what is said."""

import json
import sys
from types import SimpleNamespace

import pytest

TINY = "digits --steps 6 --width 2 --batch 32 --networks 1 --student-steps 2".split()
STEP = {"steps_per_second": 600.0, "share_of_matmul_rate": 0.4}
MEASURED = {"network": [65.0, 0.3], "krr": [66.0, 0.2]}


@pytest.fixture
def children(script, monkeypatch):
    """The script, and the calls of the others, which take `clock.takes` seconds each."""
    module, calls = script("paper_check"), []

    class Clock:
        now, takes, unfinished, failing = 0.0, 1.0, (), ()

    def printed_by(name, words):
        words = list(map(str, words))
        calls.append((name, words))
        Clock.now += Clock.takes
        if len(calls) in Clock.failing:
            raise module._measure.ScriptFailed(name, -9)
        if name == "step_time.py":
            return dict(STEP)
        if len(calls) in Clock.unfinished:
            return {"finished": False, "stage": "distillation", "done": 5, "of": 6}
        method = words[words.index("--method") + 1]
        changed = {} if method == "isa" else {"width": 2}
        return {"finished": True, "measured": MEASURED, "published": None, "changed": changed}

    monkeypatch.setattr(module._measure, "printed_by", printed_by)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: Clock.now))
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


def test_every_call_gets_something_done_however_short_the_slice(children, tmp_path):
    module, calls, clock = children
    clock.takes = 20.0
    result = check(module, tmp_path, "--slice", "0")
    assert len(calls) == 1 and not result["finished"]
    assert {run["stage"] for run in result["runs"]} == {"waiting"}
    assert "float32         not timed" in module.table(result)
    for count in range(2, 7):
        result = check(module, tmp_path, "--slice", "0")
        assert len(calls) == count
    assert result["finished"] and calls[-1][1][-2:] == ["--slice", "0.0"]


def test_what_fails_stops_nothing_else_and_is_tried_again(children, tmp_path, capsys):
    module, calls, clock = children
    clock.failing = (1, 4)
    one = module.Check(module.parse([*TINY, "--out", str(tmp_path)])[1])
    result = one.result()
    assert one.failed and not result["finished"] and len(calls) == 6
    assert result["steps"]["mixed_bfloat16"] is None
    assert [run.get("stage") for run in result["runs"]] == [None, "failed", None, None]
    assert "step_time.py ended with signal 9; the next call tries again" in capsys.readouterr().out
    assert check(module, tmp_path)["finished"] and len(calls) == 8


@pytest.mark.parametrize(
    ("ending", "said"),
    [("sys.exit(3)", "status 3"), ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9")],
)
def test_a_script_that_fails_is_named(script, tmp_path, monkeypatch, ending, said):
    script("paper_check")  # puts the folder on the path
    import _measure

    (tmp_path / "one.py").write_text(
        "import json, os, signal, sys\n"
        "print('a line before')\n"
        "print(json.dumps([sys.argv[1:], os.environ['SAID']]))\n"
        f"if sys.argv[1] == 'badly': {ending}\n"
    )
    monkeypatch.setattr(_measure, "__file__", str(tmp_path / "_measure.py"))
    assert _measure.printed_by("one.py", ["well", 2], SAID="so") == [["well", "2"], "so"]
    with pytest.raises(_measure.ScriptFailed, match=f"^one.py ended with {said}$"):
        _measure.printed_by("one.py", ["badly"], SAID="so")


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


@pytest.mark.parametrize(
    "wrong",
    [
        ["--data", "nowhere.npz"],
        ["--seed", "-1"],
        ["--ipc", "10", "500"],
        ["--dtype-policy", "int8"],
        ["--networks", "0"],
        ["--slice", "nan"],
    ],
)
def test_bad_input_is_refused_before_anything_begins(children, tmp_path, wrong):
    module, calls, _ = children
    with pytest.raises((ValueError, SystemExit)) as error:
        check(module, tmp_path / "check", *wrong)
    assert isinstance(error.value, ValueError) or error.value.code == 2
    assert not calls and not (tmp_path / "check").exists()


@pytest.mark.slow
def test_an_error_is_one_line(run, tmp_path):
    (tmp_path / "file").touch()
    for words in (["nothing"], ["digits", "--out", "file"]):
        status, out, err = run("paper_check.py", *words, cwd=tmp_path)
        assert status == 2 and not out
        assert err.splitlines()[-1].startswith("paper_check.py: error: ")


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
