"""`keras-isa experts` and `distill --experts`."""

import json

import pytest

SMALL = ["--width", "4", "--set", "expert_epochs=7", "--set", "expert_steps=1"]


def test_experts_are_made_and_taken(run, tmp_path):
    folder = tmp_path / "experts"
    report = json.loads(
        run("experts", "digits", "--output", str(folder), "--count", "1", *SMALL, "--json").out
    )
    assert report == {"output": str(folder), "experts": 1, "epochs": 7}
    words = ["digits", "--method", "mtt", "--width", "4", "--steps", "2", "--repeats", "1"]
    words += ["--set", "student_steps=2", "--set", "recipe={steps=2, width=4}", "--json"]
    made = run("distill", *words, "--experts", str(folder), "--output", str(tmp_path / "a.keras"))
    assert "making" not in made.err
    assert json.loads(made.out)["output"].endswith("a.keras")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits", "--experts", "nowhere"], "--experts has no meaning with --method frepo"),
        (
            ["digits", "--method", "mtt", "--plan", "--experts", "nowhere"],
            "--experts has no meaning with --plan",
        ),
        (
            ["digits", "--method", "mtt", "--experts", "nowhere"],
            "--experts: `experts` must be a folder that",
        ),
    ],
)
def test_what_does_not_fit_is_refused(run, words, message):
    failed = run("distill", *words)
    assert message in failed.err and failed.code == 2
