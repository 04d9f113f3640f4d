import pytest

from keras_isa import DistributionMatchingTrainer
from keras_isa.studies import Experiment
from keras_isa.studies.factors import FACTORS, levels_of


def test_levels_are_other_than_the_settings(make_experiment):
    experiment = make_experiment(1, batch_size=8, width=4, regularization=1e-6)
    names = [level.name for level in levels_of(experiment, tuple(FACTORS))]
    assert len(set(names)) == len(names)
    for level in levels_of(experiment, tuple(FACTORS)):
        changed = experiment.settings.with_changes(**level.common, **level.module)
        assert changed != experiment.settings, level
    assert {"batch 2", "batch 32", "width 2", "width 8", "ridge 0.001", "flip on"} <= set(names)
    assert {"p 0.5", "p 0.9", "preprocessing zca", "steps 1", "steps 16"} <= set(names)
    assert not any("per class" in name for name in names)  # 16 images of a class are too few


def test_a_batch_is_no_larger_than_the_data(make_experiment):
    names = [level.name for level in levels_of(make_experiment(1, batch_size=16), ["batch_size"])]
    assert names == ["batch 4", "batch 48"]


def test_a_setting_that_the_method_lacks(experiment, tmp_path):
    settings = DistributionMatchingTrainer.Config(images_per_class=1)
    own = Experiment(experiment.train, experiment.test, settings, tmp_path)
    with pytest.raises(ValueError, match="`over` must name settings of the method dm.*flip"):
        levels_of(own, ["flip"])
    forms = [level.name for level in levels_of(own, ["isa_interval"])]
    assert forms == ["interval (0, 1)", "interpolation, random"]
