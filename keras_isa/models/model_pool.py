"""The pool of networks of different ages that FRePo distils through."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import in_standard_settings
from keras_isa.models.ensemble import Ensemble, Member, put
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import image_shape_of, instance_of, whole_number
from keras_isa.optimizers import check_learning_rate


@keras.saving.register_keras_serializable(package="keras_isa")
class ModelPool(Ensemble):
    """An ensemble of networks of different ages, each with its own optimizer state.

    A member older than `max_online_steps` is replaced by a freshly initialised one inside the
    compiled step. The first ages are staggered, so that resets are spread out, unless `stagger`
    says that they are not. Source: FRePo (Zhou
    et al. 2022), section on the model pool, and the code released with it.

    Args:
        feature_extractor: Function without arguments that builds a Keras model with the outputs
            `[logits, features]`.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes.
        size: Number of members m.
        max_online_steps: Age K above which a member is replaced.
        stagger: Whether the first ages are staggered; otherwise all are 0.
        seed: Seed of all draws.

    Raises:
        TypeError: If `feature_extractor` is not a function that builds a model.
        ValueError: If a number is out of range, or the model does not fit.

    Example:

    >>> from keras_isa.models import ConvNet, ModelPool
    >>> pool = ModelPool(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10, size=4)
    >>> keras.ops.convert_to_numpy(pool.ages).tolist()
    [0, 25, 50, 75]
    """

    @in_standard_settings
    def __init__(
        self,
        feature_extractor: Callable[[], keras.Model],
        image_shape: tuple[int, ...],
        num_classes: int,
        *,
        size: int = 10,
        max_online_steps: int = 100,
        stagger: bool = True,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        max_online_steps = whole_number("max_online_steps", max_online_steps)
        image_shape = image_shape_of("image_shape", image_shape)
        num_classes = whole_number("num_classes", num_classes)
        network = RecordedNetwork(feature_extractor, image_shape, num_classes)
        super().__init__(network, size=size, seed=seed, **kwargs)
        self.max_online_steps = max_online_steps
        ages = (max_online_steps // self.size) * np.arange(self.size, dtype="int32")
        self.ages = self._variable(ages if stagger else np.zeros_like(ages), "ages")

    @in_standard_settings
    def set_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Gives every member fresh state of `optimizer`, which trains the members on the set.

        Args:
            optimizer: A Keras optimizer that is not used elsewhere.

        Raises:
            TypeError: If it is no Keras optimizer.
            ValueError: If its learning rate was rounded to a short format.
        """
        instance_of("inner_optimizer", optimizer, keras.optimizers.Optimizer)
        check_learning_rate("inner_optimizer", optimizer)
        super().set_optimizer(optimizer)

    def advance(self, index: Any, member: Member, images: Any, labels: Any) -> Any:
        """One optimizer step of a member on the set, or its replacement when it is too old.

        Args:
            index: Position of the member.
            member: What `read(index)` gave.
            images: Synthetic images `(n, ...)`.
            labels: Synthetic labels `(n, C)`.

        Returns:
            The training loss before the step: mean over images of half the squared error, summed
                over classes.
        """
        (loss, state), gradients = backend.current().value_and_grad(self._loss)(
            member.weights, member.state, images, labels
        )
        trained = self.step(member, gradients, state)
        age = ops.take(self.ages, index, axis=0)
        key = self.seed_generator.next()
        # The convolutions stay outside of the branch: inside one, XLA's CPU backend runs them on
        # one thread. Only the random draws are conditional.
        member, age = ops.cond(
            ops.greater(age, self.max_online_steps),
            lambda: (self.fresh(key), ops.zeros((), "int32")),
            lambda: (trained, age + 1),
        )
        self.write(index, Member(*member))
        put(self.ages, index, age)
        return loss

    def advance_by(self, index: Any, member: Member, images: Any, labels: Any, steps: Any) -> None:
        """Several optimizer steps of a member on the set, or its replacement when it is too old.

        A member is replaced that has as many steps as `max_online_steps`. Source: the code released
        with RCIG (Loo et al. 2023).

        Args:
            index: Position of the member.
            member: What `read(index)` gave.
            images: Synthetic images `(n, ...)`.
            labels: Synthetic labels `(n, C)`.
            steps: Number of steps, an integer that may be traced.
        """
        described, scratch = self.network, self._optimizer
        variables = [*described.weights, *described.state, *scratch.slots]
        values = [*member.weights, *member.state, *member.slots]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

        def step() -> None:
            weights, state = (
                [ops.convert_to_tensor(one) for one in some]
                for some in (described.weights, described.state)
            )
            (_, state), gradients = backend.current().value_and_grad(self._loss)(
                weights, state, images, labels
            )
            scratch.optimizer.apply(gradients, described.weights)
            for variable, value in zip(described.state, state, strict=True):
                variable.assign(value)

        # The learning rate, which all members share, is read in each step.
        backend.current().repeat(step, [*variables, *self.shared], steps)
        values = [ops.convert_to_tensor(one) for one in variables]
        ends = len(member.weights), len(member.weights) + len(member.state)
        trained = values[: ends[0]], values[ends[0] : ends[1]], values[ends[1] :]
        age = ops.take(self.ages, index, axis=0) + ops.cast(steps, "int32")
        key = self.seed_generator.next()
        member, age = ops.cond(
            ops.greater_equal(age, self.max_online_steps),
            lambda: (self.fresh(key), ops.zeros((), "int32")),
            lambda: (Member(*trained), age),
        )
        self.write(index, Member(*member))
        put(self.ages, index, age)

    def _loss(self, weights: list, state: list, images: Any, labels: Any) -> tuple:
        logits, _, state = self.network.apply(weights, state, images, training=True)
        squares = ops.sum(ops.square(logits - labels), axis=-1)
        return 0.5 * ops.mean(squares), state
