"""Watches the memory of the process over many steps.

    python benchmarks/soak.py --steps 20000

A small run on the digits, validated after each epoch. Prints one JSON object; progress goes to
stderr.

    growth              resident memory at the end over that after the first tenth, minus 1
    resident_mb         at eleven moments, evenly spread
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure


def main() -> None:
    parser = _measure.parser(__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=100)
    arguments = parser.parse_args()
    import keras

    import keras_isa
    from keras_isa.callbacks import NaNGuard
    from keras_isa.memory import resident_bytes

    class Memory(keras.callbacks.Callback):
        found: list[float] = []

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            if epoch == 0 or (epoch + 1) % (arguments.epochs // 10) == 0:
                self.found.append(resident_bytes() / 1e6)
                print(f"epoch {epoch + 1}: {self.found[-1]:.1f} MB", file=sys.stderr)

    keras_isa.backend.reuse_memory()  # as the command line does
    train, _ = keras_isa.datasets.load("digits")
    trainer = keras_isa.FRePoTrainer.from_preset(
        "digits", verbose=False, width=8, steps=arguments.steps, epochs=arguments.epochs
    )
    memory = Memory()
    callbacks = [memory, NaNGuard()]
    trainer.fit(train, validation_split=0.1, callbacks=callbacks, verbose=0)
    _measure.print_json(
        {
            "benchmark": "soak",
            "configuration": vars(arguments),
            "steps": trainer.distilled.provenance["steps"],
            "growth": memory.found[-1] / memory.found[1] - 1,
            "resident_mb": memory.found,
            "seconds": trainer.distilled.provenance["seconds"],
            **_measure.machine(),
        }
    )


if __name__ == "__main__":
    main()
