"""Settings derived from a data set's shape, its size and the hardware."""

import pytest

from keras_isa.presets import Recipe, Settings, derive_settings

SHAPES = [
    ((8, 8, 1), 10, 1437),
    ((28, 28, 1), 10, 60000),
    ((32, 32, 3), 10, 50000),
    ((32, 32, 3), 100, 50000),
    ((64, 64, 3), 200, 100000),
    ((1, 1, 1), 2, 4),
    ((300, 200, 3), 3, 90),
    ((20, 31, 2), 5, 400),
    ((9, 40, 13), 4, 4000),
    ((30,), 2, 400),
    ((3,), 3, 30),
    ((48, 3), 3, 200),
    ((2, 1), 2, 10),
    ((1000, 64), 5, 5000),
    ((10000,), 50, 20000),
]


@pytest.mark.parametrize("accelerated", [False, True], ids=["cpu", "accelerated"])
@pytest.mark.parametrize("shape,classes,size", SHAPES)
def test_derived_settings_are_usable(shape, classes, size, accelerated):
    for images_per_class in (1, 10):
        settings = derive_settings(shape, classes, size, images_per_class, accelerated)
        assert settings.images_per_class == images_per_class
        assert settings.preprocessing == "standardize"
        assert 1 <= settings.batch_size <= min(1024, size)
        assert settings.flip == (len(shape) == 3 and shape[-1] == 3)
        assert settings.epochs <= settings.steps
        assert 100 <= settings.steps <= 20_000
        recipe = Recipe.from_dict(settings.recipe)
        assert ("flip" in recipe.augmentation) == settings.flip
        assert bool(recipe.augmentation) == (len(shape) == 3)
        published = Settings(images_per_class=images_per_class)
        for name in ("crucial_fraction", "isa_interval", "pairing", "reduction", "pool_size"):
            assert getattr(settings, name) == getattr(published, name)
        if accelerated:
            assert settings.steps == 20_000
            assert (settings.width, settings.learning_rate) == (128, 3e-4)
            assert recipe.width == 128 and recipe.steps is None
        else:
            assert settings.width < 128 and recipe.width < 128
            assert settings.batch_size <= 256
            assert settings.learning_rate > published.learning_rate
            assert 100 <= recipe.steps_for(classes * images_per_class) <= 2000


def test_steps_on_a_cpu_follow_the_cost():
    def steps(shape, images_per_class):
        settings = derive_settings(shape, 10, 50000, images_per_class, accelerated=False)
        return settings.steps, settings.recipe["steps"]

    small, large = steps((28, 28, 1), 1), steps((64, 64, 1), 1)
    assert small[0] > large[0] and small[1] >= large[1]
    few, many = steps((28, 28, 1), 1), steps((28, 28, 1), 50)
    assert few[0] > many[0] and few[1] > many[1]
    # Networks for flat features are so cheap that the number of steps is the greatest possible.
    assert steps((784,), 1) == (5000, 2000)


def test_the_sum_over_classes_decides_the_cost():
    def derived(images_per_class):
        return derive_settings((28, 28, 1), 4, 50000, images_per_class, accelerated=False)

    assert derived([3, 3, 3, 3]) == derived(3)
    uneven = derived((1, 1, 1, 97))
    assert uneven.images_per_class == (1, 1, 1, 97)
    assert (uneven.steps, uneven.recipe) == (derived(25).steps, derived(25).recipe)
    for counts in ((1, 2), (1, 2, 3, 0), 0, "4"):
        with pytest.raises(ValueError, match="`images_per_class`"):
            derived(counts)
