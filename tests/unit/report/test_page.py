import base64

import pytest
from jinja2 import UndefinedError

from hpsearch.report.page import data_uri, render_page

from .html_page import read_page


def test_a_picture_becomes_a_data_uri():
    uri = data_uri(b"\x89PNG\xff")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == b"\x89PNG\xff"


def test_every_value_is_escaped():
    html = render_page(
        "compare.html.j2", title="<b>&\"'", columns=["<i>"], best=None, notes=["<u>"], legend=["<s>"], groups={}
    )
    page = read_page(html)
    assert {"b", "i", "s", "u"} & {tag for tag, _ in page.elements} == {"b"}  # the template's own
    assert "<b>&\"'" in page.text


def test_a_value_that_a_template_misses_is_an_error():
    with pytest.raises(UndefinedError):
        render_page("compare.html.j2", title="x")
