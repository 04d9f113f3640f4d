"""Start of the command `keras-isa`.

It stands outside of the package because importing the package imports Keras, and Keras chooses its
backend at that moment: JAX unless the environment says otherwise, whatever Keras's own
configuration file says.
"""

import os


def main() -> None:
    """Runs the command line."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_isa.cli import main as run

    run()
