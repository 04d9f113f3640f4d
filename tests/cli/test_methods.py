"""`keras-isa methods`."""

import dataclasses

from keras_isa.methods import method, method_names


def test_every_method_is_listed_with_its_source_and_cost(run, only_json):
    rows = only_json(run("methods", "--json"))
    assert [row["name"] for row in rows] == list(method_names())
    assert all(row["about"] and row["step"] for row in rows)
    table = run("methods")
    assert table.code == 0 and len(table.out.splitlines()) == len(rows)
    for row, line in zip(rows, table.out.splitlines(), strict=True):
        assert line.startswith(row["name"]) and row["about"] in line


def test_the_settings_of_a_method(run, only_json, refuse):
    for name in method_names():
        rows = only_json(run("methods", name, "--json"))
        fields = {field.name for field in dataclasses.fields(method(name).Config)}
        assert {row["name"] for row in rows} == fields - {"images_per_class", "recipe"}
        assert all(row["text"].endswith(".") for row in rows)
    assert refuse("methods", "no-such").startswith("NAME: ")
