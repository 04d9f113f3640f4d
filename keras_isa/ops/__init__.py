"""Pure functions of arrays: they hold no state and work inside a compiled step."""

from keras_isa.ops.affine import adjust_color as adjust_color
from keras_isa.ops.affine import affine_parameters as affine_parameters
from keras_isa.ops.affine import apply_affine as apply_affine
from keras_isa.ops.affine import cut_out as cut_out
from keras_isa.ops.counts import class_counts as class_counts
from keras_isa.ops.crucial_samples import crucial_indices as crucial_indices
from keras_isa.ops.crucial_samples import residual_losses as residual_losses
from keras_isa.ops.distribution_matching import class_means as class_means
from keras_isa.ops.distribution_matching import class_ranks as class_ranks
from keras_isa.ops.distribution_matching import crucial_in_class as crucial_in_class
from keras_isa.ops.gradient_distance import gradient_distance as gradient_distance
from keras_isa.ops.infinite_width import infinite_width_kernel as infinite_width_kernel
from keras_isa.ops.kernel_regression import fit_kernel_regression as fit_kernel_regression
from keras_isa.ops.kernel_regression import (
    fit_kernel_regression_from_kernel as fit_kernel_regression_from_kernel,
)
from keras_isa.ops.kernel_regression import kernel_regression as kernel_regression
from keras_isa.ops.kernel_regression import (
    kernel_regression_from_kernels as kernel_regression_from_kernels,
)
from keras_isa.ops.labels import encode_labels as encode_labels
from keras_isa.ops.labels import label_margin as label_margin
from keras_isa.ops.manifold_recall import manifold_recall as manifold_recall
from keras_isa.ops.random import KeySequence as KeySequence
from keras_isa.ops.robustness_scores import (
    augmentation_robust_score as augmentation_robust_score,
)
from keras_isa.ops.robustness_scores import label_robust_score as label_robust_score
from keras_isa.ops.semantic_augmentation import isa_loss as isa_loss
from keras_isa.ops.semantic_augmentation import isa_loss_all_pairs as isa_loss_all_pairs
from keras_isa.ops.semantic_augmentation import nearest_partners as nearest_partners
from keras_isa.ops.semantic_augmentation import same_class_partners as same_class_partners
from keras_isa.ops.semantic_cross_entropy import cross_entropy as cross_entropy
from keras_isa.ops.semantic_cross_entropy import isa_cross_entropy as isa_cross_entropy
