"""Infinite Semantic Augmentation (ISA) as a layer."""

from typing import Any

import keras
from keras import ops

from keras_isa.ops.arguments import one_of, seed_number
from keras_isa.ops.semantic_augmentation import (
    REDUCTIONS,
    check_interval,
    isa_loss,
    isa_loss_all_pairs,
    nearest_partners,
    same_class_partners,
)
from keras_isa.types import Tensor

PAIRINGS = ("nearest", "random", "all", "same_class")
# Those with a partner for each sample, for losses without a closed form over all pairs.
SINGLE_PAIRINGS = ("nearest", "random", "same_class")


@keras.saving.register_keras_serializable(package="keras_isa")
class InfiniteSemanticAugmentation(keras.layers.Layer):
    """Mean loss over infinitely many virtual samples along feature-space directions.

    Each sample is paired with a partner; the loss is the exact mean over `a ~ U[lo, hi]` of the
    squared residual at `z_i + a (z_i - z_j)`, then the mean over samples. Interval (0, e)
    extrapolates away from the partner, as the authors' released code does; (-1, 0) interpolates
    between the two; (0, 0) is the plain loss, for which no partners are looked for. No gradient
    flows through the choice of partners. The layer computes in float32 under every dtype policy.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples"; pairings other
    than `"nearest"` and `"random"` are additions of this library.

    Args:
        interval: Two finite numbers `lo <= hi`.
        pairing: `"nearest"` (the other row at the least cosine distance), `"random"` (a fresh
            permutation in each call, which may leave a row with itself), `"all"` (the mean over
            all ordered pairs, in O(B)) or `"same_class"` (the nearest other row of the class, or
            the row itself where it is alone).
        reduction: `"class_mean"` averages the squares over classes, `"half_sum"` takes half
            their sum.
        seed: Integer seed of the `"random"` pairing; the other pairings do not use it.
        **kwargs: `name` and the other arguments of a Keras layer; `dtype` is always float32.

    Call arguments:
        residuals: `(B, C)` predictions minus labels.
        features: `(B, d)`, needed by `"nearest"` and `"same_class"`.
        class_ids: `(B,)` integers, needed by `"same_class"`.

    Returns:
        The loss, a float32 scalar.

    Raises:
        ValueError: If an argument is not valid, or a call lacks what the pairing needs.

    Example:

    >>> import numpy as np
    >>> from keras_isa import layers
    >>> augmentation = layers.InfiniteSemanticAugmentation(interval=(-1.0, 0.0))
    >>> residuals = np.array([[3.0, 0.0], [0.0, 3.0]])
    >>> print(float(augmentation(residuals, np.eye(2))))
    3.0
    """

    def __init__(
        self,
        interval: tuple[float, float] = (0.0, 0.5),
        pairing: str = "nearest",
        reduction: str = "class_mean",
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.interval = check_interval(interval)
        self.pairing = one_of("pairing", pairing, PAIRINGS)
        self.reduction = one_of("reduction", reduction, REDUCTIONS)
        self.seed = None if seed is None else seed_number(seed)
        if pairing == "random":
            self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.built = True

    def call(
        self, residuals: Tensor, features: Tensor | None = None, class_ids: Tensor | None = None
    ) -> Tensor:
        if self.interval == (0.0, 0.0):
            losses = isa_loss(residuals, residuals, self.interval, self.reduction)
        elif self.pairing == "all":
            return isa_loss_all_pairs(residuals, self.interval, self.reduction)
        else:
            partners = self.partners(residuals, features, class_ids)
            partner_residuals = ops.take(residuals, partners, axis=0)
            losses = isa_loss(residuals, partner_residuals, self.interval, self.reduction)
        return ops.mean(losses)

    def partners(
        self, residuals: Tensor, features: Tensor | None = None, class_ids: Tensor | None = None
    ) -> Tensor:
        """Returns the partner of each row `(B,)` int32, which pairing="all" does not have.

        Args:
            residuals: `(B, C)`, or anything else of as many rows.
            features: As in a call.
            class_ids: As in a call.
        """
        if self.pairing == "random":
            rows = ops.arange(ops.shape(residuals)[0], dtype="int32")
            return keras.random.shuffle(rows, seed=self.seed_generator)
        if features is None:
            raise ValueError(
                f"`features` must be given with pairing={self.pairing!r}. Received: features=None"
            )
        # In a compiled step `take` would raise no error for an index out of range.
        if features.shape[0] != residuals.shape[0]:
            raise ValueError(
                "`features` must have as many rows as `residuals`. "
                f"Received shapes: {tuple(features.shape)}, {tuple(residuals.shape)}"
            )
        if self.pairing == "nearest":
            return nearest_partners(features)
        if class_ids is None:
            raise ValueError(
                "`class_ids` must be given with pairing='same_class'. Received: class_ids=None"
            )
        return same_class_partners(features, class_ids)

    def compute_output_shape(
        self, residuals_shape: Any, features_shape: Any = None, class_ids_shape: Any = None
    ) -> tuple[()]:
        return ()

    # Keras saves the weights of a layer but not its random generators. Without the state of this
    # one a resumed run would draw other pairs than the uninterrupted run.
    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self.pairing == "random":
            store["random_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        if self.pairing == "random":
            self.seed_generator.state.assign(store["random_state"])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interval": list(self.interval),
            "pairing": self.pairing,
            "reduction": self.reduction,
            "seed": self.seed,
        }
