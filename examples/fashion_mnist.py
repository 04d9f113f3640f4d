"""Distils Fashion-MNIST with the settings for two CPU cores.

    python examples/fashion_mnist.py fashion_mnist.npz
    python examples/fashion_mnist.py fashion_mnist.npz --steps 50 --networks 1    # a quick look

The file is what keras.datasets.fashion_mnist holds, as one .npz with x_train, y_train, x_test and
y_test. Writes fashion_mnist_ipc1.keras and its picture into the current folder and prints a table.
On a GPU take the published settings: --preset fashion_mnist, half a million steps.
"""

import argparse
import dataclasses
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras_isa
from keras_isa.asset.export import save_grid

NAMES = "T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot".split(",")

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("path", help="fashion_mnist.npz")
parser.add_argument("--ipc", type=int, default=1, help="images per class")
parser.add_argument("--preset", default="fashion_mnist-cpu", help="see `keras-isa presets`")
parser.add_argument("--steps", type=int, help="distillation steps, by default the preset's")
parser.add_argument("--networks", type=int, default=5, help="networks that are trained on each set")
arguments = parser.parse_args()
if arguments.networks < 1:
    parser.error("--networks must be positive")

try:
    train, test = keras_isa.datasets.load(arguments.path)
    # The file has numbers only; the names will stand in the picture and travel with the set.
    train, test = (dataclasses.replace(part, class_names=NAMES) for part in (train, test))
    settings, _ = keras_isa.presets.read_preset(arguments.preset, arguments.ipc)
    steps = settings.steps if arguments.steps is None else arguments.steps
    trainer = keras_isa.FRePoTrainer.from_preset(arguments.preset, arguments.ipc, steps=steps)
except ValueError as error:
    parser.error(str(error))

trainer.fit(train, validation_split=0.1, verbose=2)

name = f"fashion_mnist_ipc{arguments.ipc}"
trainer.distilled.save(f"{name}.keras")
save_grid(trainer.distilled, f"{name}.png")
print(f"wrote {name}.keras and {name}.png")
print(keras_isa.evaluate(trainer.distilled, test, train=train, repeats=arguments.networks))
