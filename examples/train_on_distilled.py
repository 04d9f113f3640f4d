"""Trains a Keras network of your own on a distilled set.

    python examples/train_on_distilled.py digits_ipc1.keras
    python examples/train_on_distilled.py digits_ipc1.keras --epochs 50    # a quick look

The set is one that `keras-isa distill digits` or examples/quick_start.py wrote. Prints the test
accuracy, and that of the same network trained on as many random real images.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

import keras_isa

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("path", help="a distilled set, a .keras file")
parser.add_argument("--epochs", type=int, default=500, help="passes over the set")
arguments = parser.parse_args()

try:
    distilled = keras_isa.load(arguments.path)
    # The file says what it was made of.
    train, test = keras_isa.datasets.load_recorded(distilled.provenance)
except ValueError as error:
    parser.error(str(error))

real = keras_isa.DistilledData.from_samples(
    train.x, train.y, distilled.class_counts, preprocessing=distilled.preprocessing
)
# Raw pixels to the space that the images of the set live in.
test_images = distilled.preprocess(test.x)


def accuracy(images, labels):
    # Any model will do. The labels are learned numbers around zero, not classes: regress on them.
    keras.utils.set_random_seed(0)
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
    model.fit(images, labels, epochs=arguments.epochs, verbose=0)
    guesses = model.predict(test_images, verbose=0).argmax(axis=-1)
    return 100 * (guesses == test.y).mean()


print(f"{'trained on':24}test accuracy in %")
for name, images in {"distilled images": distilled, "random real images": real}.items():
    count = len(images.class_ids)
    print(f"{f'{count} {name}':24}{accuracy(*images.to_numpy()):18.1f}")
