"""Searches the share of crucial samples p and the ridge with keras-tuner.

    python examples/tune_settings.py
    python examples/tune_settings.py --steps 100 --trials 3 --networks 1    # a quick look

Digits, one image per class. Trials are a fifth as long as a run in full and scored on held-out
training images; the best one and the preset are then run in full. Prints what was tried and writes
digits_tuned.keras (the best set), digits_tuned.png (its picture) and digits_tuned_trials.png (score
against p and ridge). The search is kept in ./digits_tuning: the same command goes on from there.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras_isa
from keras_isa.asset.export import save_grid
from keras_isa.tuning.result import format_scores

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--steps", type=int, default=2000, help="distillation steps of a run in full")
parser.add_argument("--trials", type=int, default=8, help="settings to try")
parser.add_argument("--networks", type=int, default=5, help="networks that score a run in full")
parser.add_argument("--tuner", default="random", help="random, hyperband, bayesian or grid")
parser.add_argument("--directory", default="digits_tuning", help="folder of the search")
arguments = parser.parse_args()

train, test = keras_isa.datasets.load("digits")
try:
    accelerated = keras_isa.backend.has_accelerator()
    settings = keras_isa.presets.settings_for(train, images_per_class=1, accelerated=accelerated)
    result = keras_isa.tuning.tune(
        train,
        settings.with_changes(steps=arguments.steps),
        directory=arguments.directory,
        # Bounds as a pair, choices as a list; keras_isa.tuning.space.searchable has all names.
        space={"crucial_fraction": (0.3, 1.0), "regularization": (1e-6, 1e-1)},
        tuner=arguments.tuner,
        trials=arguments.trials,
        finalists=1,
        repeats=arguments.networks,
    )
except ValueError as error:
    parser.error(str(error))

result.distilled.save("digits_tuned.keras")
save_grid(result.distilled, "digits_tuned.png")
result.plot("digits_tuned_trials.png")
print("wrote digits_tuned.keras, digits_tuned.png and digits_tuned_trials.png\n")
print(f"{result}\n")
# Test images come last, when everything is chosen.
print(format_scores(result.test(test)))
