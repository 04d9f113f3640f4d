"""What a distilled set stores, and the images and labels that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.asset.target_units import TargetUnits
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.targets import TASKS
from keras_isa.memory import check_memory
from keras_isa.ops import arguments
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.ops.labels import encode_labels
from keras_isa.parametrizations import Parametrization, parametrization_of
from keras_isa.parametrizations.base import checked_shapes


class StoredSet(keras.layers.Layer):
    """Stored variables of a labelled set, which a parametrisation turns into images and labels.

    Args:
        image_shape: Shape of one image.
        num_classes: Number of classes C, or of targets.
        images_per_class: Images per class, one number or one for each class; in regression the
            number of all rows.
        task: `"classification"` or `"regression"`.
        target_units: Units of the targets, or a mapping with `mean` and `scale`; `None` as long as
            they are not known.
        parametrization: A `Parametrization` or its text.
        learn_labels: Whether the labels are trained along with the images.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range, or there is not
            the memory for the set.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        images_per_class: int | Sequence[int],
        *,
        task: str = "classification",
        target_units: TargetUnits | Mapping | None = None,
        parametrization: Parametrization | str = "identity",
        learn_labels: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape = arguments.image_shape_of("image_shape", image_shape)
        self.num_classes = arguments.whole_number("num_classes", num_classes)
        self.task = arguments.one_of("task", task, TASKS)
        self.class_counts = checked_counts(images_per_class, group_count(task, self.num_classes))
        self.target_units = self._checked_units(target_units)
        self.parametrization = parametrization_of(parametrization)
        self.learn_labels = arguments.true_or_false("learn_labels", learn_labels)
        # No autocast: images and labels stay float32 under a mixed precision policy.
        options = {"initializer": "zeros", "autocast": False}
        shapes = self._stored_shapes()
        bytes_of_all = 4 * sum(map(math.prod, shapes.values()))
        check_memory(bytes_of_all, "the set", "lower `images_per_class`")
        stored = {
            name: self.add_weight(shape, name=name, **options) for name, shape in shapes.items()
        }
        # Keras would wrap a dictionary that is set in the usual way, to track layers in it.
        object.__setattr__(self, "stored", stored)
        stored["labels"].trainable = self.learn_labels
        self.built = True

    def _checked_units(self, units: TargetUnits | Mapping | None) -> TargetUnits | None:
        if units is None:
            return None
        units = units if isinstance(units, TargetUnits) else TargetUnits.from_config(units)
        if not self.is_regression or len(units.mean) != self.num_classes:
            raise ValueError(
                "`target_units` must be those of the targets of a regression. Received: "
                f"{len(units.mean)} targets for task={self.task!r} with {self.num_classes}"
            )
        return units

    @property
    def is_regression(self) -> bool:
        """Whether the labels are numbers to predict; else they are classes."""
        return self.task == "regression"

    @property
    def measure(self) -> str:
        """Name of the score that sets are compared by: `"accuracy"` or `"r2"`."""
        return "r2" if self.is_regression else "accuracy"

    def measure_targets(self, y: np.ndarray) -> None:
        """Takes the units of training targets where none are known; nothing for classes.

        Args:
            y: Targets `(N, K)` float64.

        Raises:
            ValueError: If a target does not vary.
        """
        if self.is_regression and self.target_units is None:
            self.target_units = TargetUnits.of(y, self.class_names)

    def standardize_targets(self, y: np.ndarray) -> np.ndarray:
        """Targets in the units of the data as the set computes with them; classes as they are.

        Args:
            y: Targets `(N, K)`, or classes `(N,)`.

        Raises:
            ValueError: If the units of the targets are not known yet.
        """
        return self._known_units().standardized(y) if self.is_regression else y

    def restore_targets(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions in the units of the data, float64; scores of classes as they are.

        Args:
            predictions: `(..., K)` as the set or a network trained on it gives them.

        Raises:
            ValueError: If the units of the targets are not known yet.
        """
        return self._known_units().restored(predictions) if self.is_regression else predictions

    def _known_units(self) -> TargetUnits:
        if self.target_units is None:
            raise ValueError(
                "`target_units` must be known to convert targets: fill the set by `from_samples` "
                "or `fit`, or give them. Received: None"
            )
        return self.target_units

    def encode(self, y: Any, scaled: bool = False) -> Any:
        """What the set is to predict for a batch, `(B, C)` float32.

        Args:
            y: Classes `(B,)`, or standardised targets `(B, K)`, which are returned as they are.
            scaled: Whether classes are encoded as the set's own labels, see
                `keras_isa.ops.encode_labels`.
        """
        return y if self.is_regression else encode_labels(y, self.num_classes, scaled)

    def groups(self, y: Any) -> Any:
        """Class of each row of a batch, `(B,)` int32; in regression zeros.

        Args:
            y: As in `encode`.
        """
        return ops.zeros(ops.shape(y)[:1], dtype="int32") if self.is_regression else y

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
        """Class of each row, `(n,)` int32; in regression zeros."""
        return np.repeat(np.arange(len(self.class_counts), dtype=np.int32), self.row_counts)

    @property
    def images_per_class(self) -> int | tuple[int, ...]:
        """Images per class: one number where all classes have the same, else one for each.

        In regression it is the number of all rows.
        """
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


def group_count(task: str, num_classes: int) -> int:
    """Number of groups whose rows are counted: the classes, or one for all rows of a regression.

    Args:
        task: `"classification"` or `"regression"`.
        num_classes: Number of classes, or of targets.
    """
    return 1 if task == "regression" else num_classes
