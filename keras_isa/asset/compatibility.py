"""Whether data have the shape and the classes of a distilled set."""

from __future__ import annotations

from collections.abc import Sequence

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.axes import kind_of, kind_with_axes
from keras_isa.inputs.class_names import first_ten


def check_shape(shape: Sequence[int], wanted: Sequence[int], argument: str) -> None:
    """Raises an error if images have another shape than those of a set or are other data.

    Args:
        shape: Shape of one image, sequence, or row of features.
        wanted: That of the set.
        argument: Name of the argument, for errors.

    Raises:
        ValueError: If the shapes differ.
    """
    shape, wanted = tuple(shape), tuple(wanted)
    if shape == wanted:
        return
    if len(shape) != len(wanted):
        raise ValueError(
            f"`{argument}` must hold {kind_with_axes(wanted)} of shape {wanted}, as the distilled "
            f"set. Received: {kind_with_axes(shape)} of shape {shape}"
        )
    hint = ""
    if len(shape) == 3 and shape[2] == wanted[2]:
        hint = "; resize them, for instance with the `image_size` of `keras_isa.datasets.load`"
    elif len(shape) == 3:
        hint = f", with {wanted[2]} channels"
    raise ValueError(
        f"`{argument}` must hold {kind_of(wanted)} of shape {wanted}, as the distilled set{hint}. "
        f"Received: {shape}"
    )


def check_task(distilled: DistilledData, task: str | None, argument: str) -> None:
    """Refuses data of another task than that of a set.

    Args:
        distilled: The set.
        task: That of a dataset, or `None` where the data do not say it.
        argument: Name of the argument, for errors.

    Raises:
        ValueError: If the tasks differ.
    """
    if task not in (None, distilled.task):
        raise ValueError(
            f"`{argument}` must have the task of the distilled set, {distilled.task!r}: give the "
            f"dataset or the set another `task`. Received: {task!r}"
        )


def take_class_names(distilled: DistilledData, class_names: Sequence[str] | None) -> None:
    """Gives a set without names of its own the data's class names, or compares them.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.

    Raises:
        ValueError: If the names differ.
    """
    check_class_order(distilled, class_names, "x")
    if class_names is not None and len(class_names) == distilled.num_classes:
        distilled.class_names = tuple(class_names)


def check_class_order(
    distilled: DistilledData,
    class_names: Sequence[str] | None,
    argument: str,
    named: bool = False,
    order: str | None = None,
) -> None:
    """Refuses data whose classes have other names than those of a set that has names of its own.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.
        argument: Name of the argument, for errors.
        named: Whether a set with default class names accepts only data with default names.
        order: How to bring the data into order; by default what a dataset has for it.

    Raises:
        ValueError: If the names differ.
    """
    own = distilled.class_names
    unnamed = tuple(str(k) for k in range(distilled.num_classes))
    if not class_names or tuple(class_names) == own:
        return
    # The images of a set lie in the order 0, 1, 2, ... of its names. Data with the same numbers in
    # another order would be taken for other classes.
    reordered = set(class_names) == set(unnamed) and not distilled.empty
    if own == unnamed and not named and not reordered:
        return
    if distilled.is_regression:
        raise ValueError(
            f"`{argument}` must have the targets of the distilled set in the same order. Received: "
            f"{first_ten(class_names)} instead of {first_ten(own)}"
        )
    order = order or (
        f"bring it into order with `{argument}.select_classes(distilled.class_names)`, or give "
        f"({argument}.x, {argument}.y) if only the names differ"
    )
    raise ValueError(
        f"`{argument}` must have the class names of the distilled set in the same order; {order}. "
        f"Received: {first_ten(class_names)} instead of {first_ten(own)}"
    )
