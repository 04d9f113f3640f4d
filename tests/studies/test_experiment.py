import numpy as np
import pytest

from keras_isa import DistributionMatchingTrainer, FRePoTrainer
from keras_isa.datasets.dataset import Dataset
from keras_isa.evaluation.scores import DivergedError
from keras_isa.inputs.arrays import to_numpy
from keras_isa.presets import Settings
from keras_isa.studies import Experiment
from keras_isa.studies.experiment import PLAIN, held_out_part, module_changes, some_rows


def test_a_set_is_made_once(experiment, make_experiment, monkeypatch):
    first = experiment.distilled(0, **PLAIN)
    scores = experiment.scores(0, **PLAIN)
    assert 0 <= scores["student"] <= 1 and 0 <= scores["krr"] <= 1 and 0 <= scores["val"] <= 1

    def no_fit(*args, **options):
        raise AssertionError("it was there")

    monkeypatch.setattr(FRePoTrainer, "fit", no_fit)
    again = make_experiment()  # the same folder
    kept = again.distilled(0, **PLAIN)
    np.testing.assert_array_equal(to_numpy(kept.images), to_numpy(first.images))
    assert again.scores(0, **PLAIN) == scores
    for other in ({"seed": 1}, {"seed": 0, "steps": 3}, {"seed": 0, "crucial_fraction": 0.5}):
        with pytest.raises(AssertionError, match="it was there"):
            again.distilled(**{**PLAIN, **other})


def test_a_damaged_set_is_made_anew(experiment):
    first = experiment.distilled(0)
    (path,) = experiment.cells.folder.glob("*.keras")
    path.write_bytes(path.read_bytes()[:300])
    again = experiment.distilled(0)
    np.testing.assert_array_equal(to_numpy(again.images), to_numpy(first.images))
    assert path.stat().st_size > 300


def test_seeds_decide_and_settings_do_not(experiment):
    """Variations of one seed have the same first images and hold out the same ones."""
    images = [
        to_numpy(experiment.distilled(seed, **changes, learning_rate=1e-9).images)
        for seed, changes in ((0, PLAIN), (0, {"crucial_fraction": 0.5}), (1, PLAIN))
    ]
    np.testing.assert_allclose(images[0], images[1], atol=1e-5)
    assert np.abs(images[0] - images[2]).max() > 1e-2


def test_all_steps_are_taken(experiment):
    assert experiment.settings.patience is None
    assert experiment.distilled(0).provenance["steps"] == 4


def test_steps_are_timed_in_turns(experiment, make_experiment, monkeypatch):
    arms = {"plain": PLAIN, "both": {"crucial_fraction": 0.5, "isa_interval": (0.0, 0.5)}}
    monkeypatch.setattr("keras_isa.studies.experiment._ROUND_SECONDS", 0.001)
    said = []
    times = experiment.seconds_per_step(arms, said.append)
    assert list(times) == ["plain", "both"] and all(0 < one < 60 for one in times.values())
    assert make_experiment().seconds_per_step(arms, said.append) == times
    assert said == ["timing steps in turns"]  # the second time nothing was


def test_a_network_of_real_images(make_experiment):
    experiment = make_experiment(1, width=16)
    distilled = experiment.distilled(0)
    network = experiment.real_network(distilled, 0)
    assert network is experiment.real_network(distilled, 0)
    images, y = experiment.real_images(distilled, 0)
    assert images.shape == (48, 4, 4, 1) and y.shape == (48,)
    logits = to_numpy(network.outputs(0, images)[0])
    assert np.mean(logits.argmax(axis=1) == y) > 0.9
    assert network is not experiment.real_network(distilled, 1)


def test_what_an_experiment_is_made_of(experiment, tmp_path):
    train, test, settings = experiment.train, experiment.test, experiment.settings
    with pytest.raises(TypeError, match="`train` must be"):
        Experiment(train.x, test, settings, tmp_path)
    with pytest.raises(TypeError, match="`settings` must be"):
        Experiment(train, test, {}, tmp_path)
    with pytest.raises(ValueError, match="`repeats` must be"):
        Experiment(train, test, settings, tmp_path, repeats=0)
    numbers = Dataset.from_arrays(train.x, train.y.astype("float32"), task="regression")
    with pytest.raises(ValueError, match="`test` must have classes"):
        Experiment(train, numbers, settings, tmp_path)
    about = experiment.description()
    assert (about["dataset"], about["method"], about["train_images"]) == ("shades", "frepo", 48)


def test_another_method(make_experiment, tmp_path, experiment):
    settings = DistributionMatchingTrainer.Config(
        images_per_class=1, width=4, depth=1, steps=2, epochs=1, recipe={"width": 4, "steps": 2}
    )
    own = Experiment(experiment.train, experiment.test, settings, tmp_path / "dm", repeats=1)
    assert own.distilled(0, **module_changes(settings)["both"]).provenance["method"] == "dm"


def test_held_out_images_are_not_distilled(experiment):
    train, scored = held_out_part(experiment.train, 12, seed=4)
    assert (len(train.y), len(scored.y), scored.split) == (36, 12, "test")
    rows = [row.tobytes() for part in (train, scored) for row in part.x]
    assert sorted(rows) == sorted(row.tobytes() for row in experiment.train.x)
    with pytest.raises(ValueError, match="`count` must be less, so that every class .*47 of 48"):
        held_out_part(experiment.train, 47)
    with pytest.raises(ValueError, match="`count` must be"):
        held_out_part(experiment.train, 0)


def test_parts_have_the_axes_of_the_data():
    x = np.random.default_rng(0).normal(size=(30, 12, 5)).astype("float32")
    data = Dataset.from_arrays(x, np.arange(30) % 3, axes="NTF")
    train, scored = held_out_part(data, 2)  # which has not every class
    assert train.image_shape == scored.image_shape == data.image_shape == (12, 5)


def test_the_module_is_switched_on_as_the_settings_say():
    settings = Settings(images_per_class=1, crucial_fraction=0.6, isa_interval=(-1, 0))
    arms = module_changes(settings)
    assert arms["both"] == {"crucial_fraction": 0.6, "isa_interval": (-1.0, 0.0)}
    assert arms["isa"] == {"crucial_fraction": 1.0, "isa_interval": (-1.0, 0.0)}
    plain = module_changes(settings.with_changes(**PLAIN))
    assert plain["both"] == {"crucial_fraction": 0.8, "isa_interval": (0.0, 0.5)}
    assert plain["plain"] == PLAIN


def test_rows_at_random():
    y = np.array([0] * 900 + [1] * 98 + [2] * 2)
    rows = some_rows(y, 100, seed=2)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(y[rows]).tolist() == [90, 10, 2]
    assert (some_rows(y, 100, seed=3) != rows).any()
    assert some_rows(y, 1000, seed=0).tolist() == list(range(1000))


def test_a_run_that_diverges_is_kept_as_such(experiment, make_experiment, monkeypatch):
    fit = FRePoTrainer.fit

    def diverging(self, *args, **options):
        fit(self, *args, **options)
        self.distilled.images.assign(np.full(self.distilled.images.shape, np.nan))

    monkeypatch.setattr(FRePoTrainer, "fit", diverging)
    with pytest.raises(DivergedError, match="not finite"):
        experiment.distilled(0)
    found = experiment.scores(0)
    assert list(found) == ["diverged"]
    monkeypatch.setattr(FRePoTrainer, "fit", None)  # it is not run again
    assert make_experiment().scores(0) == found


def test_results_are_kept_by_all_that_they_are_of(experiment):
    first = experiment.kept("a", {"seed": 0, "revision": 1}, lambda: {"value": 1})
    assert experiment.kept("a", {"seed": 0, "revision": 1}, lambda: {"value": 2}) == first
    for name, about in (("b", {"seed": 0, "revision": 1}), ("a", {"seed": 0}), ("a", {})):
        assert experiment.kept(name, about, lambda: {"value": 3}) == {"value": 3}


def test_a_network_is_one_of_the_space_of_the_set(experiment):
    plain = experiment.distilled(0)
    white = experiment.distilled(0, preprocessing="zca")
    first, second = (experiment.real_network(one, 0) for one in (plain, white))
    assert first is not second


def test_other_classes_or_units_are_another_experiment(experiment, tmp_path):
    import dataclasses

    own = experiment._about(0, FRePoTrainer, experiment.settings)
    for changes in ({"pixel_range": (0.0, 500.0)}, {"class_names": ("a", "b", "c")}):
        train = dataclasses.replace(experiment.train, **changes)
        other = Experiment(train, experiment.test, experiment.settings, tmp_path)
        assert other._about(0, FRePoTrainer, experiment.settings) != own
