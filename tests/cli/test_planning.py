"""`keras-isa distill --plan`."""

import keras
import pytest


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forecasts are made by JAX")
def test_a_plan_of_a_part_of_a_known_set_needs_the_set(run, tmp_path, monkeypatch):
    """The plan depends on classes and image size, and presets know the whole set only."""
    monkeypatch.setattr("keras_isa.planning.plan._SECONDS", 0.0)  # a forecast from one step
    whole = run("distill", "tfds:mnist", "--plan", "--width", 4)
    assert whole.code == 0 and whole.out.startswith(
        "tfds:mnist: 60,000 training images (28, 28, 1)"
    )
    for option in (["--classes", "1,7"], ["--image-size", 14], ["--ipc", "1=2,7=1"]):
        refused = run("distill", "tfds:mnist", "--plan", "--data-dir", tmp_path, *option)
        assert refused.code == 2 and "mnist" in refused.err


def test_a_trial_runs_steps_and_compares_them_with_the_forecast(run, small, npz, only_json):
    report = only_json(run("distill", npz(), "--plan", "--trial", 2, "--width", 4, "--json"))
    assert report["seconds_per_step"] > 0 and report["fits"]
    assert report["trial"]["seconds_per_step"] > 0
    assert report["trial"]["peak_bytes"] > 0
