"""Callbacks for `fit`."""

from keras_isa.callbacks.nan_guard import NaNGuard as NaNGuard
