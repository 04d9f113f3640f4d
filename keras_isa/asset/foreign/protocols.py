"""How the authors of a published set train networks on it, as recipes."""

from __future__ import annotations

from keras_isa.asset.recipe import Recipe, dc_recipe

# Steps after which accuracy has stopped to rise, for sets of up to so many images
# (benchmarks/NOTES.md); RFAD stops by held-out images while it trains. More images were not tried.
_RFAD_STEPS = {10: 150, 100: 750}
_RFAD_STEPS_BEYOND = 2000

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


def rfad(channels: int, rows: int) -> Recipe:
    """RFAD's: wide networks that learn the difference from their first outputs.

    There is no augmentation. Its networks start from weights with twice the variance, which makes
    their four layers say four times as much, so that its label scales of 8 and 2 are 2 and 0.5
    here. Its rate is lower, and takes more steps on the same way. Source: training.py and the
    settings in utils.py.
    """
    scale = 0.5 if channels == 3 and rows > 10 else 2.0
    return Recipe(
        width=1024,
        constant_width=True,
        learning_rate=(3e-4 if rows <= 10 else 1e-3) * scale**2,
        steps=next((n for size, n in _RFAD_STEPS.items() if rows <= size), _RFAD_STEPS_BEYOND),
        batch_size=513,
        augmentation=(),
        optimizer="sgd",
        momentum=0.9,
        schedule="constant",
        centered=True,
        label_scale=scale,
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
