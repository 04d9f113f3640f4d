"""The paper's studies of crucial samples and ISA, on any dataset."""

from keras_isa.studies.base import Study as Study
from keras_isa.studies.experiment import Experiment as Experiment
from keras_isa.studies.registry import study as study
from keras_isa.studies.registry import study_names as study_names
from keras_isa.studies.result import Claim as Claim
from keras_isa.studies.result import StudyResult as StudyResult
from keras_isa.studies.run import run_study as run_study
