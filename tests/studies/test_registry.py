import pytest

from keras_isa.studies import Study, study, study_names


def test_the_studies_of_the_paper():
    assert len(study_names()) == 9
    for name in study_names():
        kind = study(name)
        assert issubclass(kind, Study) and kind.name == name
        assert kind.title and kind.question.rstrip(")").endswith(("?", ".", "A100."))
        assert kind.seeds >= 1 and kind.images_per_class >= 1


def test_an_unknown_one():
    with pytest.raises(ValueError, match="`name` must be.*module.*Received: name='luck'"):
        study("luck")
