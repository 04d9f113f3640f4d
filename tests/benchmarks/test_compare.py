"""The plain version of the step, and the comparison with it."""

import dataclasses
import importlib.util

import keras
import numpy as np
import pytest

of_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="the plain version is written in JAX"
)


@of_jax
@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "--shape 12 12 1",
        "--shape 12 12 1 --agreement-ridge 1e-6 --step-by-step",
        "--shape 12 12 3 --ipc 2 --step-by-step",
    ],
)
def test_fifty_plain_steps_are_ours(script, words):
    """Losses, and the set after them; 12x12 pixels meet patches and Winograd's tiles."""
    compare = script("compare")
    words = f"{words} --width 8 --batch 32 --agreement-steps 50".split()
    found = compare.agreement(compare.parse(words))
    losses = {"loss", "label_margin", "inner_loss"}
    assert set(found) == {*losses, "images", "labels", "steps_apart"}
    assert compare.agrees(found)
    assert max(found["images"], found["labels"]) < 2e-3
    assert max(found[name] for name in losses) < 1e-5
    assert found["steps_apart"] == 0


@of_jax
@pytest.mark.slow
def test_another_algorithm_does_not_agree(script, monkeypatch):
    compare = script("compare")
    plain_of = compare.plain_of

    def without_isa(trainer):
        plain = plain_of(trainer)
        plain.options = dataclasses.replace(plain.options, isa_interval=(0.0, 0.0))
        return plain

    monkeypatch.setattr(compare, "plain_of", without_isa)
    words = "--shape 8 8 1 --width 4 --batch 32 --agreement-steps 3 --step-by-step".split()
    found = compare.agreement(compare.parse(words))
    assert not compare.agrees(found)
    assert found["steps_apart"] == 3


def test_no_number_is_no_agreement(script):
    assert not script("compare").agrees({"loss": float("nan"), "steps_apart": 0})


@of_jax
def test_the_plain_run_replaces_networks_and_keeps_the_others(script):
    script("compare")  # puts the folder on the path
    import _plain

    options = _plain.Options(width=2, depth=1, pool_size=2, max_online_steps=2, steps=8)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4, 4, 1)).astype("float32"), np.arange(12) % 2
    labels = np.array([[0.5, -0.5], [-0.5, 0.5]], "float32")
    plain = _plain.Plain(x[:2], labels, options)
    assert [network["age"] for network in plain.networks] == [0, 1]
    losses = _plain.run(plain, x, y, batch_size=8, steps=8)
    assert len(losses) == 8 and np.isfinite(losses).all()
    assert all(network["age"] <= 3 for network in plain.networks)
    assert sum(network["updates"] for network in plain.networks) < 8  # some were replaced
    assert not np.allclose(plain.set[0], x[:2])


def test_ratios_are_paired_by_round(script):
    ratios = script("compare").ratios({"plain": [2.0, 6.0], "ours": [1.0, 2.0], "torch": [9, 9]})
    assert set(ratios) == {"plain/ours", "torch/ours"}
    assert ratios["plain/ours"] == {"median": 2.5, "quartiles": [2.25, 2.75], "range": [2.0, 3.0]}


def test_the_spread_of_one_value_is_that_value(script):
    found = script("_measure").spread([3.0])
    assert found == {"median": 3.0, "quartiles": [3.0, 3.0], "range": [3.0, 3.0]}


@pytest.mark.slow
def test_compare_takes_turns(result_of):
    result = result_of(
        "compare.py",
        *("--shape", "8", "8", "1", "--width", "2", "--batch", "8", "--steps", "2"),
        *("--rounds", "2", "--backends", "torch"),
    )
    names = {"plain", "ours", "torch"} if importlib.util.find_spec("torch") else {"plain", "ours"}
    assert set(result["rounds"]) == set(result["first_turn"]) == names
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in result["rounds"].values())
    assert set(result["ratios"]) == set(result["processor_ratios"])
    assert result["agreement"]["steps_apart"] == 0
