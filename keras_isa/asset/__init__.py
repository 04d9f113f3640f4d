"""The distilled set: what it predicts, its file, the checks of a stranger's file, and pictures."""

from keras_isa.asset.foreign import import_set as import_set
