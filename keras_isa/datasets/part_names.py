"""Usual names of the training, the test and the validation part of a data set."""

from __future__ import annotations

PART_NAMES = {
    "train": ("train", "training", "trn", "trainset", "trainingset", "traindata"),
    "test": ("test", "testing", "tst", "testset", "testdata"),
    "validation": (
        "validation", "valid", "val", "dev", "valset", "validationset", "devset",
    ),
}  # fmt: skip
# Names of parts that can be the test part. The first one that exists is taken.
TEST_NAMES = (*PART_NAMES["test"], *PART_NAMES["validation"])


def part_of(name: str) -> str | None:
    """Returns "train", "test" or "validation" for a name of that part, in upper or lower case.

    Example:

    >>> from keras_isa.datasets.part_names import part_of
    >>> part_of("Training"), part_of("dev"), part_of("cat")
    ('train', 'validation', None)
    """
    name = name.lower()
    return next((part for part, names in PART_NAMES.items() if name in names), None)
