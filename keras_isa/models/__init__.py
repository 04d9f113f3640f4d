"""Feature extractors that return logits and features."""

from keras_isa.models.architectures import VGG11 as VGG11
from keras_isa.models.architectures import AlexNet as AlexNet
from keras_isa.models.architectures import ImageMLP as ImageMLP
from keras_isa.models.architectures import ResNet18 as ResNet18
from keras_isa.models.convnet import MLP as MLP
from keras_isa.models.convnet import ConvNet as ConvNet
from keras_isa.models.convnet import ConvNet1D as ConvNet1D
from keras_isa.models.default import default_flops as default_flops
from keras_isa.models.default import default_network as default_network
from keras_isa.models.ensemble import Ensemble as Ensemble
from keras_isa.models.feature_extractor import with_features as with_features
from keras_isa.models.model_pool import ModelPool as ModelPool
