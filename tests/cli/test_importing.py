"""`keras-isa import`."""

import numpy as np

import keras_isa


def test_a_foreign_set_becomes_a_file(run, tmp_path):
    train, _ = keras_isa.datasets.load("digits")
    rows = np.concatenate([np.flatnonzero(train.y == k)[:2] for k in range(10)])
    path, output = tmp_path / "set.npz", tmp_path / "set.keras"
    np.savez(path, images=train.x[rows], labels=train.y[rows], extra=1)
    arguments = ("import", path, "--format", "arrays", "--dataset", "digits")
    found = run(*arguments, "--output", output)
    assert found.code == 0, found.err
    assert "20 images of 10 classes, pixels, then standardised per channel" in found.out
    assert "keras-isa: warning: not used of set.npz: extra of the file" in found.err
    distilled = keras_isa.load(output)
    np.testing.assert_allclose(distilled.to_numpy(space="pixels")[0], train.x[rows], atol=1e-3)
    assert distilled.provenance["dataset"] == "digits"
    assert f"SHA-256 of set.npz {distilled.provenance['imported']['sha256']}" in found.out
    for wrong, message in (
        ((*arguments, "--output", tmp_path / "set.npz"), "--output must end in .keras"),
        (("import", tmp_path / "a", *arguments[2:], "--output", output), "FILE: `path` must be"),
        ((*arguments[:4], "--dataset", "nothing", "--output", output), "--dataset: "),
        (
            (*arguments, "--sha256", 64 * "0", "--output", output),
            "`sha256` (--sha256) must be that of set.npz, ",
        ),
    ):
        found = run(*wrong)
        assert found.code == 2 and message in found.err
        assert len(found.err.strip().splitlines()) == 1
