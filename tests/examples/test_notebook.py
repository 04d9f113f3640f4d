"""The notebook runs from top to bottom."""

import os

import pytest


@pytest.mark.slow
def test_every_cell_runs(examples, environment, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(examples / "distil_digits.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code)
    assert "steps, networks = 600, 5" in code[0].source
    code[0].source = code[0].source.replace("5000, 5", "20, 1")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in code for output in cell.outputs]
    # Real digits, the course of the run, distilled digits, their labels.
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    assert any("k-means" in output.get("text", "") for output in outputs)
    assert (tmp_path / "digits_ipc1.npz").is_file()
    assert len(list((tmp_path / "digits_ipc1").rglob("*.png"))) == 10
