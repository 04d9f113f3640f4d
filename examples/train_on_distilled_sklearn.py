"""Fits scikit-learn's models to a distilled set.

    python examples/train_on_distilled_sklearn.py digits_ipc1.keras
    python examples/train_on_distilled_sklearn.py digits_ipc1.keras --draws 1    # a quick look

The set is one that `keras-isa distill digits` or examples/quick_start.py wrote. It was made for
networks, and these models look at pixels: what they make of it is an open question, so the table
has as many random real images (mean over several draws) beside it.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor

import keras_isa

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("path", help="a distilled set, a .keras file")
parser.add_argument("--draws", type=int, default=5, help="draws of real images")
arguments = parser.parse_args()
if arguments.draws < 1:
    parser.error("--draws must be positive")

try:
    distilled = keras_isa.load(arguments.path)
    # The file says what it was made of.
    train, test = keras_isa.datasets.load_recorded(distilled.provenance)
except ValueError as error:
    parser.error(str(error))


def real_images(seed):
    drawn = keras_isa.DistilledData.from_samples(
        train.x, train.y, distilled.class_counts, preprocessing=distilled.preprocessing, seed=seed
    )
    return drawn.to_numpy()


# The labels are learned numbers around zero, not classes: regress on them, the largest wins.
models = {
    "linear ridge": Ridge(),
    "kernel ridge": KernelRidge(kernel="poly", degree=2, alpha=1.0),
    "nearest image": KNeighborsRegressor(n_neighbors=1),
    "two-layer network": MLPRegressor(
        hidden_layer_sizes=256, alpha=0.1, solver="lbfgs", max_iter=500, random_state=0
    ),
}
# Raw pixels to the space that the images of the set live in.
test_images = distilled.preprocess(test.x)


def accuracy(model, images, labels):
    model.fit(images.reshape(len(images), -1), labels)
    guesses = model.predict(test_images.reshape(len(test_images), -1)).argmax(axis=-1)
    return 100 * np.mean(guesses == test.y)


draws = [real_images(seed) for seed in range(arguments.draws)]
count = f"{len(distilled.class_ids)} images, test accuracy in %"
print(f"{count:36}{'distilled':>10}{'random real':>16}")
for name, model in models.items():
    found = accuracy(model, *distilled.to_numpy())
    real = [accuracy(model, *drawn) for drawn in draws]
    beside = f"{np.mean(real):.1f} ± {np.std(real):.1f}"
    print(f"{name:36}{found:10.1f}{beside:>16}")
