"""What a run starts from, and the record of a set that is trained further."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from keras_isa.asset.cutting import CUT_FROM
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import to_numpy

STARTED_FROM = "started_from"
# With one of them a record says how the set was made.
_MAKING = ("method", "imported", CUT_FROM)
_RESULTS = ("evaluation", "hardest_samples")
_LONG = ("curves", "hardest_samples")


def begin_record(provenance: dict[str, Any], first: bool = True) -> None:
    """Changes the record of a set that is about to be trained, so that nothing in it is outdated.

    A set that was made before, by this library or by others, keeps the record of that, without its
    curves, as `"started_from"`. What was measured of the set before this training is left out.

    Args:
        provenance: The `provenance` of a `keras_isa.DistilledData`, which is changed.
        first: Whether its trainer has not trained it before.

    Example:

    >>> from keras_isa.asset.started_from import begin_record
    >>> record = {"method": "frepo", "steps": 600, "evaluation": {}}
    >>> begin_record(record)
    >>> record
    {'started_from': {'method': 'frepo', 'steps': 600, 'evaluation': {}}}
    """
    if first and any(name in provenance for name in _MAKING):
        set_apart(provenance)
    for name in _RESULTS:
        provenance.pop(name, None)


def set_apart(provenance: dict[str, Any], **about: Any) -> None:
    """Makes a record, whatever it says, that of the set which a run starts from.

    Args:
        provenance: The `provenance` of a `keras_isa.DistilledData`, which is changed.
        **about: What else is known of that set.

    Example:

    >>> from keras_isa.asset.started_from import set_apart
    >>> record = {}
    >>> set_apart(record, file="set.keras")
    >>> record
    {'started_from': {'file': 'set.keras'}}
    """
    before = {name: value for name, value in provenance.items() if name not in _LONG}
    provenance.clear()
    provenance[STARTED_FROM] = {**before, **about}


def origin(before: dict[str, Any]) -> dict[str, Any]:
    """What a reader wants to know of the set that a run started from, a value for each row.

    Args:
        before: The `"started_from"` of a record.

    Example:

    >>> from keras_isa.asset.started_from import origin
    >>> origin({"method": "not known", "imported": {"format": "npz"}, "settings": {}})
    {'method': 'not known', 'imported format': 'npz'}
    """
    names = ("file", "sha256", "dataset", "method", "seed", "steps", CUT_FROM)
    about = {name: before[name] for name in names if name in before}
    if isinstance(before.get("imported"), dict):
        about |= {f"imported {name}": value for name, value in before["imported"].items()}
    if STARTED_FROM in before:
        about["started"] = "from another set, too"
    return about


def start_of(distilled: DistilledData) -> str:
    """What a run starts from: a fingerprint of the set, or real images where it is empty.

    Args:
        distilled: The set before the run.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.started_from import start_of
    >>> start_of(keras_isa.DistilledData((8, 8, 1), 2, 1))
    'real images'
    """
    if distilled.empty:
        return "real images"
    layer = distilled.preprocessing
    values = [*map(to_numpy, distilled.stored.values()), *(layer.get_weights() if layer else [])]
    digest = hashlib.sha256(type(layer).__name__.encode())
    for value in values:
        digest.update(np.ascontiguousarray(value).tobytes())
    return f"a set of fingerprint {digest.hexdigest()[:16]}"
