"""Random numbers from an explicit key, on every Keras backend."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.ops.arguments import integer_tensor
from keras_isa.types import Tensor

_STRIDE = 7919  # a prime, so that draw i of one key is not draw j of a neighbouring key


class KeySequence(keras.random.SeedGenerator):
    """A seed generator without a variable: it derives its seeds from a raw key.

    A `keras.random.SeedGenerator` owns a variable, so it cannot be created inside a compiled
    function, nor differ between the rows of `keras.ops.vectorized_map`. A `KeySequence` can: it
    holds a key (a tensor, which may be traced) and a Python counter, and its `next()` returns
    `key + [7919 * (i + 1), 0]` for i = 0, 1, 2, ... Because it *is* a `SeedGenerator`, everything
    in Keras that takes one accepts it: `keras.random.*` and the initializers.

    Make a new one from a new key wherever you want new numbers. Two sequences of the same key give
    the same numbers in the same order. The counter advances while a function is being *traced*, so
    inside a loop body (`keras.ops.scan`, `fori_loop`) build the sequence from a key that the loop
    carries; a sequence built outside would repeat its draws in every round.

    Draw fresh weights from an initializer, in-graph, by giving it a sequence for a seed:
    `initializer.seed = KeySequence(key)`. Do not keep one as an attribute of a layer: Keras would
    look for its variable.

    Args:
        key: tensor of shape (2,), of the dtype that `keras.random.SeedGenerator.next()` returns
            (uint32 on JAX).

    Raises:
        TypeError: when `key` does not hold integers.
        ValueError: when `key` has another shape.

    Example:
        >>> import keras
        >>> import keras_isa
        >>> from keras_isa.ops.random import KeySequence
        >>> key = keras.random.SeedGenerator(0).next()
        >>> seeds = KeySequence(key)
        >>> [int(seeds.next()[0]), int(seeds.next()[0])]
        [7919, 15838]
        >>> keras.random.uniform((4, 2), seed=seeds).shape == (4, 2)
        True
    """

    def __init__(self, key: Tensor) -> None:
        # super().__init__ would create the state variable, which is what this class avoids.
        key = integer_tensor("key", key)
        shape = tuple(key.shape)
        if shape != (2,):
            raise ValueError(
                "`key` must be a seed tensor of shape (2,), as `SeedGenerator.next()` returns. "
                f"Received: shape={shape}"
            )
        self.name = "key_sequence"
        self.key = keras.ops.convert_to_tensor(key)
        self.draws = 0

    def next(self, ordered: bool = True) -> Tensor:
        """Return the next seed, a tensor of shape (2,) and the dtype of the key.

        Args:
            ordered: ignored; present because `SeedGenerator.next` has it.
        """
        self.draws += 1
        step = np.array([_STRIDE * self.draws, 0])
        return keras.ops.add(self.key, keras.ops.convert_to_tensor(step, dtype=self.key.dtype))

    def get_config(self) -> dict[str, Any]:
        """Refuse: a key belongs to one call, not to a configuration."""
        raise TypeError("A `KeySequence` is not serialisable. Save the generator of its key.")


def some_rows(
    arrays: Sequence[Tensor], most: int, seed: keras.random.SeedGenerator
) -> list[Tensor]:
    """Returns arrays as they are, or the same random rows of each where they have too many.

    Args:
        arrays: Arrays of the same number of rows `(N, ...)`.
        most: The greatest number of rows.
        seed: Draws the rows, where there are too many.

    Returns:
        Tensors `(min(N, most), ...)`.

    Example:

    >>> import keras
    >>> from keras_isa.ops.random import some_rows
    >>> images, labels = keras.ops.zeros((5, 8, 8, 1)), keras.ops.zeros((5, 3))
    >>> [len(one) for one in some_rows((images, labels), 4, keras.random.SeedGenerator(0))]
    [4, 4]
    """
    tensors = [ops.convert_to_tensor(one) for one in arrays]
    count = tensors[0].shape[0]
    if count <= most:
        return tensors
    rows = keras.random.shuffle(ops.arange(count, dtype="int32"), seed=seed)[:most]
    return [ops.take(one, rows, axis=0) for one in tensors]
