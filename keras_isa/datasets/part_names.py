"""The names that the training, the test and the validation part of a set go by."""

from __future__ import annotations

PART_NAMES = {
    "train": ("train", "training", "trn", "trainset", "trainingset", "traindata"),
    "test": ("test", "testing", "tst", "testset", "testdata"),
    "validation": (
        "validation", "valid", "val", "dev", "valset", "validationset", "devset",
    ),
}  # fmt: skip
# Of what can serve as the test part, the first that is to be taken first.
TEST_NAMES = (*PART_NAMES["test"], *PART_NAMES["validation"])


def part_of(name: str) -> str | None:
    """Returns "train", "test" or "validation" for a name of that part, in any case.

    Example:

    >>> from keras_isa.datasets.part_names import part_of
    >>> part_of("Training"), part_of("dev"), part_of("cat")
    ('train', 'validation', None)
    """
    name = name.lower()
    return next((part for part, names in PART_NAMES.items() if name in names), None)
