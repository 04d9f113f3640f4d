"""Distillation methods, one file each."""

import importlib as _importlib
import pkgutil as _pkgutil

from keras_isa.asset.ridge_predictor import RidgePredictor as RidgePredictor
from keras_isa.methods.base import Batch as Batch
from keras_isa.methods.base import DistillationTrainer as DistillationTrainer
from keras_isa.methods.distribution_matching import (
    DistributionMatchingTrainer as DistributionMatchingTrainer,
)
from keras_isa.methods.distribution_matching import DMConfig as DMConfig
from keras_isa.methods.frepo import FRePoTrainer as FRePoTrainer
from keras_isa.methods.gradient_config import DSAConfig as DSAConfig
from keras_isa.methods.gradient_matching import (
    GradientMatchingTrainer as GradientMatchingTrainer,
)
from keras_isa.methods.kip import KIPConfig as KIPConfig
from keras_isa.methods.kip import KIPTrainer as KIPTrainer
from keras_isa.methods.networks import extractor_of as extractor_of
from keras_isa.methods.rcig import RCIGTrainer as RCIGTrainer
from keras_isa.methods.rcig_config import RCIGConfig as RCIGConfig
from keras_isa.methods.registry import method as method
from keras_isa.methods.registry import method_names as method_names
from keras_isa.methods.registry import register as register
from keras_isa.methods.rfad import RFADTrainer as RFADTrainer
from keras_isa.methods.rfad_config import RFADConfig as RFADConfig
from keras_isa.methods.screening import Screening as Screening
from keras_isa.methods.screening import within_budget as within_budget
from keras_isa.methods.trajectory_config import MTTConfig as MTTConfig
from keras_isa.methods.trajectory_matching import (
    TrajectoryMatchingTrainer as TrajectoryMatchingTrainer,
)
from keras_isa.planning.cost import Cost as Cost

# A method registers itself: every file of this folder is imported.
for _file in _pkgutil.iter_modules(__path__):
    _importlib.import_module(f"{__name__}.{_file.name}")
