"""Callbacks for `fit`."""

from keras_isa.callbacks.csv_log import CSVLog as CSVLog
from keras_isa.callbacks.distilled_images import DistilledImages as DistilledImages
from keras_isa.callbacks.nan_guard import NaNGuard as NaNGuard
from keras_isa.callbacks.tensorboard_log import TensorBoardLog as TensorBoardLog
