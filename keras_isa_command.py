"""Start of the command `keras-isa`.

It stands outside of the package because importing the package imports Keras, and Keras chooses its
backend at that moment: JAX unless the environment says otherwise, whatever Keras's own
configuration file says.
"""

import os
import sys


def main() -> None:
    """Runs the command line."""
    # Set but empty counts as unset; to Keras it would mean the configuration file.
    os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from keras_isa.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImportError, ValueError) as error:  # Keras raises either for a backend it cannot load
        print(f"keras-isa: cannot start, {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    run()
