"""The command `keras-isa`."""

# The import of its module adds a command to the group.
from keras_isa.cli import distill as distill
from keras_isa.cli import evaluate as evaluate
from keras_isa.cli import experts as experts
from keras_isa.cli import files as files
from keras_isa.cli import importing as importing
from keras_isa.cli import methods as methods
from keras_isa.cli import publish as publish
from keras_isa.cli import report as report
from keras_isa.cli import study as study
from keras_isa.cli import tune as tune
from keras_isa.cli.command import main as main
