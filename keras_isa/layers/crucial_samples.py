"""The choice of crucial samples as a layer."""

from typing import Any

import keras

from keras_isa.ops.arguments import one_of
from keras_isa.ops.crucial_samples import KEEP, check_fraction, crucial_count, crucial_indices
from keras_isa.types import Tensor


@keras.saving.register_keras_serializable(package="keras_isa")
class CrucialSamples(keras.layers.Layer):
    """Choose the crucial samples of a batch by their losses.

    The layer has no weights and returns indices, so that the same choice can be applied to
    residuals, features and labels with `keras.ops.take`. It compares losses in float32 under every
    dtype policy, because many losses would be equal in half precision.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples".

    Args:
        fraction: Share of the batch to keep, in (0, 1]; at least one sample is kept.
        keep: `"hardest"` or `"easiest"`.
        **kwargs: `name` and the other arguments of a Keras layer; `dtype` is always float32.

    Call arguments:
        losses: `(B,)` loss of each sample.

    Returns:
        Indices, `(max(1, int(fraction * B)),)` int32, in descending order of loss.

    Raises:
        ValueError: If `fraction` is not in (0, 1] or `keep` is not one of the words.

    Example:

    >>> import numpy as np
    >>> from keras_isa import layers
    >>> select = layers.CrucialSamples(fraction=0.5)
    >>> print(np.asarray(select(np.array([0.1, 3.0, 2.0, 0.7]))))
    [1 2]
    """

    def __init__(self, fraction: float = 0.8, keep: str = "hardest", **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.fraction = check_fraction(fraction)
        self.keep = one_of("keep", keep, KEEP)
        self.built = True

    def call(self, losses: Tensor) -> Tensor:
        return crucial_indices(losses, self.fraction, self.keep)

    def compute_output_shape(self, losses_shape: tuple) -> tuple[int | None]:
        rows = losses_shape[0]
        return (None if rows is None else crucial_count(rows, self.fraction),)

    def compute_output_spec(self, losses: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(losses.shape), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fraction": self.fraction, "keep": self.keep}
