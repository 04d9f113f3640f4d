"""The distillation step in float64 NumPy, written from the formulas and derived by differences.

A network of one hidden layer on flat features stands for the networks of a run. All gradients are
central differences, so nothing here shares code or calculus with the library. Sources: FRePo's step
(kernel regression, half squared error for the network, label margin), Eq. 4 and the closed form of
ISA of "Boosting Dataset Distillation with the Assistance of Crucial Samples", Algorithm 2 of LAMB
(You et al. 2020), Algorithm 1 of Adam (Kingma and Ba 2015).
"""

from __future__ import annotations

import numpy as np

PIXELS, HIDDEN, CLASSES, ROWS, BATCH, STEPS = 6, 8, 3, 6, 20, 20
RIDGE, FRACTION, INTERVAL = 1e-2, 0.8, (0.0, 0.5)
RATE, INNER_RATE = 1e-2, 1e-3
NAMES = ("kernel", "bias", "head", "head_bias")


def problem(seed: int = 0) -> dict[str, np.ndarray]:
    """Initial values and batches of a run, float32."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(CLASSES, PIXELS))
    classes = np.stack([rng.permutation(BATCH) % CLASSES for _ in range(STEPS)])
    shapes = {"kernel": (PIXELS, HIDDEN), "bias": (HIDDEN,), "head": (HIDDEN, CLASSES)}
    shapes["head_bias"] = (CLASSES,)
    values = {
        "batches": means[classes] + rng.normal(size=(STEPS, BATCH, PIXELS)),
        "images": rng.normal(size=(ROWS, PIXELS)),
        "labels": np.eye(CLASSES)[np.arange(ROWS) % CLASSES] - 1 / CLASSES,
        **{name: 0.5 * rng.normal(size=shape) for name, shape in shapes.items()},
    }
    return {"classes": classes} | {k: v.astype("float32") for k, v in values.items()}


def gradient(function, arrays: list[np.ndarray], step: float = 1e-6) -> list[np.ndarray]:
    """Central differences of a scalar function of arrays."""
    gradients = []
    for position, array in enumerate(arrays):
        found = np.zeros_like(array)
        for index in np.ndindex(*array.shape):
            ends = []
            for sign in (1, -1):
                moved = [value.copy() for value in arrays]
                moved[position][index] += sign * step
                ends.append(function(*moved))
            found[index] = (ends[0] - ends[1]) / (2 * step)
        gradients.append(found)
    return gradients


class Adam:
    """Adam with epsilon after the bias correction; with `trust` it is LAMB."""

    def __init__(self, rate: float, epsilon: float, trust: bool = False) -> None:
        self.rate, self.epsilon, self.trust = rate, epsilon, trust
        self.count, self.moments = 0, None

    def apply(self, gradients: list[np.ndarray], values: list[np.ndarray]) -> list[np.ndarray]:
        self.count += 1
        if self.moments is None:
            self.moments = [(np.zeros_like(v), np.zeros_like(v)) for v in values]
        moments, result = [], []
        for gradient_, value, (first, second) in zip(gradients, values, self.moments, strict=True):
            first = 0.9 * first + 0.1 * gradient_
            second = 0.999 * second + 0.001 * gradient_**2
            moments.append((first, second))
            root = np.sqrt(second / (1 - 0.999**self.count))
            update = first / (1 - 0.9**self.count) / (root + self.epsilon)
            norms = np.linalg.norm(value), np.linalg.norm(update)
            ratio = norms[0] / norms[1] if self.trust and min(norms) > 0 else 1.0
            result.append(value - self.rate * ratio * update)
        self.moments = moments
        return result


class Run:
    """A run of the reference, step by step.

    Args:
        given: What `problem` returned.
    """

    def __init__(self, given: dict[str, np.ndarray]) -> None:
        given = {name: value.astype("float64") for name, value in given.items()}
        self.images, self.labels = given["images"], given["labels"]
        self.weights = [given[name] for name in NAMES]
        self.lamb, self.adam = Adam(RATE, 1e-6, trust=True), Adam(INNER_RATE, 1e-8)

    def features(self, images: np.ndarray) -> np.ndarray:
        kernel, bias, _, _ = self.weights
        return np.maximum(images @ kernel + bias, 0)

    def residuals(self, images: np.ndarray, labels: np.ndarray, x: np.ndarray, y: np.ndarray):
        features, targets = self.features(images), self.features(x)
        kernel = features @ features.T
        ridge = RIDGE * np.trace(kernel) / len(kernel)
        duals = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), labels)
        return targets @ features.T @ duals - (np.eye(CLASSES)[y.astype(int)] - 1 / CLASSES)

    def outer(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float, list[np.ndarray]]:
        """Kernel loss, label margin, and the gradients of their difference."""
        losses = 0.5 * (self.residuals(self.images, self.labels, x, y) ** 2).sum(1)
        kept = np.argsort(-losses, kind="stable")[: int(FRACTION * len(x))]
        unit = self.features(x[kept])
        unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-30)
        similarity = unit @ unit.T
        np.fill_diagonal(similarity, -np.inf)
        partners = similarity.argmax(1)
        low, high = INTERVAL
        middle, width = (low + high) / 2, high - low

        def parts(images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
            residuals = self.residuals(images, labels, x[kept], y[kept])
            away = residuals - residuals[partners]
            squares = (residuals + middle * away) ** 2 + width**2 / 12 * away**2
            top = np.sort(labels, axis=1)
            margin = np.minimum(top[:, -1] - top[:, -2], 1 / CLASSES).mean()
            return squares.mean(), margin

        gradients = gradient(
            lambda *arrays: np.subtract(*parts(*arrays)), [self.images, self.labels]
        )
        return *parts(self.images, self.labels), gradients

    def inner_loss(self, *weights: np.ndarray) -> float:
        kernel, bias, head, head_bias = weights
        logits = np.maximum(self.images @ kernel + bias, 0) @ head + head_bias
        return 0.5 * ((logits - self.labels) ** 2).sum(1).mean()

    def step(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
        """One step; returns kernel loss, label margin and the loss of the network before it."""
        loss, margin, gradients = self.outer(x.astype("float64"), y)
        self.images, self.labels = self.lamb.apply(gradients, [self.images, self.labels])
        inner = self.inner_loss(*self.weights)
        self.weights = self.adam.apply(gradient(self.inner_loss, self.weights), self.weights)
        return loss, margin, inner


def trainer(given: dict[str, np.ndarray]):
    """The library's trainer for the same problem, from the same initial values."""
    import keras

    from keras_isa import DistilledData, FRePoTrainer
    from keras_isa.optimizers import Adam

    def build():
        inputs = keras.Input((PIXELS,))
        features = keras.layers.Dense(HIDDEN, activation="relu")(inputs)
        return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])

    distilled = DistilledData.from_arrays(given["images"], given["labels"])
    made = FRePoTrainer(
        distilled, build, pool_size=1, regularization=RIDGE, crucial_fraction=FRACTION
    )
    lamb = keras.optimizers.Lamb(RATE, epsilon=1e-6)
    made.compile(lamb, Adam(INNER_RATE, epsilon=1e-8))
    made.pool.write(0, made.pool.read(0)._replace(weights=[given[name] for name in NAMES]))
    return made


def errors(given: dict[str, np.ndarray], steps: int = STEPS) -> dict[str, float]:
    """Greatest distances of the library's run from the reference, relative.

    Args:
        given: What `problem` returned.
        steps: Steps to run.

    Returns:
        Of the losses of all steps, of the gradients at the start, and of the final set and weights.
    """
    from keras import ops

    from keras_isa.inputs.arrays import to_numpy
    from keras_isa.methods import Batch
    from keras_isa.methods.frepo import Context

    reference, run = Run(given), trainer(given)
    x, y = given["batches"][0], given["classes"][0]
    pool = run.pool
    member = pool.read(0)
    batch = Batch(ops.convert_to_tensor(x), ops.convert_to_tensor(y.astype("int32")))
    learned = run.learned_variables()
    _, found = run.gradients(
        {name: ops.convert_to_tensor(variable) for name, variable in learned.items()},
        batch,
        Context(
            0, member, pool.features(member, batch.images), run.distilled.encode(batch.class_ids)
        ),
    )
    loss, margin, expected = reference.outer(x.astype("float64"), y)
    result = {
        "gradient of images": _distance(to_numpy(found["images"]), expected[0]),
        "gradient of labels": _distance(to_numpy(found["labels"]), expected[1]),
    }
    losses = []
    for x, y in zip(given["batches"][:steps], given["classes"], strict=False):
        logs = run.train_on_batch(x, y, return_dict=True)
        run.reset_metrics()
        expected = reference.step(x, y)
        logs = [float(logs[name]) for name in ("loss", "label_margin", "inner_loss")]
        losses.append(np.abs(np.array(logs) / expected - 1))
    names = ("kernel loss", "label margin", "inner loss")
    result |= {f"{name}, first step": value for name, value in zip(names, losses[0], strict=True)}
    result |= dict(zip(names, np.max(losses, axis=0), strict=True))
    images, labels = run.distilled.to_numpy()
    result["images"] = _distance(images, reference.images)
    result["labels"] = _distance(labels, reference.labels)
    weights = zip(pool.read(0).weights, reference.weights, strict=True)
    result["weights"] = max(_distance(to_numpy(w), expected) for w, expected in weights)
    return {name: float(value) for name, value in result.items()}


def _distance(result: np.ndarray, expected: np.ndarray) -> float:
    return np.linalg.norm(result - expected) / np.linalg.norm(expected)
