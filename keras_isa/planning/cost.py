"""The number of floating-point operations of a distillation step."""

from __future__ import annotations

import dataclasses
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.ops.kernel_regression import fit_kernel_regression

# Up to this number of operations a regression is timed directly. The time of a larger one follows
# from that of a smaller one.
TRIAL_FLOPS = 5e11


@dataclasses.dataclass(frozen=True)
class Regression:
    """Kernel ridge regression on features, with its gradients.

    Args:
        features: Length F of a feature.
        classes: Number of classes C.
        copies: Rows of the regression per image of the set, 2 with mirror images.
        dtype: Compute dtype of the networks, for which the program is compiled.
        times: Regressions of a step, one for each update of the set.
    """

    features: int
    classes: int
    copies: int = 1
    dtype: str = "float32"
    times: int = 1

    def flops(self, rows: int) -> int:
        """Returns the operations of a step with `rows` images, with those of the gradients."""
        rows *= self.copies
        kernel = 4 * rows**2 * self.features
        return self.times * (kernel + rows**3 // 3 + 10 * rows**2 * self.classes)

    def seconds(self, rows: int) -> float:
        """Returns the seconds for a set of `rows` images; many rows are timed by way of fewer."""
        timed = rows
        while timed > 1 and self.flops(timed) > TRIAL_FLOPS:
            timed //= 2
        engine, count = backend.current(), timed * self.copies
        random = np.random.default_rng(0)
        sizes = (count, self.features), (count, self.classes)
        arrays = [engine.to_device(random.standard_normal(size, "float32")) for size in sizes]
        function = engine.value_and_grad(_regression)
        call, _ = engine.compiled_ahead(function, (arrays,), dtype=self.dtype)
        seconds = min(timeit.repeat(lambda: engine.wait(call(arrays)), number=1, repeat=2))
        return seconds * self.times * self.flops(rows) / self.flops(timed)


@dataclasses.dataclass(frozen=True)
class Cost:
    """The operations of a distillation step.

    Args:
        image: Operations of a network's forward pass of one image.
        set_passes: Function from the number of images of a set to the forward passes they cost.
        regression: The part that grows faster than the set, if there is one.
        batch_passes: Forward passes that an image of the batch costs.
        pair: Operations of a pair of an image of the batch and one of the set, and of a pair within
            the set, for methods whose kernel takes no features.
    """

    image: int
    set_passes: Callable[[int], int]
    regression: Regression | None = None
    batch_passes: int = 1
    pair: int = 0

    def step(self, batch_size: int, rows: int) -> int:
        """Returns the operations of a step.

        Args:
            batch_size: Number of target images B.
            rows: Number of images of the set n.
        """
        solved = 0 if self.regression is None else self.regression.flops(rows)
        passes = self.batch_passes * batch_size + self.set_passes(rows)
        return self.image * passes + self.pair * rows * (batch_size + rows) + solved

    def terms(self, batch_size: int, rows: int) -> tuple[int, int]:
        """Returns two numbers in proportion to which the time of a step grows.

        Args:
            batch_size: Number of target images B.
            rows: Number of images of the set n.
        """
        if self.pair:
            return batch_size * rows, rows**2
        return batch_size, self.set_passes(rows)

    def regression_seconds(self, rows: int) -> float:
        """Returns the seconds of the regression, 0 without one."""
        return 0.0 if self.regression is None else self.regression.seconds(rows)


def _regression(arrays: list) -> tuple[Any, tuple]:
    return ops.sum(ops.square(fit_kernel_regression(*arrays))), ()
