"""Methods with a pool: the optimizers that `compile` takes by itself."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer, GradientMatchingTrainer, RCIGTrainer
from keras_isa.models import ConvNet
from keras_isa.optimizers import optimizer_groups


@pytest.mark.parametrize(
    ("trainer", "name", "rate", "inner"),
    [
        (FRePoTrainer, "lamb", 3e-4, 3e-4),
        (RCIGTrainer, "adabelief", 3e-3, 5e-5),
        (GradientMatchingTrainer, "sgd", 0.1, 0.01),
    ],
)
def test_published_optimizers_are_the_default(trainer, name, rate, inner):
    x = np.arange(4 * 64).reshape(4, 8, 8, 1).astype("uint8")
    distilled = DistilledData.from_samples(x, [0, 1, 0, 1], 1)
    made = trainer(distilled, lambda: ConvNet((8, 8, 1), 2, width=2), pool_size=1)
    made.compile()
    found = {float(one.learning_rate): one.name for one in optimizer_groups(made.optimizer)}
    assert any(own == pytest.approx(rate) and found[own].startswith(name) for own in found)
    assert float(made.pool._optimizer.optimizer.learning_rate) == pytest.approx(inner)
    with pytest.raises(TypeError, match="`inner_optimizer`"):
        made.compile(inner_optimizer="adam")
    with pytest.raises(TypeError, match="`optimizer`"):
        made.compile(keras.optimizers)
