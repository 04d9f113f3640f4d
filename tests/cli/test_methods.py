"""`keras-isa methods` and `keras-isa presets`."""

import dataclasses

from keras_isa.methods import method, method_names


def test_every_method_is_listed_with_its_source_and_cost(run, only_json):
    rows = only_json(run("methods", "--json"))
    assert [row["name"] for row in rows] == list(method_names())
    assert all(row["about"] and row["source"] and row["cost_of_a_step"] for row in rows)
    listed = run("methods")
    assert listed.code == 0
    for row in rows:
        assert f"{row['name']}: {row['about']}\n    source: {row['source']}\n" in listed.out


def test_the_settings_of_a_method(run, only_json, refuse):
    for name in method_names():
        rows = only_json(run("methods", name, "--json"))
        fields = {field.name for field in dataclasses.fields(method(name).Config)}
        assert {row["name"] for row in rows} == fields - {"images_per_class", "recipe"}
        assert all(row["text"].endswith(".") for row in rows)
    assert refuse("methods", "no-such").startswith("NAME: ")


def test_presets_are_listed(run, only_json):
    rows = only_json(run("presets", "--json"))
    assert {"digits", "cifar10", "cifar10-cpu", "imagenet64"} <= {row["name"] for row in rows}
    table = run("presets")
    assert table.code == 0 and len(table.out.splitlines()) == len(rows) + 1


def test_presets_of_another_method(run, only_json, refuse):
    names = {row["name"] for row in only_json(run("presets", "--method", "dm", "--json"))}
    assert {"digits", "cifar10"} <= names
    assert refuse("presets", "--method", "no-such").startswith("--method: ")
