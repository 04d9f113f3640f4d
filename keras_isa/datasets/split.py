"""A split of the training images into a part for training and a part for validation."""

from keras_isa.datasets.dataset import Dataset, subset
from keras_isa.inputs.targets import group_ids
from keras_isa.ops.arguments import instance_of
from keras_isa.ops.splits import validation_mask


def split_train_validation(
    dataset: Dataset, fraction: float, seed: int = 0
) -> tuple[Dataset, Dataset | None]:
    """Returns `(fit_part, validation_part)`, with every class divided in the same proportion.

    The validation part has `round(fraction * N)` images, but at least one. They are distributed
    over the classes by the method of largest remainders. The part is smaller if a class would
    otherwise have no image left in the fit part. Both parts keep the order of `dataset`. The split
    depends only on the labels, `fraction` and `seed`. Rows of a regression are
    divided as one class.

    Args:
        dataset: the training images.
        fraction: the share that goes to validation, in [0, 1). With 0 there is no validation part,
            and `None` is returned in its place.
        seed: a non-negative int.

    Raises:
        TypeError: `dataset` is no `Dataset`.
        ValueError: `fraction` or `seed` is out of range, or no class has more than one image.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> fit, validation = keras_isa.datasets.split_train_validation(train, 0.1, seed=0)
    >>> len(fit), len(validation), validation.split
    (1293, 144, 'validation')
    """
    instance_of("dataset", dataset, Dataset)
    chosen = validation_mask(group_ids(dataset.y), dataset.num_classes, fraction, seed)
    if not chosen.any():
        return dataset, None
    return subset(dataset, ~chosen, dataset.split), subset(dataset, chosen, "validation")
