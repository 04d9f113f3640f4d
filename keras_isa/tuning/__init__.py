"""The search for settings with keras-tuner, which only this package imports."""

import warnings as _warnings
from typing import Any as _Any

from keras_isa.presets.config import TUNERS as TUNERS
from keras_isa.tuning.hyper_model import DistillationHyperModel as DistillationHyperModel
from keras_isa.tuning.result import TuningResult as TuningResult
from keras_isa.tuning.search import tune as tune
from keras_isa.tuning.space import SearchSpace as SearchSpace
from keras_isa.tuning.tuner import DistillationTuner as DistillationTuner


def __getattr__(name: str) -> _Any:
    if name != "DEFAULT_SPACE":
        raise AttributeError(f"module 'keras_isa.tuning' has no attribute {name!r}")
    from keras_isa.presets.settings import Settings

    _warnings.warn(
        "keras_isa.tuning.DEFAULT_SPACE is now keras_isa.presets.Settings.searched",
        DeprecationWarning,
        stacklevel=2,
    )
    return Settings.searched
