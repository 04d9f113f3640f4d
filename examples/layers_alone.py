"""Uses the layers of keras_isa in an ordinary Keras model that distils nothing.

    python examples/layers_alone.py
    python examples/layers_alone.py --epochs 20 --seeds 1    # a quick look

A classifier for 200 labelled digits: its head is KernelRidgeRegression on the features of 100 of
them instead of a dense layer, and its loss is that of the CrucialSamples of each batch, with
InfiniteSemanticAugmentation between their features. Prints the test accuracy with and without each.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import ops

import keras_isa

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--epochs", type=int, default=50, help="passes over the 200 images")
parser.add_argument("--seeds", type=int, default=3, help="networks for each row of the table")
arguments = parser.parse_args()
if min(arguments.epochs, arguments.seeds) < 1:
    parser.error("--epochs and --seeds must be positive")

train, test = keras_isa.datasets.load("digits")
rows = np.concatenate([np.flatnonzero(train.y == digit)[:20] for digit in range(10)])
x, x_test = train.x[rows] / 16, test.x / 16
y = np.eye(10, dtype="float32")[train.y[rows]] - 0.1
support = np.arange(200) % 20 < 10  # the first ten of each class


def make_body():
    return keras.Sequential(
        [
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
        ]
    )


class RidgeClassifier(keras.Model):
    """Predicts by ridge regression, fitted anew in each call, on the features of some images."""

    def __init__(self, images, labels, crucial_fraction, interval):
        super().__init__()
        self.body, self.images, self.labels = make_body(), images, labels
        self.regression = keras_isa.layers.KernelRidgeRegression(regularization=1e-2)
        self.crucial_samples = keras_isa.layers.CrucialSamples(crucial_fraction)
        self.augmentation = keras_isa.layers.InfiniteSemanticAugmentation(interval)

    def call(self, images):
        features = self.body(images)
        return self.regression((features, self.body(self.images), self.labels)), features

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        predictions, features = y_pred
        residuals = predictions - y
        crucial = self.crucial_samples(ops.mean(ops.square(residuals), axis=-1))
        return self.augmentation(
            ops.take(residuals, crucial, axis=0), ops.take(features, crucial, axis=0)
        )


def dense():
    model = keras.Sequential([make_body(), keras.layers.Dense(10)])
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    model.fit(x, y, batch_size=50, epochs=arguments.epochs, verbose=0)
    return model.predict(x_test, verbose=0)


def ridge(crucial_fraction=1.0, interval=(0.0, 0.0)):  # all samples, no augmentation
    model = RidgeClassifier(x[support], y[support], crucial_fraction, interval)
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(x[~support], y[~support], batch_size=50, epochs=2 * arguments.epochs, verbose=0)
    return model.predict(x_test, verbose=0)[0]


variants = {
    "dense layer": dense,
    "ridge regression": ridge,
    "  + crucial samples": lambda: ridge(0.8),
    "  + semantic augmentation": lambda: ridge(interval=(-1.0, 0.0)),
    "  + both": lambda: ridge(0.8, (-1.0, 0.0)),
}
print(f"{'head and loss':30}test accuracy in %")
for name, predict in variants.items():
    found = []
    for seed in range(arguments.seeds):
        keras.utils.set_random_seed(seed)
        found.append(100 * np.mean(predict().argmax(axis=-1) == test.y))
    print(f"{name:30}{f'{np.mean(found):.1f} ± {np.std(found):.1f}':>18}", flush=True)
