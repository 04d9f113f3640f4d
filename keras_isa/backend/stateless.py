"""Functions that assign variables of Keras, made pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def stateless(function: Callable, variables: list[keras.Variable]) -> Callable:
    """Makes a function that assigns Keras variables pure.

    Args:
        function: Function of arrays that reads and assigns `variables`.
        variables: All variables that it reads or whose new values are wanted.

    Returns:
        `pure(values, *args) -> (result, new_values)`; both lists are in the order of `variables`.
    """

    def pure(values: list, *args: Any) -> tuple[Any, list]:
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)) as scope:
            result = function(*args)
            # A variable that was never assigned keeps the value it came in with.
            updated = [scope.get_current_value(variable) for variable in variables]
        return result, updated

    return pure


def stateless_call(
    function: Callable, groups: tuple, state: tuple, *args: Any
) -> tuple[Any, tuple]:
    """Calls a function as `stateless` makes it pure, with variables that are in several lists.

    Args:
        function: As for `stateless`.
        groups: Lists of variables.
        state: Lists of their values, in the same order.
        *args: Arguments of the function.

    Returns:
        `(result, new_state)`; the state has the lists of the new values.
    """
    variables = [variable for group in groups for variable in group]
    values = [value for group in state for value in group]
    result, values = stateless(function, variables)(values, *args)
    sizes = [len(group) for group in groups]
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return result, tuple(values[a : a + n] for a, n in zip(starts, sizes, strict=True))
