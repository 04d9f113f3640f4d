import numpy as np
import pytest

from keras_isa import DistributionMatchingTrainer, FRePoTrainer, KIPTrainer
from keras_isa.datasets.dataset import Dataset
from keras_isa.studies import Experiment
from keras_isa.studies.controls import OtherHardnessTrainer
from keras_isa.studies.factors import FACTORS, available, levels_of, whole_epochs


def test_levels_are_other_than_the_settings(make_experiment):
    experiment = make_experiment(1, batch_size=8, width=4, regularization=1e-6)
    assert available(experiment) == tuple(FACTORS)
    levels = levels_of(experiment, tuple(FACTORS))
    names = [level.name for level in levels]
    assert len(set(names)) == len(names)
    for level in levels:
        module = dict(level.module)
        other = module.pop("trainer", None) is OtherHardnessTrainer
        changed = experiment.settings.with_changes(**level.common, **module)
        assert other or changed != experiment.settings, level
    assert {"batch 2", "batch 32", "width 2", "width 8", "ridge 0.001", "flip on"} <= set(names)
    assert {"p 0.5", "p 0.9", "preprocessing zca", "steps 2", "steps 16"} <= set(names)
    assert {"interpolation", "interpolation, all pairs", "reduction half_sum"} <= set(names)
    assert "10 per class" in names and "1 per class" not in names


def test_the_own_value_is_no_level(make_experiment):
    names = [one.name for one in levels_of(make_experiment(1, isa_interval=(-1, 0)), FACTORS)]
    assert "interpolation" not in names and "interpolation, random" in names


def test_a_batch_is_no_larger_than_what_fit_takes(make_experiment):
    names = [level.name for level in levels_of(make_experiment(1, batch_size=16), ["batch_size"])]
    assert names == ["batch 4", "batch 43"]  # 48 without the tenth that is held out
    assert levels_of(make_experiment(1, batch_size=1024), ["batch_size"])[0].name == "batch 11"


def test_runs_are_validated_as_often(make_experiment):
    settings = make_experiment(1, steps=5000, epochs=4).settings
    assert [whole_epochs(settings, steps) for steps in (1, 4787, 5002)] == [4, 4788, 5000]


def test_what_a_method_lacks(experiment, tmp_path):
    def names(config, *factors):
        own = Experiment(experiment.train, experiment.test, config(images_per_class=1), tmp_path)
        return [level.name for level in levels_of(own, factors)]

    dm, kip = DistributionMatchingTrainer.Config, KIPTrainer.Config
    assert names(dm, "isa_interval") == ["interval (0, 1)", "interpolation"]
    assert names(dm, "width") and names(kip, "width") == []  # kip has no networks
    for name in ("flip", "hardness"):
        with pytest.raises(ValueError, match=f"`over` must name .* of the method dm.*{name}"):
            names(dm, name)
    settings = FRePoTrainer.Config(images_per_class=1, pool_size=1)
    alone = Experiment(experiment.train, experiment.test, settings, tmp_path)
    assert levels_of(alone, ["hardness"]) == []


def test_features_are_neither_mirrored_nor_whitened(experiment, tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype("float32")
    flat = Dataset.from_arrays(x, np.arange(60) % 3)
    own = Experiment(flat, flat, experiment.settings, tmp_path)
    assert levels_of(own, ["flip", "preprocessing"]) == []
