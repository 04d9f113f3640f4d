"""The settings of MTT."""

import pytest

from keras_isa.methods import MTTConfig


def test_defaults_are_the_published_ones():
    settings = MTTConfig(images_per_class=1)
    published = {
        "student_steps": 50,
        "expert_span": 2,
        "most_start": 2,
        "learning_rate": 100.0,
        "step_size_learning_rate": 1e-7,
        "step_size": 0.01,
        "steps": 5000,
        "experts": 100,
        "expert_epochs": 50,
        "expert_learning_rate": 0.01,
        "batch_size": 256,
        "normalization": "instance",
    }
    assert {name: getattr(settings, name) for name in published} == published
    plan = settings.plan_of_experts
    assert (plan.count, plan.epochs, plan.batch_size, plan.learning_rate) == (100, 50, 256, 0.01)
    assert plan.augmentation == settings.augmentation


def test_students_cannot_reach_beyond_the_experts():
    with pytest.raises(ValueError, match="`expert_epochs` must be at least most_start"):
        MTTConfig(images_per_class=1, expert_epochs=10, most_start=10)
    MTTConfig(images_per_class=1, expert_epochs=11, most_start=10)


def test_a_cpu_makes_fewer_experts():
    about = (28, 28, 1), 10, 60_000, 1
    quick, whole = (MTTConfig.derived(*about, accelerated) for accelerated in (False, True))
    assert quick.experts < whole.experts and quick.expert_steps and whole.expert_steps is None
    assert "flip" not in quick.augmentation
    assert "flip" in MTTConfig.derived((32, 32, 3), 10, 50_000, 1, False).augmentation
    assert MTTConfig.derived((30,), 2, 500, 1, False).augmentation == ()
