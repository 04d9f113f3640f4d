"""Distils scikit-learn's digits to one image per class: python examples/quick_start.py"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras_isa
from keras_isa.export import save_grid

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, help="distillation steps, fewer for a quick look")
parser.add_argument("--output", default="digits_ipc1.keras", help="the .keras file to write")
arguments = parser.parse_args()

train, test = keras_isa.datasets.load("digits")
changes = {"steps": arguments.steps} if arguments.steps else {}
trainer = keras_isa.FRePoTrainer.from_preset("digits", images_per_class=1, **changes)

# A tenth of the training images chooses the best set on the way; the test images are for the end.
trainer.fit(train, validation_split=0.1, verbose=2)

distilled = trainer.distilled
distilled.save(arguments.output)
picture = arguments.output.removesuffix(".keras") + ".png"
save_grid(distilled, picture)
print(f"wrote {arguments.output} and {picture}")

# Five networks trained from scratch on the ten images, and on ten real ones for comparison.
print(keras_isa.evaluate(distilled, test, train=train))
