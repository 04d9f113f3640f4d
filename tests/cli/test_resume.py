"""`keras-isa distill ... --resume DIR`."""

import numpy as np
import pytest

import keras_isa


@pytest.fixture(autouse=True)
def _small(small):
    """Makes runs short."""


def distil(run, name, *words):
    return run("distill", name, "--repeats", 1, "--resume", "state", "--output", "a.keras", *words)


def test_a_finished_run_writes_its_asset_again_without_training(run, npz, tmp_path):
    name = npz()
    first = distil(run, name)
    assert first.code == 0 and "Epoch 1/" in first.err
    before = keras_isa.load(tmp_path / "a.keras")
    (tmp_path / "a.keras").unlink()
    again = distil(run, name)
    assert again.code == 0 and "Epoch" not in again.err
    after = keras_isa.load(tmp_path / "a.keras")
    for one, other in zip(before.to_numpy(), after.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)
    for key in ("steps", "seed", "selection", "settings", "dataset"):
        assert after.provenance[key] == before.provenance[key]


def test_another_run_is_refused_in_one_line(run, npz):
    name = npz()
    assert distil(run, name).code == 0
    for words, said in (
        (("--seed", 1), "seed is 1, and 0 in state"),
        (("--steps", 6), "settings"),
        (("--regularization", 0.5), "regularization is 0.5"),
    ):
        result = distil(run, name, *words)
        assert result.code == 2 and result.out == ""
        assert "`resume` must hold the same run" in result.err.splitlines()[-1]
        assert said in result.err.splitlines()[-1]
    other = npz("other.npz", y_train=np.arange(24)[::-1] % 3)
    assert "`resume` must hold the same run" in distil(run, other).err.splitlines()[-1]


def test_bad_folders_are_refused_before_any_work(refuse, npz, tmp_path):
    name = npz()
    (tmp_path / "file").write_text("")
    assert refuse("distill", name, "--resume", "file").startswith("--resume: `resume` must be")
    assert "--resume has no meaning" in refuse("distill", name, "--plan", "--resume", "state")


def test_a_run_that_diverges_for_good_leaves_its_last_set(run, npz, tmp_path, monkeypatch):
    def diverge(trainer, *args, **kwargs):
        raise RuntimeError("training diverged 6 times")

    monkeypatch.setattr(keras_isa.FRePoTrainer, "fit", diverge)
    result = distil(run, npz())
    assert result.code == 2 and result.out == ""
    assert result.err.splitlines()[-1] == "keras-isa: training diverged 6 times"
    assert keras_isa.load(tmp_path / "a.keras").images.shape[0] == 3
