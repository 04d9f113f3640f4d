"""Labelled images from scikit-learn's digits, arrays and `.npz` files, all as one type."""

from keras_isa.datasets.dataset import Dataset as Dataset
from keras_isa.datasets.dataset import train_test_from_arrays as train_test_from_arrays
from keras_isa.datasets.sources import load as load
from keras_isa.datasets.split import split_train_validation as split_train_validation
