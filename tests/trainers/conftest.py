"""A problem so small that a run takes seconds: 3 classes of 3x3 images, pixels as features."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer

SHAPE = (3, 3, 1)
CLASSES = 3


def pixels_as_features():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


@pytest.fixture(scope="session")
def problem():
    """Images `(48, 3, 3, 1)` and classes: each class has a mean of its own, in noise."""
    rng = np.random.default_rng(0)
    class_ids = np.arange(48) % CLASSES
    means = rng.normal(size=(CLASSES, *SHAPE))
    images = means[class_ids] + rng.normal(size=(48, *SHAPE))
    return images.astype("float32"), class_ids


@pytest.fixture(scope="session")
def make_trainer(problem):
    """`make_trainer(...)` gives a compiled trainer; options go to FRePoTrainer or to compile."""

    def make(optimizer=None, inner_optimizer=None, images_per_class=1, distilled=None, **options):
        compiling = {
            name: options.pop(name)
            for name in ("steps_per_execution", "run_eagerly")
            if name in options
        }
        learning = {"learn_labels": options.pop("learn_labels", True)}
        distilled = distilled or DistilledData.from_samples(
            *problem, images_per_class, preprocessing=None, **learning
        )
        options = {"pool_size": 2, "max_online_steps": 5, "regularization": 1e-2, **options}
        trainer = FRePoTrainer(distilled, pixels_as_features, **options)
        optimizer = optimizer or keras.optimizers.Lamb(1e-2, epsilon=1e-6)
        trainer.compile(optimizer, inner_optimizer, **compiling)
        return trainer

    return make
