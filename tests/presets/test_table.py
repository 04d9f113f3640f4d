"""The table of all presets."""

import json

from keras_isa.presets import format_preset_table, preset_names, preset_table, read_preset


def test_rows_say_what_the_presets_hold():
    rows = preset_table()
    assert [row["name"] for row in rows] == preset_names()
    assert json.loads(json.dumps(rows)) == rows
    for row in rows:
        sizes = row["images_per_class"]
        assert sizes == sorted(sizes) and sizes[0] == 1
        for field in ("steps", "width", "batch_size", "preprocessing", "flip"):
            expected = [getattr(read_preset(row["name"], size)[0], field) for size in sizes]
            assert row[field] == expected


def test_a_variant_has_its_own_sizes(shelf, made_up_cpu):
    shelf(made_up_cpu)
    published, variant = preset_table()
    assert published["images_per_class"] == [1, 10, 50]
    assert variant["images_per_class"] == [1, 10]
    assert (published["width"], variant["width"]) == ([8, 16, 8], [5, 5])
    text = format_preset_table([published, variant])
    assert [line.split() for line in text.splitlines()] == [
        "name images classes per class steps updates width batch preprocessing flip".split(),
        "made_up 4x4x3 2 1/10/50 101/110/150 1 8/16/8 1024 standardize no".split(),
        "made_up-cpu 4x4x3 2 1/10 7/110 1 5 1024 standardize no".split(),
    ]
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_flip_is_a_word_where_it_differs():
    row = next(row for row in preset_table() if row["name"] == "cifar100")
    assert format_preset_table([row]).splitlines()[1].endswith("zca            yes/no/no")
