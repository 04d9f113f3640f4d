"""Finding settings with keras-tuner, which is imported here and nowhere else."""

from keras_isa.tuning.hyper_model import DistillationHyperModel as DistillationHyperModel
from keras_isa.tuning.result import TuningResult as TuningResult
from keras_isa.tuning.search import tune as tune
from keras_isa.tuning.space import DEFAULT_SPACE as DEFAULT_SPACE
from keras_isa.tuning.space import SearchSpace as SearchSpace
from keras_isa.tuning.tuner import TUNERS as TUNERS
from keras_isa.tuning.tuner import DistillationTuner as DistillationTuner
