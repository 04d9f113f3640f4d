"""Distilled sets that others have published, as sets of this library."""

from keras_isa.asset.foreign.importing import import_set as import_set
