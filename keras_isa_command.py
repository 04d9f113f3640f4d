"""The start of the command `keras-isa`.

This module is outside of the package because importing the package imports Keras, which chooses its
backend at that moment. The command uses JAX unless the environment variable KERAS_BACKEND says
otherwise; Keras's own configuration file does not count. TensorFlow's messages must be silenced
before its import too.
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
    # An empty variable counts as not set. With it Keras would use its configuration file.
    os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "jax"
    verbose = "--verbose" in sys.argv[1:]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "3")
    if os.environ["KERAS_BACKEND"] == "torch":
        # By default PyTorch's threads keep their cores busy while they wait for each other. A step
        # takes ten times as long if other work runs on the same cores.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not verbose:
        sys.meta_path.insert(0, _QuietTensorFlow())
    # Imported modules stay in memory. To look for garbage among them, during the import and at the
    # end, would take a third of a short command's time.
    gc.disable()
    try:
        from keras_isa.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImportError, ValueError, AttributeError, OSError) as error:
        # Keras raises these for a backend that it cannot load or settings that it cannot read.
        text = " ".join(str(error).split())
        print(f"keras-isa: cannot start, {text} ({_settings_of_keras()})", file=sys.stderr)
        sys.exit(2)
    finally:
        gc.freeze()
        gc.enable()
    run()


def _settings_of_keras() -> str:
    """Says from which file and from which environment variables Keras takes its settings."""
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    names = sorted(name for name in os.environ if name.startswith("KERAS_"))
    values = ", ".join(f"{name}={os.environ[name]}" for name in names)
    return f"Keras has its settings from {os.path.join(home, 'keras.json')} and {values}"


class _QuietTensorFlow:
    """A finder that imports `tensorflow` without any output.

    TensorFlow's libraries print messages while they are loaded, whatever the environment variables
    say. TensorBoard's files and TensorFlow Datasets load it on every backend.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        spec = importlib.machinery.PathFinder.find_spec(name) if name == "tensorflow" else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_silently, spec.loader.exec_module)
        return spec


def _silently(load: Callable, module: ModuleType) -> None:
    """Loads a module and keeps its output to stderr back; shows it only if loading fails."""
    sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # stderr is closed, so that nothing can be written to it
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


if __name__ == "__main__":
    main()
