"""Feature extractors that return logits and features."""

from keras_isa.models.convnet import ConvNet as ConvNet
