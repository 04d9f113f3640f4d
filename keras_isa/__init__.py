"""Dataset distillation with Keras 3: a few synthetic images that train like the whole data set."""

import importlib as _importlib
from typing import Any as _Any

from keras_isa import backend as backend
from keras_isa import callbacks as callbacks
from keras_isa import datasets as datasets
from keras_isa import evaluation as evaluation
from keras_isa import layers as layers
from keras_isa import methods as methods
from keras_isa import models as models
from keras_isa import ops as ops
from keras_isa import optimizers as optimizers
from keras_isa import presets as presets
from keras_isa import studies as studies
from keras_isa import training as training
from keras_isa.asset.distilled_data import DistilledData as DistilledData
from keras_isa.asset.loading import load as load
from keras_isa.evaluation.evaluate import evaluate as evaluate
from keras_isa.methods.base import DistillationTrainer as DistillationTrainer
from keras_isa.methods.distribution_matching import (
    DistributionMatchingTrainer as DistributionMatchingTrainer,
)
from keras_isa.methods.frepo import FRePoTrainer as FRePoTrainer
from keras_isa.methods.gradient_matching import (
    GradientMatchingTrainer as GradientMatchingTrainer,
)
from keras_isa.methods.kip import KIPTrainer as KIPTrainer
from keras_isa.methods.rcig import RCIGTrainer as RCIGTrainer
from keras_isa.methods.rfad import RFADTrainer as RFADTrainer
from keras_isa.methods.trajectory_matching import (
    TrajectoryMatchingTrainer as TrajectoryMatchingTrainer,
)
from keras_isa.versions import package_version as _package_version

__version__ = _package_version()


def __getattr__(name: str) -> _Any:
    if name in (
        "trainers",
        "tuning",
    ):  # the former place of methods; what keras-tuner is needed for
        return _importlib.import_module(f"keras_isa.{name}")
    raise AttributeError(f"module 'keras_isa' has no attribute {name!r}")
