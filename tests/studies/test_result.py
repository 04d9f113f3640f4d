import json

import pytest

from keras_isa.studies.result import Claim, Column, StudyResult, listed, points, told
from keras_isa.studies.statistics import Paired


@pytest.mark.parametrize(
    "differences, sign, verdict",
    [
        ((0.01, 0.011, 0.012), 1, "supported"),
        ((0.01, 0.011, 0.012), -1, "not supported"),
        ((-0.01, -0.011, -0.012), -1, "supported"),
        ((-0.01, 0.011, 0.012), 1, "undecided"),
        ((0.01,), 1, "undecided"),
    ],
)
def test_claims(differences, sign, verdict):
    assert Claim.of("it helps", Paired(differences), sign) == Claim("it helps", verdict)


def test_cells_of_a_table():
    row = {"a": 0.5, "b": -0.011, "c": [-0.01, 0.02], "d": "word", "e": 0.123456, "f": None}
    kinds = {"a": "percent", "b": "points", "c": "interval", "d": "text", "e": "number"}
    cells = [Column(name, "", kind).cell(row) for name, kind in kinds.items()]
    assert cells == ["50.00", "-1.10", "-1.00 to +2.00", "word", "0.1235"]
    assert Column("f", "").cell(row) == ""


def test_words():
    assert points(None) == "" and told(Paired((0.01,))) == "+1.00"
    assert listed(["a"]) == "a" and listed(["a", "b"]) == "a and b"


def test_files_of_a_result(tmp_path):
    values = {"study": "module", "sentences": ["It is so."], "claims": []}
    values["claims"] = [{"text": "it helps", "verdict": "undecided"}]
    result = StudyResult(values, b"png", "<html>é</html>")
    paths = result.save(tmp_path)
    assert [path.name for path in paths] == ["module.json", "module.png", "module.html"]
    assert json.loads(paths[0].read_text()) == values
    assert paths[1].read_bytes() == b"png" and paths[2].read_text("utf-8") == "<html>é</html>"
    assert str(result) == "It is so.\nundecided: it helps"
