"""The former place of `keras_isa.methods` and of `ModelPool`, for this version."""

from keras_isa.moved import former_place as _former_place

__getattr__ = _former_place(
    __name__,
    {
        "DistillationTrainer": "keras_isa.methods",
        "FRePoTrainer": "keras_isa.methods",
        "ModelPool": "keras_isa.models",
    },
)
