from keras_isa.inputs.text import one_line


def test_the_first_line_is_short_and_printable():
    assert one_line("a name\n and more") == "a name"
    assert one_line("\x1b[31mred\ttext") == "?[31mred?text"
    assert one_line("x" * 1000) == "x" * 200
    assert one_line(ValueError()) == "ValueError"
