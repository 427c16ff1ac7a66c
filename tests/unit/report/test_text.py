import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hpsearch.report.text import configuration_text, duration, markdown, number, percent, readable, shorten


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00123456, "0.001235"), (12345.6, "12,346"), (1.5e-7, "1.50e-07"), (-2.5, "-2.5"), (44.12345, "44.12"),
     (float("nan"), "not a number"), (float("-inf"), "-∞"), (3e9, "3.00e+09")],
)  # fmt: skip
def test_numbers_read_well(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (42, "42 s"), (59.97, "1 min"), (200, "3 min 20 s"),
     (7500, "2 h 5 min"), (7200, "2 h")],
)  # fmt: skip
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (1, "100 %"), (0.0001, "< 0.1 %"), (0.9999, "> 99.9 %"), (0.123, "12.3 %")]
)
def test_shares_tell_a_little_from_nothing(share, text):
    assert percent(share) == text


@given(st.text(), st.integers(3, 50))
def test_a_shortened_text_keeps_both_ends(text, width):
    short = shorten(text, width)
    assert len(short) == min(len(text), width)
    assert text.startswith(short.split("…")[0])


@given(st.text())
def test_a_readable_text_cannot_steer_a_terminal(text):
    shown = readable(text, 40)
    assert shown.isprintable()
    assert 0 < len(shown) <= 40


@pytest.mark.parametrize(
    ("configuration", "text"),
    [({}, ""),
     ({"hidden_layers": 0, "optimizer": "sgd", "learning_rate": 0.5}, "no hidden layer, sgd, learning_rate 0.5"),
     ({"hidden_layers": 2, "neurons_1": 64, "neurons_2": 32, "activation": "relu", "optimizer": "adam",
       "learning_rate": 0.000123456, "epochs": 30}, "64-32 relu, adam, learning_rate 0.0001235, epochs 30"),
     ({"hidden_layers": 2, "optimizer": "adam", "blk/width": 8, "normalized": "true", "rate": 0.5},
      "hidden_layers 2, optimizer adam, blk/width 8, normalized true, rate 0.5")],
)  # fmt: skip
def test_a_configuration_is_told_in_a_line(configuration, text):
    assert configuration_text(configuration) == text


@given(st.one_of(st.text(), st.text(alphabet="ab *_`[]()<>!|~&#\\/:.-+=\n\"'1")))
def test_no_text_is_markup_in_markdown(text):
    (paragraph,) = MarkdownIt("commonmark").enable("table").parse(f"text {markdown(text)}")[1:-1]
    kinds = {token.type for token in paragraph.children}
    assert kinds <= {"text", "text_special"}
