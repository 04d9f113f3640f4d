"""Global settings of Keras and its backend that hold while this library computes."""

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator

import keras

from keras_isa import backend

# Keras's dtype policies in which networks may compute. Under mixed_bfloat16 the layers compute in
# bfloat16, which has the range of float32, and the weights stay in float32.
DTYPE_POLICIES = ("float32", "mixed_bfloat16")
# Float formats of 16 bits, which round learning rates and the factors of optimizers.
SHORT_FLOATS = ("bfloat16", "float16")

_policies_warned_of: set[str] = set()


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """Returns a context in which results do not depend on the user's global settings.

    It sets Keras's float type to float32 and its image format to channels last. It sets the dtype
    policy to float32 unless the policy is one of `DTYPE_POLICIES`. Each backend adds settings of
    its own. At the end of the context the user's settings come back. Networks that are built in the
    context, such as those of a `feature_extractor`, follow these settings too. Layers with a dtype
    of their own keep it.

    Raises:
        ValueError: If nothing can be computed under a setting.
    """
    with contextlib.ExitStack() as changed, backend.standard_settings():
        policy = keras.config.dtype_policy()
        if policy.name not in DTYPE_POLICIES:
            if policy.name not in _policies_warned_of:
                _policies_warned_of.add(policy.name)
                warnings.warn(
                    f"the global dtype policy {policy.name!r} is not used: networks compute in "
                    "float32, or in bfloat16 after a call of "
                    "keras.config.set_dtype_policy('mixed_bfloat16')",
                    UserWarning,
                    stacklevel=1,
                )
            _change(changed, "dtype_policy", "float32")
        _change(changed, "floatx", "float32")
        _change(changed, "image_data_format", "channels_last")
        yield


def _change(changed: contextlib.ExitStack, name: str, value: str | None) -> None:
    """Changes a setting of Keras until the stack is closed."""
    given, change = getattr(keras.config, name)(), getattr(keras.config, f"set_{name}")
    if given != value:
        changed.callback(change, given)
        change(value)


def in_standard_settings(function: Callable) -> Callable:
    """Returns `function` wrapped so that it runs in `standard_settings`."""

    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        with standard_settings():
            return function(*args, **kwargs)

    # Keras reads the names of a layer's arguments from the signature of the wrapper.
    run.__signature__ = inspect.signature(function)
    return run


def apply_keras_limit(argument: str, value: int | None) -> int | None:
    """Returns the number of epochs or steps after Keras's limit for debugging is applied.

    Args:
        argument: `"epochs"` or `"steps_per_epoch"`.
        value: Its value, or `None` for as many as there are.

    Returns:
        The value or the limit, whichever is less. A warning says if the limit shortens the run.
    """
    limit = getattr(keras.config, f"max_{argument}")()
    if not limit or (value is not None and value <= limit):
        return value
    warnings.warn(
        f"the run is cut short: it takes {argument}={limit} in place of {value or 'all'}, because "
        f"the environment variable KERAS_MAX_{argument.upper()} or keras.config.set_max_{argument} "
        f"sets this limit; keras.config.set_max_{argument}(None) removes it",
        UserWarning,
        stacklevel=1,
    )
    return limit


@contextlib.contextmanager
def without_keras_limits() -> Iterator[None]:
    """Returns a context without Keras's limits, which would also shorten validations."""
    with contextlib.ExitStack() as changed:
        _change(changed, "max_epochs", None)
        _change(changed, "max_steps_per_epoch", None)
        yield
