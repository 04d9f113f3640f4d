"""Start of the command `keras-isa`.

It stands outside of the package because importing the package imports Keras, and Keras chooses its
backend at that moment: JAX unless the environment says otherwise, whatever Keras's own
configuration file says. For the same reason it is here that TensorFlow is told to be quiet.
"""

import functools
import gc
import importlib.machinery
import os
import sys
import tempfile
from collections.abc import Callable
from types import ModuleType


def main() -> None:
    """Runs the command line."""
    # Set but empty counts as unset; to Keras it would mean the configuration file.
    os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "jax"
    verbose = "--verbose" in sys.argv[1:]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "3")
    if os.environ["KERAS_BACKEND"] == "torch":
        # PyTorch's threads would wait for each other with a core each: beside any other work on the
        # same cores a step takes ten times as long.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not verbose:
        sys.meta_path.insert(0, _QuietTensorFlow())
    # What is imported stays: looking through it for garbage, while importing and once more at the
    # end, takes a third of a short command's time.
    gc.disable()
    try:
        from keras_isa.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImportError, ValueError, AttributeError, OSError) as error:
        # What Keras raises for a backend that it cannot load, and for settings that it cannot read.
        text = " ".join(str(error).split())
        print(f"keras-isa: cannot start, {text} ({_settings_of_keras()})", file=sys.stderr)
        sys.exit(2)
    finally:
        gc.freeze()
        gc.enable()
    run()


def _settings_of_keras() -> str:
    """Where Keras takes its settings from: a file, and the environment, with values."""
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    names = sorted(name for name in os.environ if name.startswith("KERAS_"))
    values = ", ".join(f"{name}={os.environ[name]}" for name in names)
    return f"Keras has its settings from {os.path.join(home, 'keras.json')} and {values}"


class _QuietTensorFlow:
    """Finds `tensorflow` so that its import says nothing.

    Its libraries announce themselves on the terminal while they are loaded, whatever the variables
    of the environment say; on every backend TensorBoard's files and TensorFlow Datasets need it.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        spec = importlib.machinery.PathFinder.find_spec(name) if name == "tensorflow" else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_silently, spec.loader.exec_module)
        return spec


def _silently(load: Callable, module: ModuleType) -> None:
    """Loads a module while whatever is written to stderr goes to a file; shown if loading fails."""
    sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # closed: nothing can be written there anyway
        return load(module)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            load(module)
        except BaseException:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
