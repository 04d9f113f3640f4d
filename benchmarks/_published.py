"""Published test accuracies, to stand beside figures of our own.

Source: tables 6 and 7 in the appendix of "Boosting Dataset Distillation with the Assistance of
Crucial Samples", which give FRePo's figures and those with crucial samples and ISA. Per cent, mean
and standard deviation over networks; the set was chosen by its test accuracy.
"""

from __future__ import annotations

from typing import Any

SOURCE = (
    'tables 6 and 7 in the appendix of "Boosting Dataset Distillation with the Assistance of '
    'Crucial Samples" (IEEE TMM 2025); sets chosen by test accuracy'
)

# Data set, images per class: (network, KRR) of FRePo, then of FRePo with both additions.
_FIGURES = {
    ("cifar10", 1): (((46.8, 0.7), (47.9, 0.6)), ((48.4, 0.4), (50.5, 0.7))),
    ("cifar10", 10): (((65.5, 0.4), (68.0, 0.2)), ((67.2, 0.4), (69.0, 0.4))),
    ("cifar10", 50): (((71.7, 0.2), (74.4, 0.1)), ((73.8, 0.0), (75.6, 0.1))),
    ("cifar100", 1): (((28.7, 0.1), (32.3, 0.1)), ((31.2, 0.2), (38.0, 0.1))),
    ("cifar100", 10): (((42.5, 0.2), (44.9, 0.2)), ((46.4, 0.5), (48.4, 0.4))),
    ("cifar100", 50): (((44.3, 0.2), (43.0, 0.3)), ((49.4, 0.3), (48.0, 0.2))),
    ("tiny_imagenet", 1): (((15.4, 0.3), (19.1, 0.3)), ((19.8, 0.1), (23.4, 0.4))),
    ("tiny_imagenet", 10): (((25.4, 0.2), (26.5, 0.1)), ((27.0, 0.3), (28.1, 0.2))),
    ("imagenette128", 1): (((48.1, 0.7), (50.6, 0.6)), ((49.6, 0.6), (48.5, 0.6))),
    ("imagenette128", 10): (((66.5, 0.8), (67.1, 0.7)), ((67.8, 0.3), (69.2, 0.4))),
    ("imagewoof128", 1): (((26.7, 0.6), (31.3, 0.9)), ((30.8, 0.5), (33.6, 0.5))),
    ("imagewoof128", 10): (((42.2, 0.9), (43.5, 0.8)), ((43.8, 0.6), (46.3, 0.4))),
    ("imagenet64", 1): (((7.5, 0.3), (7.2, 0.2)), ((8.0, 0.2), (6.7, 0.2))),
    ("imagenet64", 2): (((9.7, 0.2), (9.5, 0.2)), ((10.7, 0.1), (7.6, 1.0))),
}
METHODS = ("frepo", "isa")


def published(dataset: str, images_per_class: int, method: str) -> dict[str, Any] | None:
    """What was published for a run, or `None`.

    Args:
        dataset: Name of a preset.
        images_per_class: Images per class.
        method: `"frepo"` or `"isa"`.

    Returns:
        `network` and `krr`, each a mean and a standard deviation in per cent, and their `source`.
    """
    found = _FIGURES.get((dataset, images_per_class))
    if found is None:
        return None
    network, krr = found[METHODS.index(method)]
    return {"network": list(network), "krr": list(krr), "source": SOURCE}
