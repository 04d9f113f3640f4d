"""Training networks on distilled sets, and baselines for comparison."""

from keras_isa.asset.recipe import Recipe as Recipe
from keras_isa.asset.recipe import dc_recipe as dc_recipe
from keras_isa.evaluation.evaluate import Evaluation as Evaluation
from keras_isa.evaluation.evaluate import Scores as Scores
from keras_isa.evaluation.evaluate import Storage as Storage
from keras_isa.evaluation.evaluate import evaluate as evaluate
from keras_isa.evaluation.regression import RegressionScores as RegressionScores
from keras_isa.evaluation.score_cache import keep_scores as keep_scores
from keras_isa.evaluation.students import Students as Students
