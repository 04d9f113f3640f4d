"""The former place of `keras_isa.asset.export`, for this version."""

from keras_isa.moved import former_place as _former_place

__getattr__ = _former_place(
    __name__,
    dict.fromkeys(("export_npz", "export_png", "save_grid"), "keras_isa.asset.export"),
)
