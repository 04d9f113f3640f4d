"""Distils on several devices and in two processes, and compares with one device.

    python benchmarks/devices.py
    python benchmarks/devices.py --devices 1 2 4 8 --processes 2 --width 32

The devices are parts of this machine's processor, so the times show what the division costs, not
what real devices gain. The target batch is divided, the set and the pool are on every device; with
--shard-pool the hidden layers' weights are divided too. The division changes the order of sums,
hence their last bits. So that these do not grow, the ridge is 1e-2, all samples count, all pairs
are partners and labels stay fixed: which sample is the hardest or the nearest, and which class
comes second in a label, can turn on a last bit. With --data the images come another way: read from
storage, or as batches of a PyDataset or of tf.data, of which each process takes its part. Prints
one JSON object; progress goes to stderr.

    distance            |images - images of one device| / |images of one device| after all steps
    seconds_per_step    of the second epoch
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import numpy as np

DATA = ("arrays", "stored", "pydataset", "tf.data")
_BATCH_SIZE = 64


def main() -> None:
    arguments = parse()
    if arguments.child:
        run(arguments)
        return
    rows = [{"devices": count, "processes": 1, "shard_pool": False} for count in arguments.devices]
    most = max(arguments.devices)
    if arguments.processes > 1:
        rows.append({"devices": 2 * arguments.processes, "processes": arguments.processes})
        rows[-1]["shard_pool"] = False
    if arguments.shard_pool:
        rows.append({"devices": most, "processes": 1, "shard_pool": True})
    with tempfile.TemporaryDirectory() as folder:
        single = None
        for row in rows:
            print(row, file=sys.stderr)
            result = distil(row, Path(folder) / "set.npz", arguments)
            single = single or result
            row["seconds_per_step"] = result["seconds_per_step"]
            difference = np.linalg.norm(result["images"] - single["images"])
            row["distance"] = float(difference / np.linalg.norm(single["images"]))
    _measure.print_json(
        {
            "benchmark": "devices",
            "configuration": {
                "width": arguments.width,
                "steps": arguments.steps,
                "data": arguments.data,
            },
            "runs": rows,
            **_measure.machine(),
        }
    )


def parse() -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--devices", type=int, nargs="+", default=[1, 2, 4, 8], help="the first one is compared to")
    add("--processes", type=int, default=2, help="another run in so many, two devices each")
    add("--shard-pool", action="store_true", help="another run with a divided pool")
    add("--data", choices=DATA, default="arrays", help="how fit gets the images")
    add("--width", type=int, default=8)
    add("--steps", type=int, default=50)
    add("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def distil(row: dict, path: Path, arguments: argparse.Namespace) -> dict:
    """One run in processes of its own; its set and seconds per step."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    local = row["devices"] // row["processes"]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={local}"
    children = []
    for process in range(row["processes"]):
        job = {**row, "process": process, "address": address, "path": str(path)}
        command = [sys.executable, __file__, "--child", json.dumps(job)]
        command += ["--width", str(arguments.width), "--steps", str(arguments.steps)]
        command += ["--data", arguments.data]
        environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
    if any([child.wait() for child in children]):
        raise SystemExit("a run failed")
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files} | {
            "seconds_per_step": float(stored["seconds_per_step"])
        }


def run(arguments: argparse.Namespace) -> None:
    """A process of a run."""
    job = json.loads(arguments.child)
    import keras

    if job["processes"] > 1:
        keras.distribution.initialize(job["address"], job["processes"], job["process"])
    import keras_isa

    if job["devices"] > 1:
        keras.distribution.set_distribution(distribution(job["devices"], job["shard_pool"]))
    trainer = keras_isa.FRePoTrainer.from_preset(
        "digits",
        verbose=False,
        steps=arguments.steps,
        epochs=2,
        width=arguments.width,
        pool_size=2,
        batch_size=_BATCH_SIZE,
        crucial_fraction=1.0,
        pairing="all",
        regularization=1e-2,
        learn_labels=False,
    )
    divided = [w for w in trainer.pool.stacked_weights if not w.value.sharding.is_fully_replicated]
    if len(divided) != (3 if job["shard_pool"] else 0):
        raise SystemExit(f"{len(divided)} of the pool's weights are divided")
    clock = _measure.epoch_clock()
    x, y = training_data(arguments.data)
    trainer.fit(x, y, callbacks=[clock], verbose=0)
    images, _ = trainer.distilled.to_numpy()
    if job["process"] == 0:
        np.savez(
            job["path"],
            images=images,
            seconds_per_step=2 * clock.seconds[1] / arguments.steps,
        )


def training_data(form: str) -> tuple:
    """The first two arguments of `fit`, the same in every process."""
    import keras

    import keras_isa
    from keras_isa.inputs.arrays import StoredImages
    from keras_isa.training import device_data

    train, _ = keras_isa.datasets.load("digits")
    if form == "arrays":
        return train.x, train.y
    if form == "stored":
        device_data._DATA_SHARE = 0.0  # as if they were too large for the device
        return StoredImages(train.x), train.y
    if form == "tf.data":
        import tensorflow as tf

        dataset = tf.data.Dataset.from_tensor_slices((train.x, train.y))
        return dataset.batch(_BATCH_SIZE, drop_remainder=True).repeat(), None

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(train.x) // _BATCH_SIZE

        def __getitem__(self, index: int) -> tuple:
            rows = slice(index * _BATCH_SIZE, (index + 1) * _BATCH_SIZE)
            return train.x[rows], train.y[rows]

    return Batches(), None


def distribution(devices: int, shard_pool: bool):
    """The target batch divided, and on request the last axis of the wide weights."""
    import keras

    names = keras.distribution.list_devices()
    if not shard_pool:
        return keras.distribution.DataParallel(devices=names)
    mesh = keras.distribution.DeviceMesh((devices // 2, 2), ("batch", "model"), names)
    layouts = keras.distribution.LayoutMap(mesh)
    layouts["model_pool.*conv2d.*kernel"] = (None, None, None, None, "model")
    return keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


if __name__ == "__main__":
    main()
