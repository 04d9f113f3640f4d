"""Distils with a Keras network of your own, and compares it with the default one.

    python examples/own_network.py
    python examples/own_network.py --steps 50 --networks 1    # a quick look

Digits, one image per class, the same settings with both networks. Prints the test accuracy of
networks of both kinds that were trained on each of the two sets. Writes own_network.png, the
picture of the set that your network made.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

import keras_isa
from keras_isa.asset.export import save_grid

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--steps", type=int, default=1000, help="distillation steps")
parser.add_argument("--networks", type=int, default=5, help="networks that are trained on each set")
arguments = parser.parse_args()
if min(arguments.steps, arguments.networks) < 1:
    parser.error("--steps and --networks must be positive")


class SmallCNN(keras.Model):
    """Yours: any Keras model of images, functional, Sequential or subclassed, that gives logits."""

    def __init__(self):
        super().__init__()
        self.first = keras.layers.Conv2D(32, 3, padding="same", activation="relu")
        self.second = keras.layers.Conv2D(64, 3, padding="same", strides=2, activation="relu")
        self.pool = keras.layers.AveragePooling2D(2, name="pool")
        self.flatten = keras.layers.Flatten()
        self.classify = keras.layers.Dense(10)

    def call(self, images):
        return self.classify(self.flatten(self.pool(self.second(self.first(images)))))


def default_network():
    return keras_isa.models.ConvNet((8, 8, 1), 10, width=32, normalization="batch")


def distil(train, network, feature_layer=None):
    distilled = keras_isa.DistilledData.from_samples(train.x, train.y, images_per_class=1)
    trainer = keras_isa.FRePoTrainer(
        distilled,
        feature_extractor=network,
        feature_layer=feature_layer,  # the layer whose output, flattened, is the feature
        regularization=1e-3,
    )
    rate = keras.optimizers.schedules.CosineDecay(1e-2, arguments.steps, alpha=0.01)
    trainer.compile(keras.optimizers.Lamb(rate, epsilon=1e-6))
    trainer.fit(
        train, batch_size=256, steps_per_epoch=arguments.steps, validation_split=0.1, verbose=2
    )
    return distilled


train, test = keras_isa.datasets.load("digits")
sets = {
    "ConvNet": distil(train, default_network),
    "SmallCNN": distil(train, SmallCNN, feature_layer="pool"),
}
save_grid(sets["SmallCNN"], "own_network.png")

# Networks that are trained on a set have the outputs [logits, features].
students = {
    "ConvNet": None,  # the recipe's
    "SmallCNN": keras_isa.models.with_features(SmallCNN, "pool", num_classes=10),
}
recipe = keras_isa.evaluation.Recipe(width=32, learning_rate=1e-3, steps=500)
print(f"\n{'test accuracy in %':26}" + "".join(f"{name:>14}" for name in students))
for maker, distilled in sets.items():
    cells = []
    for network in students.values():
        found = keras_isa.evaluate(
            distilled, test, recipe=recipe, network=network, repeats=arguments.networks
        ).to_dict()
        cells.append(f"{100 * found['accuracy_mean']:.1f} ± {100 * found['accuracy_std']:.1f}")
    print(f"{'distilled with ' + maker:26}" + "".join(f"{cell:>14}" for cell in cells))
