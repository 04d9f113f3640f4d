"""Trains a network of your own: python examples/train_on_distilled.py digits_ipc1.keras"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

import keras_isa

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("path", help="a distilled set, such as examples/quick_start.py writes")
parser.add_argument("--epochs", type=int, default=500, help="passes over the distilled set")
arguments = parser.parse_args()

distilled = keras_isa.load(arguments.path)
images, labels = distilled.to_numpy()

# Any Keras model will do. The labels are learned numbers around zero, not classes: regress on them.
model = keras.Sequential(
    [
        keras.Input(distilled.image_shape),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.AveragePooling2D(2),
        keras.layers.Conv2D(128, 3, padding="same", activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(distilled.num_classes),
    ]
)
model.compile(keras.optimizers.Adam(1e-3), loss="mse")
model.fit(images, labels, batch_size=len(images), epochs=arguments.epochs, verbose=0)

# Calling the set takes raw pixels to the space that its images live in.
_, test = keras_isa.datasets.load(distilled.provenance["dataset"])
guesses = model.predict(distilled(test.x), verbose=0).argmax(axis=-1)
print(f"test accuracy {100 * (guesses == test.y).mean():.1f} % from {len(images)} distilled images")
