"""The distilled set: a Keras layer that is also the file people exchange."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_isa.asset.cutting import cut
from keras_isa.asset.format import check_format_version, format_version
from keras_isa.asset.samples import (
    checked_labels,
    checked_pair,
    checked_samples,
    counts_of_groups,
    random_rows,
)
from keras_isa.asset.target_units import TargetUnits
from keras_isa.asset.views import SetViews
from keras_isa.files import atomic_path, check_writable, checked_path
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs import checks
from keras_isa.inputs.class_names import check_class_names
from keras_isa.inputs.pixel_range import check_pixel_range, pixel_range_of
from keras_isa.inputs.targets import group_ids
from keras_isa.layers.preprocessing import check_inverse, check_registered, preprocessing_layer
from keras_isa.ops import arguments
from keras_isa.parametrizations import Parametrization
from keras_isa.serialization import without_importing_tensorflow

DEFAULT_PIXEL_RANGE = (0.0, 255.0)


@keras.saving.register_keras_serializable(package="keras_isa")
class DistilledData(SetViews):
    """A small labelled set of synthetic images with everything needed to use it.

    Images and labels are variables, or follow from the variables in `stored` by a
    `parametrization`. The images live in *model space*, the space that networks are trained in;
    `preprocessing` takes pixels there and back and is part of the layer, as are the class names,
    the evaluation recipe and the record of the run. Calling the layer preprocesses raw images, so
    `distilled(x_test)` is what a network trained on the set expects.

    Rows are ordered by class: all images of class 0, then of class 1, and so on.

    Args:
        image_shape: `(height, width, channels)` of images, `(steps, features)` of sequences, or
            `(features,)` of flat features.
        num_classes: Number of classes C, or of targets K in regression.
        images_per_class: Images per class, one number or one for each class; with
            `multi_formation` those that are stored, each of which holds several. In regression the
            number of rows of the whole set.
        task: `"classification"`, or `"regression"` where labels are K numbers to predict.
        target_units: Mean and scale of the targets of a regression, which its labels are
            standardised by, a `TargetUnits`; `from_samples` and `fit` measure them.
        parametrization: How images follow from what is stored, a `Parametrization` or its text,
            such as `"multi_formation:2"` (see `keras_isa.parametrizations.parametrization_of`).
        preprocessing: Layer with `call` (pixels to model space) and `inverse`, or `None` when both
            spaces are the same. To be saved, its class must be registered with Keras.
        class_names: C names of classes or targets; by default their numbers.
        pixel_range: Lowest and highest pixel value, used when pictures are drawn.
        learn_labels: Whether the labels are trained along with the images.
        recipe: How networks are to be trained on the set, JSON-compatible.
        provenance: How the set was made, JSON-compatible.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_isa import DistilledData
    >>> x = np.arange(6 * 16, dtype="uint8").reshape(6, 4, 4, 1)
    >>> distilled = DistilledData.from_samples(x, np.array([0, 0, 0, 1, 1, 1]), images_per_class=2)
    >>> images, labels = distilled.to_numpy(space="pixels")
    >>> images.shape, labels.shape
    ((4, 4, 4, 1), (4, 2))
    """

    @in_standard_settings
    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        images_per_class: int | Sequence[int],
        *,
        task: str = "classification",
        target_units: TargetUnits | Mapping | None = None,
        parametrization: Parametrization | str = "identity",
        preprocessing: keras.layers.Layer | None = None,
        class_names: Sequence[str] | None = None,
        pixel_range: Sequence[float] = DEFAULT_PIXEL_RANGE,
        learn_labels: bool = True,
        recipe: dict | None = None,
        provenance: dict | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(
            image_shape,
            num_classes,
            images_per_class,
            task=task,
            target_units=target_units,
            parametrization=parametrization,
            learn_labels=learn_labels,
            **kwargs,
        )
        num_classes = self.num_classes
        names = map(str, range(num_classes)) if class_names is None else class_names
        self.class_names = check_class_names(names)
        if len(self.class_names) != num_classes:
            raise ValueError(
                f"`class_names` must have num_classes={num_classes} entries. "
                f"Received: {len(self.class_names)}"
            )
        if preprocessing is not None:
            check_inverse(preprocessing)
        self.preprocessing = preprocessing
        self.pixel_range = check_pixel_range(pixel_range)
        # Keras would wrap dictionaries that are set in the usual way, to track layers in them. They
        # are copies, as training changes them and the caller may give one to several sets.
        for name, given in (("recipe", recipe), ("provenance", provenance)):
            object.__setattr__(self, name, copy.deepcopy(checks.check_dictionary(given, name)))

    @classmethod
    @in_standard_settings
    def from_samples(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        images_per_class: int | Mapping | str | Sequence[int],
        *,
        preprocessing: keras.layers.Layer | str | None = "standardize",
        axes: str | None = None,
        task: str = "classification",
        seed: int = 0,
        **kwargs: Any,
    ) -> DistilledData:
        """Starts a set from random real images, as FRePo does.

        Args:
            x: Real images `(N, H, W, C)`, `(N, H, W)` or `(N, C, H, W)` in pixel units, sequences
                `(N, T, F)`, or flat features `(N, F)`.
            y: Their classes `(N,)`, integers from 0 or class names; in regression numbers `(N,)` or
                `(N, K)`.
            images_per_class: Images drawn for each class, without replacement: an integer, a
                mapping from class to number, `"proportional"` or `"proportional:N"` (see
                `keras_isa.ops.class_counts`). In regression the rows drawn of all.
            preprocessing: A ready layer, `None`, or a kind that is adapted to `x`:
                `"standardize"`, `"zca"`, `"block_zca"` or `"none"`.
            axes: Which axis of `x` is what, such as `"NCHW"`; by default as
                its shape shows.
            task: `"classification"` or `"regression"`.
            seed: Seed of the draw.
            **kwargs: Further arguments of `DistilledData`; by default the classes are told from `y`
                and `pixel_range` from `x`, as by `keras_isa.datasets.Dataset.from_arrays`.

        Returns:
            A `DistilledData`. Labels are one-hot - 1/C, divided by sqrt(C / 10), or standardised
            targets.

        Raises:
            TypeError: If an argument has the wrong type, or an array the wrong dtype.
            ValueError: If a class has fewer than `images_per_class` images and that is an integer,
                a pixel is not finite, or an argument is out of range.
        """
        names, number = kwargs.pop("class_names", None), kwargs.pop("num_classes", None)
        x, y, number, names = checked_samples(x, y, axes, names, number, task)
        seed = arguments.whole_number("seed", seed, 0)
        counts = counts_of_groups(images_per_class, y, number, names)
        if isinstance(preprocessing, str):
            preprocessing = preprocessing_layer(preprocessing, x.shape[1:])
            if preprocessing is not None:
                preprocessing.adapt(x)
        if "pixel_range" not in kwargs:
            with contextlib.suppress(ValueError):  # images without differences have no range
                kwargs["pixel_range"] = pixel_range_of(x, "x")
        kwargs |= {"preprocessing": preprocessing, "class_names": names, "task": task}
        distilled = cls(x.shape[1:], number, counts, **kwargs)
        distilled.draw_real_images(x, y, seed)
        return distilled

    @in_standard_settings
    def draw_real_images(self, x: np.ndarray, y: np.ndarray, seed: int = 0) -> None:
        """Sets images and labels from random real images, without replacement within a class.

        Args:
            x: Real images `(N, H, W, C)` in pixel units, sequences `(N, T, F)`, or flat features
                `(N, F)`.
            y: Their classes `(N,)`, integers from 0 to `num_classes - 1`, or in regression targets
                `(N, K)`, whose units are measured where they are not known.
            seed: Seed of the draw.

        Raises:
            TypeError: If images or labels have the wrong dtype.
            ValueError: If a class has fewer images than the set, or images or labels do not fit.
        """
        y = checked_labels(self, y, len(x), "y")
        self.measure_targets(y)
        again = self.row_counts != self.class_counts
        chosen = random_rows(group_ids(y), self.row_counts, seed, again=again)
        images = self(checks.check_images(x[chosen], "x", image_shape=self.image_shape))
        self.assign(images, self.encode(self.standardize_targets(y[chosen]), scaled=True))

    @classmethod
    @in_standard_settings
    def from_arrays(cls, images: np.ndarray, labels: np.ndarray, **kwargs: Any) -> DistilledData:
        """Wraps images that are already in model space.

        Args:
            images: Float array `(n, H, W, C)`, `(n, T, F)` or `(n, F)`, ordered by class.
            labels: Float array `(n, num_classes)`; in regression standardised targets.
            **kwargs: Further arguments of `DistilledData`; without `images_per_class` there must
                be equally many images of each class.

        Returns:
            A `DistilledData` holding copies.

        Raises:
            TypeError: If images or labels are not numbers.
            ValueError: If the shapes do not fit, or a value is not finite.
        """
        counts = kwargs.pop("images_per_class", None)
        task = kwargs.get("task", "classification")
        images, labels, counts = checked_pair(images, labels, counts, task)
        distilled = cls(images.shape[1:], labels.shape[1], counts, **kwargs)
        if len(distilled.class_ids) != len(images):
            raise ValueError(
                "`parametrization` must be left out or give as many images as there are. Received: "
                f"{distilled.parametrization}, which gives {len(distilled.class_ids)} images of "
                f"{len(images)}"
            )
        distilled.assign(images, labels)
        return distilled

    @in_standard_settings
    def first(self, count: int | Sequence[int]) -> DistilledData:
        """Returns a smaller set, of the first stored images of each class.

        With `multi_formation` each stored image comes with all of its tiles. With `bases` all bases
        stay; if there are more than images, the images become their own bases. A set whose training
        has taken care of it (`prefixes`, see `keras_isa.presets.Settings`) is good at every size.

        Args:
            count: Stored images of every class, or one number for each class.

        Returns:
            A new set with copies of images and labels, the same preprocessing layer, class names
            and pixel range, and the record of this set with a note of what it was cut from. Steps
            of the recipe that followed from the number of images do so again.

        Raises:
            ValueError: If a number is not a positive integer, there is not one for each class, or
                the set has fewer images.

        Example:

        >>> import numpy as np
        >>> from keras_isa import DistilledData
        >>> x, y = np.arange(96, dtype="uint8").reshape(6, 4, 4, 1), np.array([0, 0, 0, 1, 1, 1])
        >>> DistilledData.from_samples(x, y, images_per_class=3).first(2).images.shape
        (4, 4, 4, 1)
        """
        return cut(self, count)

    def save(self, path: str | Path, overwrite: bool = True) -> None:
        """Writes the set to a `.keras` file, whole or not at all.

        Args:
            path: File ending in `.keras`.
            overwrite: Whether an existing file may be replaced.

        Raises:
            TypeError: If `path` is neither a string nor a path.
            ValueError: If the file cannot be written there, the set is not finite, or the class
                of its preprocessing is not registered with Keras, so that nobody could load it.
        """
        path = checked_path(path)
        if path.suffix != ".keras":
            raise ValueError(f"`path` must end in .keras. Received: path={str(path)!r}")
        check_writable(path, overwrite=overwrite)
        if self.preprocessing is not None:
            check_registered(self.preprocessing)
        if not all(np.isfinite(array).all() for array in self.to_numpy()):
            raise ValueError("`images` and `labels` must be finite to be saved; training diverged")
        with atomic_path(path) as temporary, without_importing_tensorflow():
            keras.saving.save_model(self, temporary)

    def get_config(self) -> dict[str, Any]:
        text = str(self.parametrization)
        return {
            **super().get_config(),
            "format_version": format_version(self.parametrization, self.task),
            "image_shape": list(self.image_shape),
            "num_classes": self.num_classes,
            "images_per_class": c if isinstance(c := self.images_per_class, int) else list(c),
            # Files without one can be read by versions that know none.
            **({} if text == "identity" else {"parametrization": text}),
            **({"task": self.task} if self.is_regression else {}),
            **({} if self.target_units is None else {"target_units": self.target_units.to_dict()}),
            "preprocessing": keras.saving.serialize_keras_object(self.preprocessing),
            "class_names": list(self.class_names),
            "pixel_range": list(self.pixel_range),
            "learn_labels": self.learn_labels,
            "recipe": copy.deepcopy(self.recipe),
            "provenance": copy.deepcopy(self.provenance),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DistilledData:
        config = dict(config)
        check_format_version(config.pop("format_version", None))
        config["preprocessing"] = keras.saving.deserialize_keras_object(config["preprocessing"])
        return cls(**config)
