"""Labelled images from any source, all as one type."""

from keras_isa.datasets.batches import from_batches as from_batches
from keras_isa.datasets.dataset import Dataset as Dataset
from keras_isa.datasets.dataset import train_test_from_arrays as train_test_from_arrays
from keras_isa.datasets.prepare import Prepared as Prepared
from keras_isa.datasets.prepare import prepare as prepare
from keras_isa.datasets.sources import load as load
from keras_isa.datasets.sources import load_recorded as load_recorded
from keras_isa.datasets.split import split_train_validation as split_train_validation
