"""Distils scikit-learn's 1,437 training digits to ten images.

    python examples/quick_start.py
    python examples/quick_start.py --steps 200 --networks 1    # a quick look

Writes digits_ipc1.keras (the set) and digits_ipc1.png (its picture) into the current folder, and
prints what networks trained on the ten images score, beside networks trained on ten real ones.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras_isa
from keras_isa.asset.export import save_grid

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--steps", type=int, default=600, help="distillation steps")
parser.add_argument("--networks", type=int, default=5, help="networks that are trained on each set")
arguments = parser.parse_args()
if min(arguments.steps, arguments.networks) < 1:
    parser.error("--steps and --networks must be positive")

# The whole of it. A tenth of the training images chooses the best set on the way.
train, test = keras_isa.datasets.load("digits")
trainer = keras_isa.FRePoTrainer.from_preset("digits", images_per_class=1, steps=arguments.steps)
trainer.fit(train, validation_split=0.1, verbose=2)

trainer.distilled.save("digits_ipc1.keras")
save_grid(trainer.distilled, "digits_ipc1.png")
print("wrote digits_ipc1.keras and digits_ipc1.png")

# Networks are trained from scratch on each set. The test images are for this only.
print(keras_isa.evaluate(trainer.distilled, test, train=train, repeats=arguments.networks))
