import json

import pytest

from keras_isa.studies.cells import Cells


def test_results_are_kept_by_what_they_depend_on(tmp_path):
    cells, made = Cells(tmp_path / "new" / "cells"), []

    def make(value):
        made.append(value)
        return {"value": value, "pair": (1, 2)}

    first = cells.kept({"seed": 0, "b": 1}, lambda: make(5))
    assert first == {"value": 5, "pair": [1, 2]}  # as it comes back from the file
    again = Cells(tmp_path / "new" / "cells").kept({"b": 1, "seed": 0}, lambda: make(6))
    assert again == first and made == [5]
    assert cells.kept({"seed": 1, "b": 1}, lambda: make(7))["value"] == 7
    (path,) = [p for p in cells.folder.iterdir() if json.loads(p.read_text())["about"]["seed"] == 1]
    assert path == cells.path({"b": 1, "seed": 1}, ".json")


def test_nothing_is_kept_of_what_fails(tmp_path):
    cells = Cells(tmp_path)
    with pytest.raises(RuntimeError):
        cells.kept({}, lambda: (_ for _ in ()).throw(RuntimeError("diverged")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"result"'])
def test_a_damaged_file_is_made_anew(tmp_path, content):
    cells = Cells(tmp_path)
    cells.kept({"seed": 0}, lambda: {"value": 1})
    cells.path({"seed": 0}, ".json").write_text(content)
    assert cells.kept({"seed": 0}, lambda: {"value": 2}) == {"value": 2}
    assert cells.kept({"seed": 0}, lambda: {"value": 3}) == {"value": 2}


def test_a_folder_is_made_when_something_is_kept(tmp_path):
    cells = Cells(tmp_path / "cells")
    assert not (tmp_path / "cells").exists()
    cells.kept({}, dict)
    assert (tmp_path / "cells").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file"):
        Cells(tmp_path / "file" / "cells").kept({}, dict)
