"""Distillation methods and what they train with."""

from keras_isa.trainers.distillation_trainer import DistillationTrainer as DistillationTrainer
from keras_isa.trainers.frepo_trainer import FRePoTrainer as FRePoTrainer
from keras_isa.trainers.model_pool import ModelPool as ModelPool
