"""What Keras and its backend are set to while this library computes, whatever the user has set."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator

import keras

from keras_isa import backend

# What networks compute in, as Keras names it: all in float32, or layers and their results in
# bfloat16, which has the range of float32, with weights in float32.
DTYPE_POLICIES = ("float32", "mixed_bfloat16")
# Float formats of 16 bits.
SHORT_DTYPES = ("bfloat16", "float16")

_told: set[str] = set()


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context in which numbers do not depend on global settings.

    Of Keras it sets the float type to float32, the image format to channels last and the dtype
    policy, unless that is one of `DTYPE_POLICIES`, to float32; what a backend adds stands in its
    own module. What the user has set comes back at the end. It concerns networks that are built
    here too, as those of a `feature_extractor`; layers with a dtype of their own keep it.

    Raises:
        ValueError: If a setting lets nothing be computed.
    """
    config = keras.config
    with contextlib.ExitStack() as changed, backend.standard_settings():
        policy = config.dtype_policy()
        if policy.name not in DTYPE_POLICIES:
            _tell(policy.name)
            changed.callback(config.set_dtype_policy, policy)
            config.set_dtype_policy("float32")
        if config.floatx() != "float32":
            changed.callback(config.set_floatx, config.floatx())
            config.set_floatx("float32")
        if config.image_data_format() != "channels_last":
            changed.callback(config.set_image_data_format, config.image_data_format())
            config.set_image_data_format("channels_last")
        yield


def in_standard_settings(function: Callable) -> Callable:
    """Decorator of functions that run in `standard_settings`."""

    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        with standard_settings():
            return function(*args, **kwargs)

    # Keras looks for the names of a layer's arguments on the outside.
    run.__signature__ = inspect.signature(function)
    return run


def limited(argument: str, value: int | None) -> int | None:
    """What a run takes of its `epochs` or `steps_per_epoch` under Keras's limit for debugging.

    Args:
        argument: Name of the argument.
        value: Its value, `None` for as many as there are.

    Returns:
        The value or the limit, whichever is less; a warning says that a run is cut short.
    """
    limit = getattr(keras.config, f"max_{argument}")()
    if not limit or (value is not None and value <= limit):
        return value
    warnings.warn(
        f"the run is cut short, {argument}={limit} in place of {value or 'all'}, by the "
        f"environment variable KERAS_MAX_{argument.upper()} or keras.config.set_max_{argument}; "
        f"keras.config.set_max_{argument}(None) undoes it",
        UserWarning,
        stacklevel=1,
    )
    return limit


@contextlib.contextmanager
def without_limits() -> Iterator[None]:
    """A context without Keras's limits, which would cut validations short too."""
    config = keras.config
    epochs, steps = config.max_epochs(), config.max_steps_per_epoch()
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    try:
        yield
    finally:
        config.set_max_epochs(epochs)
        config.set_max_steps_per_epoch(steps)


def _tell(policy: str) -> None:
    """Warns once that a policy is not used."""
    if policy in _told:
        return
    _told.add(policy)
    warnings.warn(
        f"the global dtype policy {policy!r} is not used: networks compute in float32, or in "
        "bfloat16 after keras.config.set_dtype_policy('mixed_bfloat16')",
        UserWarning,
        stacklevel=1,
    )
