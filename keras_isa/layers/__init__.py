"""Keras layers, each of which can be used alone in any model."""

from keras_isa.layers.convolution import PatchConv1D as PatchConv1D
from keras_isa.layers.convolution import PatchConv2D as PatchConv2D
from keras_isa.layers.crucial_samples import CrucialSamples as CrucialSamples
from keras_isa.layers.evaluation_augmentation import (
    EvaluationAugmentation as EvaluationAugmentation,
)
from keras_isa.layers.infinite_semantic_augmentation import (
    InfiniteSemanticAugmentation as InfiniteSemanticAugmentation,
)
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression as KernelRidgeRegression
from keras_isa.layers.preprocessing import preprocessing_layer as preprocessing_layer
from keras_isa.layers.siamese_augmentation import SiameseAugmentation as SiameseAugmentation
from keras_isa.layers.standardization import Standardization as Standardization
from keras_isa.layers.zca_whitening import ZCAWhitening as ZCAWhitening
from keras_isa.moved import former_place as _former_place

__getattr__ = _former_place(__name__, {"DistilledData": "keras_isa"})
