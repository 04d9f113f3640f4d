"""`fit`, once for all methods: data on the device, the compiled step, the best set."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.started_from import begin_record, start_of
from keras_isa.global_settings import apply_keras_limit, in_standard_settings
from keras_isa.inputs.fit_options import checked_callbacks, resolved_verbosity
from keras_isa.interruption import stop_at_interrupt
from keras_isa.learning_curves import LearningCurves
from keras_isa.memory import out_of_memory_advice, return_freed_memory
from keras_isa.moving_average import AverageInPlace
from keras_isa.ops.arguments import instance_of, seed_number, whole_number
from keras_isa.ops.splits import check_share
from keras_isa.optimizers import make_adjustable, rate_variables
from keras_isa.presets.config import check_steps_per_execution
from keras_isa.training.compiled_calls import CompiledCalls
from keras_isa.training.device_data import (
    MOST_VALIDATION_IMAGES,
    BatchSampler,
    CountedBatches,
    MemberSweep,
    StepData,
)
from keras_isa.training.inputs import AdaptedData, check_positive, checked_data, unpack
from keras_isa.training.keep_best import KeepBest
from keras_isa.training.progress import StepBarLogger
from keras_isa.training.reading import steps_of_a_pass
from keras_isa.training.run_state import Position, RunFolder, fingerprint, identity_of
from keras_isa.training.streams import EndWithStream
from keras_isa.versions import versions


class TrainingLoop(StepData, CompiledCalls, keras.Model):
    """Trains a distilled set step by step.

    A subclass brings `distillation_step`, `validation_step`, `predictor` and `description`; this
    class compiles the steps, keeps the training arrays on the device, draws the batches there and
    runs many steps per call.

    Args:
        distilled: The set to train.
        seed: Seed of everything that is drawn during training.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError: If `distilled` is not a `DistilledData`.
        RuntimeError: If the active Keras backend is not supported.
    """

    # The dtype in which networks multiply; the step is compiled for it, see `product_dtype`.
    network_dtype = "float32"
    # Number of networks that predict held-out images, one after another.
    validation_members = 1
    # The settings that take memory, for the error when it is short.
    memory_settings = "`batch_size`, `width` or `images_per_class`"

    @in_standard_settings
    def __init__(self, distilled: DistilledData, *, seed: int = 0, **kwargs: Any) -> None:
        backend.current()  # raises at once if the backend is not supported
        super().__init__(**{"dtype": "float32", **kwargs})
        self.distilled = instance_of("distilled", distilled, DistilledData)
        self.seed = seed_number(seed)
        self.sampler: BatchSampler | None = None
        self.running_scores: Any = None  # see `track_samples`
        self.drawn_rows: int | None = None  # of a batch that `fit` draws; `None` for a stream
        self.settings: Any = None
        self.best: KeepBest | None = None
        object.__setattr__(self, "curves", [])  # metrics after each epoch of the last `fit`
        self.rate_scale = self.add_weight(
            shape=(), initializer="ones", trainable=False, autocast=False, name="rate_scale"
        )
        self._adapt_to_data = False
        self.start: str | None = None  # what the first `fit` starts from
        self._trained = False

    # ---------------------------------------------------------------- what a subclass brings

    def distillation_step(self, images: Any, class_ids: Any) -> Any:
        """One step of the method; it may return the losses of the batch `(B,)`, for their scores.

        Args:
            images: Target batch `(B, ...)` in model space; `None` where `takes_batches` is false.
            class_ids: Its classes `(B,)` int32, or `None`.
        """
        raise TypeError(f"{type(self).__name__} does not define `distillation_step`")

    def validation_step(self, images: Any, class_ids: Any, weights: Any, member: Any) -> None:
        """Updates the metrics `loss` and `accuracy` on held-out images.

        Args:
            images: Images `(B, ...)` in model space.
            class_ids: Their classes `(B,)` int32.
            weights: Weight of each image in the means, `(B,)`.
            member: Which of `validation_members` networks looks, an integer that may be traced.
        """
        raise TypeError(f"{type(self).__name__} does not define `validation_step`")

    def most_rows(self, batch_size: int, images: int) -> int:
        """Rows of a batch where there may be fewer images than it asks for.

        Args:
            batch_size: Rows that are asked for.
            images: Training images N.
        """
        return min(batch_size, images)

    def learned_variables(self) -> dict[str, keras.Variable]:
        """What the optimizer of the set trains, by name: what the set stores, and what else is.

        A method that learns more, such as a temperature, adds its variable here.
        """
        return {name: one for name, one in self.distilled.stored.items() if one.trainable}

    def batch_sampler(self, class_ids: Any, batch_size: int) -> BatchSampler:
        """What draws the rows of each batch on the device, uniformly by default.

        Args:
            class_ids: Classes of the training images `(N,)` int32.
            batch_size: Rows of a batch, at most N.
        """
        return BatchSampler(len(class_ids), batch_size, self.seed)

    def own_batches(self, x: Any, y: Any, folder: Path | None) -> CountedBatches | None:
        """What steps take in place of real images, such as stored trajectories; by default nothing.

        Args:
            x: The training images `(N, ...)`, or a stream as `reading.opened` returns.
            y: Their classes `(N,)`; `None` for a stream.
            folder: Where the state of the run is kept; `None` if nowhere.
        """
        return None

    # ---------------------------------------------------------------- Keras's hooks

    @in_standard_settings
    def compile(
        self,
        optimizer: keras.optimizers.Optimizer,
        *,
        steps_per_execution: int | str = "auto",
        run_eagerly: bool = False,
    ) -> None:
        """Configures training.

        Args:
            optimizer: Optimizer of the distilled set; a `keras.optimizers.MultiOptimizer` trains
                groups of variables in different ways.
            steps_per_execution: Steps that run in one compiled call when the data are arrays.
                `"auto"` is 100 on an accelerator and 1 on a CPU, where XLA runs convolutions inside
                a compiled loop on one thread (`PatchConv2D` with patches is not affected).
            run_eagerly: Whether to run steps without compiling them, for debugging.

        Raises:
            TypeError: If `optimizer` is no Keras optimizer.
            ValueError: If `steps_per_execution` is neither `"auto"` nor a positive integer.
        """
        instance_of("optimizer", optimizer, keras.optimizers.Optimizer)
        steps_per_execution = check_steps_per_execution("steps_per_execution", steps_per_execution)
        if steps_per_execution == "auto":
            fused = backend.has_accelerator() and backend.current().LOOPS
            steps_per_execution = 100 if fused else 1
        self._steps_per_call = steps_per_execution if backend.current().LOOPS else 1
        optimizer.build(self.trainable_variables)
        make_adjustable(optimizer, self.rate_scale)
        super().compile(optimizer=optimizer, run_eagerly=run_eagerly)
        if self.best is None:
            self.best = KeepBest(self.kept_variables(), self.distilled.measure)
        self.built = True

    @property
    def rate_variables(self) -> list[keras.Variable]:
        """What lowers the learning rates, see `keras_isa.optimizers.rate_variables`."""
        return rate_variables(self.optimizer)

    def kept_variables(self) -> dict[str, keras.Variable]:
        """What is kept of the best set: all that it stores, and everything else that is learned."""
        return {**self.distilled.stored, **self.learned_variables()}

    def call(self, images: Any) -> Any:
        """Pixels `(B, H, W, C)` to model space."""
        return self.distilled(images)

    # ---------------------------------------------------------------- fit and evaluate

    @in_standard_settings
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        resume: str | os.PathLike | RunFolder | None = None,
    ) -> keras.callbacks.History:
        """Trains the distilled set.

        Arrays are put on the device once; batches are drawn there. Images that do not fit there
        (`StoredImages`, larger than memory) are read batch by batch. Anything else that Keras can
        iterate over (`tf.data.Dataset`, `keras.utils.PyDataset`, a torch `DataLoader`, a generator)
        is fed batch by batch. It begins again if it ends before `steps_per_epoch`; a generator does
        not and ends the training. Drop a short last batch, for which the step would be
        compiled again. The preprocessing of a preset is then adapted to the first images only, as
        many as the set starts from; give a layer that you have adapted to more.

        A set that is empty, all zeros, starts from random real images of the training data. Of a
        stream these are the first ones, which a generator cannot give again. The set takes a
        dataset's pixel range if it has the default one. With validation images, the set that scored
        best on them is kept. Do not give test images, as they would choose the set. Where the
        optimizer has `use_ema`, its averages are judged and kept.

        Args:
            x: Images `(N, H, W, C)` or `(N, H, W)` in pixel units, flat features `(N, F)`, a
                dataset with `.x` and `.y`, or an iterable of `(images, class_ids)` batches.
            y: Classes `(N,)`, integers from 0 or class names, when `x` is an array; for a set with
                task="regression" numbers `(N,)` or `(N, K)`.
            batch_size: Target batch for arrays; by default the preset's, or 1,024, at most N.
            epochs: Number of epochs (an epoch ends with a validation); by default the preset's, or
                1.
            verbose: 0 for silence, 1 for a live bar, 2 for a line per epoch; `"auto"` is 1 on a
                terminal or in a notebook, and 2 elsewhere.
            callbacks: Keras callbacks; those of `keras_isa.callbacks` keep logs.
            validation_split: Share of the arrays that is held out, stratified by class.
            validation_data: Held-out `(x, y)` arrays or a dataset, instead of `validation_split`.
            initial_epoch: Epoch to start from.
            steps_per_epoch: Distillation steps per epoch; by default the preset's, or one pass over
                the data, for batches that say how many they are.
            resume: Folder for the whole state of the run, saved after every epoch and every five
                minutes. The same call goes on from there after a kill, and ends as if there had
                been none; a finished run is loaded at once. Not for batches of an iterable.

        Returns:
            A `keras.callbacks.History`, of the epochs that this call has run.

        Raises:
            ValueError: If arrays, labels or numbers are not usable, or the trainer is not compiled.
            TypeError: If arrays have the wrong dtype.
            KeyboardInterrupt: After Ctrl-C or SIGTERM, when the best set is in place.
        """
        started = time.perf_counter()
        if not self.compiled:
            raise ValueError("`fit` needs the optimizers: call `compile` first.")
        check_positive(epochs=epochs, batch_size=batch_size, steps_per_epoch=steps_per_epoch)
        whole_number("initial_epoch", initial_epoch, 0)
        validation_split = check_share("validation_split", validation_split)
        callbacks = checked_callbacks(callbacks)
        given = AdaptedData.checked(
            self.distilled, x, y, validation_data, validation_split, self.seed, resume is not None
        )
        x, y, held_out = given.x, given.y, given.held_out
        if y is None and steps_per_epoch is None and self.settings is None:
            steps_per_epoch = steps_of_a_pass(x)
        self.start = self.start or start_of(self.distilled)
        given.fill(self.distilled, adapt=self._adapt_to_data, seed=self.seed)
        y, held_out = given.standardized(self.distilled)
        if held_out is not None:
            self.best.judge_by(fingerprint(*held_out))
        epochs = self._default_epochs(steps_per_epoch) if epochs is None else epochs
        steps_before = self.steps_taken
        if resume is not None and not isinstance(resume, RunFolder):
            resume = RunFolder(resume)
        own = self.own_batches(x, y, resume and resume.path.parent)
        given_steps = batch_size, epochs, steps_per_epoch
        data, steps_per_epoch = self._training_data(x, y, *given_steps, own)
        self.track(given)
        self.curves.clear()
        folder, start = self._restored(resume, (x, y, held_out), epochs, steps_per_epoch)
        if folder is not None:
            initial_epoch, self._to_skip = start.epoch, start.step
            if isinstance(data, CountedBatches):
                data.first = self.steps_taken - start.step
        sweep, verbose = None, resolved_verbosity(verbose)
        if isinstance(x, Iterator) and own is None:
            callbacks = [*callbacks, EndWithStream(steps_per_epoch)]
        callbacks = [*callbacks, averages := AverageInPlace(), LearningCurves(self.curves)]
        if folder is not None:
            # It comes after the user's callbacks, so that every log has an epoch that is saved.
            callbacks.append(folder.callback(self, start, steps_per_epoch))
        if verbose and not any(isinstance(c, keras.callbacks.ProgbarLogger) for c in callbacks):
            callbacks = [*callbacks, StepBarLogger(start.step)]
        if held_out is not None:
            sweep = MemberSweep.of(self, *held_out, limit=MOST_VALIDATION_IMAGES)
            patience = getattr(self.settings, "patience", None)
            callbacks = [self.best.callback(patience, print if verbose else None), *callbacks]
            if not self.best.waits(initial_epoch - 1, patience):  # it stopped in an earlier process
                initial_epoch = epochs
        epochs = apply_keras_limit("epochs", epochs)
        return_freed_memory()  # the compiler of the step needs memory
        begin_record(self.distilled.provenance, first=not self._trained)
        self._trained = True
        with (
            out_of_memory_advice(
                f"lower {self.memory_settings}; `plan` says what they take{backend.memory_advice()}"
            ),
            given.own_errors(),
            self.running(),
            stop_at_interrupt(self) as interruption,
            averages,
        ):
            history = super().fit(
                data,
                epochs=epochs,
                verbose=verbose,
                callbacks=[*callbacks, interruption],
                validation_data=None if sweep is None else (sweep, None),
                initial_epoch=initial_epoch,
                shuffle=False,
                steps_per_epoch=steps_per_epoch,
            )
            steps = self.steps_taken - steps_before  # waits until all has been computed
        self._device_data, self._to_skip = None, 0  # frees the memory of the device
        selection = None
        if held_out is not None:
            selection = self.best.record(self.predictor.name, len(held_out[0]), validation_split)
            selection.update(given.split or {"images_sha256": fingerprint(*held_out)})
        self.distilled.recipe["predictor"] = self.predictor_config()
        self.distilled.provenance.update(
            {
                **self.description(),
                "dataset": given.name,
                "seed": self.seed,
                "steps": steps,
                "seconds": round(time.perf_counter() - started + start.seconds, 3),
                "selection": selection,
                "curves": list(self.curves),
                "versions": versions(),
            }
        )
        if interruption.happened:
            raise KeyboardInterrupt
        return history

    @in_standard_settings
    def evaluate(self, x: Any = None, y: Any = None, **kwargs: Any) -> Any:
        """Loss and accuracy of the predictor that judges the set, over all its networks.

        Args:
            x: Images `(N, H, W, C)` in pixel units, or a dataset with `.x` and `.y`.
            y: Classes `(N,)` when `x` is an array.
            **kwargs: Further arguments of `keras.Model.evaluate`.

        Returns:
            As `keras.Model.evaluate`; keys are `loss` and `accuracy`, or `r2` in regression.
        """
        if not isinstance(x, MemberSweep):
            x, y = checked_data(self.distilled, unpack(x, y))
            x = MemberSweep.of(self, x, self.distilled.standardize_targets(y))
        self._sweeping = x
        try:
            with self.running():
                return super().evaluate(x, **kwargs)
        finally:
            self._sweeping = None

    def _restored(
        self, resume: Any, data: tuple, epochs: int, steps_per_epoch: int | None
    ) -> tuple[RunFolder | None, Position]:
        """The folder of the run and where the run that it holds stood."""
        if resume is None:
            return None, Position()
        return resume, resume.restore(self, identity_of(self, data, epochs, steps_per_epoch))
