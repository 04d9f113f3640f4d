"""How the authors of a published set train networks on it, as recipes."""

from __future__ import annotations

from keras_isa.asset.recipe import Recipe, dc_recipe

# RCIG and FRePo join sets of up to so many images by their mirror images, where these show colours.
_MOST_JOINED = 1000


def frepo(channels: int, rows: int) -> Recipe:
    """FRePo's: a ConvNet without normalisation, squared error on learned labels.

    Args:
        channels: Channels of the images.
        rows: Images of the set.
    """
    flip = ("flip",) if channels == 3 else ()
    return Recipe(augmentation=(*Recipe.augmentation, *flip))


def rcig(channels: int, rows: int) -> Recipe:
    """RCIG's without augmentation, by which its sets score as published.

    The cosine schedule ends after 1,000 steps for 10 images and 2,000 for more, and training goes
    on at the last rate to 2,500 and 5,000. Source: its eval.py.
    """
    small = rows <= 10
    return Recipe(
        learning_rate=1e-4,
        steps=2500 if small else 5000,
        decay_steps=1000 if small else 2000,
        batch_size=256,
        augmentation=(),
        flip=channels == 3 and rows <= _MOST_JOINED,
    )


def dc(channels: int, rows: int) -> Recipe:
    """That of DC, DSA, DM and MTT: classes, SGD, DSA; digits are not mirrored."""
    operations = dc_recipe().augmentation
    kept = tuple(name for name in operations if channels == 3 or name != "flip")
    return dc_recipe(augmentation=kept)


def datm(channels: int, rows: int) -> Recipe:
    """DATM's: as DC's, with labels that are logits."""
    return Recipe(**{**dc(channels, rows).to_dict(), "loss": "logit_cross_entropy"})


def soft(channels: int, rows: int) -> Recipe:
    """As DC's, with labels that are probabilities."""
    return Recipe(**{**dc(channels, rows).to_dict(), "loss": "soft_cross_entropy"})
