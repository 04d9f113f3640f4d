"""How the images of a distilled set follow from what it stores."""

from keras_isa.parametrizations.base import Identity as Identity
from keras_isa.parametrizations.base import Parametrization as Parametrization
from keras_isa.parametrizations.bases import Bases as Bases
from keras_isa.parametrizations.multi_formation import MultiFormation as MultiFormation
from keras_isa.parametrizations.quantized import Quantized as Quantized
from keras_isa.parametrizations.words import parametrization_of as parametrization_of
