"""The studies by name."""

from __future__ import annotations

from keras_isa.ops.arguments import one_of
from keras_isa.studies.augmentation import AugmentationStudy
from keras_isa.studies.base import Study
from keras_isa.studies.convergence import ConvergenceStudy
from keras_isa.studies.cruciality import CrucialityStudy
from keras_isa.studies.diversity import DiversityStudy
from keras_isa.studies.gallery import GalleryStudy
from keras_isa.studies.information import InformationStudy
from keras_isa.studies.manifold import ManifoldStudy
from keras_isa.studies.module import ModuleStudy
from keras_isa.studies.sensitivity import SensitivityStudy

_STUDIES = {
    one.name: one
    for one in (
        ModuleStudy,
        CrucialityStudy,
        InformationStudy,
        DiversityStudy,
        ManifoldStudy,
        AugmentationStudy,
        ConvergenceStudy,
        SensitivityStudy,
        GalleryStudy,
    )
}


def study_names() -> tuple[str, ...]:
    """Returns the names of all studies.

    Example:

    >>> import keras_isa
    >>> keras_isa.studies.study_names()[:2]
    ('module', 'cruciality')
    """
    return tuple(_STUDIES)


def study(name: str) -> type[Study]:
    """Returns the class of a study.

    Args:
        name: One of `study_names()`.

    Raises:
        ValueError: If there is none of that name.

    Example:

    >>> import keras_isa
    >>> keras_isa.studies.study("cruciality").source
    'Figure 5'
    """
    return _STUDIES[one_of("name", name, study_names())]
