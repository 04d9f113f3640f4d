"""Checkpoints of flax."""

import numpy as np
import pytest

from keras_isa.asset.foreign.flax_files import read_flax

msgpack = pytest.importorskip("msgpack")
X = np.arange(24, dtype="float32").reshape(2, 2, 2, 3)
Y = np.eye(2, dtype="float32")


def extension(array, code=1, **changes):
    """An array as flax packs it."""
    shape, dtype = changes.get("shape", array.shape), changes.get("dtype", array.dtype.name)
    return msgpack.ExtType(code, msgpack.packb((shape, dtype, array.tobytes())))


def write(path, tree):
    path.write_bytes(msgpack.packb(tree))
    return path


def checkpoint(group="params", **more):
    return {group: {"x_proto": extension(X), "y_proto": extension(Y)}, **more}


def test_images_and_labels_are_read_and_the_rest_is_named(tmp_path):
    step = extension(np.array(7), code=3)
    path = write(tmp_path / "a", checkpoint(step=step, opt_state={"0": {"mu": extension(X)}}))
    found = read_flax(path, ("ema_average", "params"))
    np.testing.assert_array_equal(found.images, X)
    np.testing.assert_array_equal(found.labels, Y)
    assert found.unused == ("step, opt_state of the checkpoint",)


def test_the_first_group_is_read(tmp_path):
    tree = {**checkpoint("params"), **checkpoint("ema_average")}
    tree["ema_average"]["x_proto"] = extension(X + 1)
    found = read_flax(write(tmp_path / "a", tree), ("ema_average", "params"))
    np.testing.assert_array_equal(found.images, X + 1)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"params": {"kernel": extension(X)}}, "no x_proto and y_proto in params, but params"),
        ([1, 2], "no checkpoint"),
        (checkpoint(a=msgpack.ExtType(5, b"")), "extension 5"),
        (checkpoint(a=extension(X, dtype="object")), "shape or dtype"),
        (checkpoint(a=extension(X, dtype="V8")), "shape or dtype"),
        (checkpoint(a=extension(X, shape=(10**12,))), "another number of values"),
        (checkpoint(a=extension(X, shape=(-24,))), "shape or dtype"),
        (checkpoint(a=[[] for _ in range(9_999)], b=[[] for _ in range(9_999)]), "maps and lists"),
        (checkpoint(a=list(range(10_001))), "damaged, or no msgpack"),
    ],
)
def test_anything_else_is_refused(tmp_path, tree, message):
    with pytest.raises(ValueError, match=message):
        read_flax(write(tmp_path / "a", tree), ("params",))


def test_damaged_files_raise_errors(tmp_path):
    content = msgpack.packb(checkpoint())
    for end in range(0, len(content), 7):
        (tmp_path / "a").write_bytes(content[:end])
        with pytest.raises(ValueError, match="damaged|no checkpoint"):
            read_flax(tmp_path / "a", ("params",))
