"""`keras-isa distill --start`."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any

from keras_isa.asset.compatibility import check_class_order, check_shape, check_task
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.hub import is_address
from keras_isa.asset.loading import load
from keras_isa.asset.started_from import set_apart
from keras_isa.cli import support
from keras_isa.inputs.class_names import first_ten

OPTION = "--start"


def loaded_start(path: str | Path, output: Path, typed: dict[str, Any]) -> DistilledData:
    """Returns the set that a run starts from.

    Args:
        path: Its file.
        output: The file of the set that the run makes.
        typed: What was typed for options that say what the set says, by option.

    Raises:
        ValueError: If one of these was typed, the file holds no set, or the run would replace it.
    """
    for option, given in typed.items():
        if given:
            raise ValueError(
                f"{option} has no meaning with {OPTION}: the set that the run starts from says it"
            )
    with support.naming(OPTION):
        start = load(path)
        about = {"file": str(path)}
        if not is_address(path):
            about = {
                "file": Path(path).name,
                "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
            }
    set_apart(start.provenance, **about)
    if os.path.exists(path) and output.exists() and os.path.samefile(path, output):
        raise ValueError(
            f"--output must be another file than that of {OPTION}, so that both sets can be "
            f"compared. Received: {output}"
        )
    return start


def check_start(start: DistilledData, data: Any) -> None:
    """Refuses data that do not have the shape, the task and the classes of a set.

    Args:
        start: The set.
        data: The training part; where it is not loaded, what is known of it.

    Raises:
        ValueError: If they have not.
    """
    with support.naming(OPTION):
        check_task(start, getattr(data, "task", None), "DATASET")
        check_shape(data.image_shape, start.image_shape, "DATASET")
        if data.num_classes != start.num_classes:
            raise ValueError(
                f"the set has {start.num_classes} classes. Received: a DATASET with "
                f"{data.num_classes}"
            )
        names = getattr(data, "class_names", None)
        same = set(names or ()) == set(start.class_names)
        order = "give --classes with the names of the set" if same else "these are other classes"
        check_class_order(start, names, "DATASET", order=order)
    if names and not same and not start.is_regression:
        warnings.warn(
            f"the classes of the set that the run starts from have no names; they are taken as "
            f"{first_ten(names)}, in this order",
            stacklevel=2,
        )
