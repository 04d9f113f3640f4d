"""What a distilled set stores, and the images and labels that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops import arguments
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.parametrizations import Parametrization, parametrization_of
from keras_isa.parametrizations.base import checked_shapes


class StoredSet(keras.layers.Layer):
    """Stored variables of a labelled set, which a parametrisation turns into images and labels.

    Args:
        image_shape: Shape of one image.
        num_classes: Number of classes C.
        images_per_class: Images per class, one number or one for each class.
        parametrization: A `Parametrization` or its text.
        learn_labels: Whether the labels are trained along with the images.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        images_per_class: int | Sequence[int],
        *,
        parametrization: Parametrization | str = "identity",
        learn_labels: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape = arguments.image_shape_of("image_shape", image_shape)
        self.num_classes = arguments.whole_number("num_classes", num_classes)
        self.class_counts = checked_counts(images_per_class, self.num_classes)
        self.parametrization = parametrization_of(parametrization)
        self.learn_labels = arguments.true_or_false("learn_labels", learn_labels)
        # No autocast: images and labels stay float32 under a mixed precision policy.
        options = {"initializer": "zeros", "autocast": False}
        stored = {
            name: self.add_weight(shape, name=name, **options)
            for name, shape in self._stored_shapes().items()
        }
        # Keras would wrap a dictionary that is set in the usual way, to track layers in it.
        object.__setattr__(self, "stored", stored)
        stored["labels"].trainable = self.learn_labels
        self.built = True

    def _stored_shapes(self) -> dict[str, tuple[int, ...]]:
        about = self.image_shape, self.num_classes, self.class_counts
        return checked_shapes(self.parametrization, *about)

    def assign(self, images: Any, labels: Any) -> None:
        """Sets the set to images in model space, or as near to them as its parametrisation allows.

        Args:
            images: `(n, *image_shape)`, one for each entry of `class_ids`.
            labels: `(n, C)`.
        """
        # Copies of our own: on a CPU, JAX may use the memory of a NumPy array as it is.
        values = self.parametrization.encode(np.array(to_numpy(images)), np.array(to_numpy(labels)))
        for name, value in values.items():
            self.stored[name].assign(value)

    def decode(self, learned: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
        """Images `(n, *image_shape)` in model space and labels `(n, C)`, differentiable.

        Args:
            learned: Values by name, which take the place of those of variables in `stored`.
        """
        return self.parametrization.decode({**self.stored, **(learned or {})}, self.image_shape)

    @property
    def images(self) -> Any:
        """Images in model space, the variable itself where they are stored as they are."""
        return self.decode()[0]

    @property
    def labels(self) -> Any:
        """Labels `(n, C)`, the variable itself where each image stores its own."""
        return self.decode()[1]

    @property
    def row_counts(self) -> tuple[int, ...]:
        """Images of each class, all that follow from what is stored."""
        return self.parametrization.rows(self.class_counts)

    @property
    def equal_counts(self) -> tuple[int, ...]:
        """Real images of each class that take as many numbers, labels included; at least one."""
        each = math.prod(self.image_shape) + self.num_classes
        stored = sum(math.prod(variable.shape) for variable in self.stored.values())
        rows = self.row_counts
        return tuple(max(1, count * stored // (sum(rows) * each)) for count in rows)

    @property
    def class_ids(self) -> np.ndarray:
        """Class of each row, `(n,)` int32."""
        return np.repeat(np.arange(self.num_classes, dtype=np.int32), self.row_counts)

    @property
    def images_per_class(self) -> int | tuple[int, ...]:
        """Images per class: one number where all classes have the same, else one for each."""
        return simplest(self.class_counts)

    @property
    def empty(self) -> bool:
        """Whether nothing has been put into the set yet: images and labels are zeros."""
        return not any(np.any(to_numpy(variable)) for variable in self.stored.values())

    def learn(self, labels: bool) -> None:
        """Sets whether the labels are trained along with the images; before a trainer is compiled.

        Args:
            labels: The new value of `learn_labels`, true or false.
        """
        self.learn_labels = arguments.true_or_false("labels", labels)
        self.stored["labels"].trainable = self.learn_labels

    def save_own_variables(self, store: dict) -> None:
        for name, array in self._packed().items():
            store[name] = array

    def load_own_variables(self, store: dict) -> None:
        values = self.parametrization.unpack(store, self._stored_shapes())
        for name, value in values.items():
            self.stored[name].assign(value)

    def _packed(self) -> dict[str, np.ndarray]:
        values = {name: to_numpy(variable) for name, variable in self.stored.items()}
        return self.parametrization.pack(values)

    @property
    def stored_bytes(self) -> int:
        """Bytes of images and labels, or what stands for them, in a file."""
        return sum(array.nbytes for array in self._packed().values())
