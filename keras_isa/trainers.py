"""The former place of `keras_isa.methods` and of `ModelPool`, for this version."""

import importlib as _importlib
import warnings as _warnings
from typing import Any as _Any

_MOVED = {
    "DistillationTrainer": "keras_isa.methods",
    "FRePoTrainer": "keras_isa.methods",
    "ModelPool": "keras_isa.models",
}


def __getattr__(name: str) -> _Any:
    if name not in _MOVED:
        raise AttributeError(f"module 'keras_isa.trainers' has no attribute {name!r}")
    _warnings.warn(
        f"keras_isa.trainers.{name} is now {_MOVED[name]}.{name}", DeprecationWarning, stacklevel=2
    )
    return getattr(_importlib.import_module(_MOVED[name]), name)
