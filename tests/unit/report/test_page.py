import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from jinja2 import UndefinedError
from matplotlib.image import imread

from hpsearch.report.figures import importances
from hpsearch.report.page import CONTENT_POLICY, data_uri, few_colours, json_block, render_page, script_policy

from .html_page import read_page


def test_a_picture_becomes_a_data_uri():
    uri = data_uri(b"\x89PNG\xff")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == b"\x89PNG\xff"


def test_every_value_is_escaped():
    html = render_page(
        "compare.html.j2", title="<b>&\"'", columns=["<i>"], best=None, notes=["<u>"], legend=["<s>"], shared="<em>",
        groups={},
    )  # fmt: skip
    page = read_page(html)
    assert {"b", "em", "i", "s", "u"} & {tag for tag, _ in page.elements} == {"b"}  # the template's own
    assert "<b>&\"'" in page.text


def test_a_value_that_a_template_misses_is_an_error():
    with pytest.raises(UndefinedError):
        render_page("compare.html.j2", title="x")


def test_a_script_is_allowed_by_its_digest_and_by_nothing_else():
    policy = script_policy("alert(1)\n")
    digest = base64.b64encode(hashlib.sha256(b"alert(1)\n").digest()).decode()
    assert re.findall(r"script-src ([^;]*)", policy) == [f"'sha256-{digest}'"]
    assert policy.startswith(CONTENT_POLICY)


def test_a_page_without_a_script_may_run_nothing():
    html = render_page("compare.html.j2", title="x", columns=[], best=None, notes=[], legend=[], shared="", groups={})
    assert "script" not in html


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "&lt;", "\u2028\u2029", "]]>", "é<"])
def test_json_in_a_page_says_what_it_said_and_ends_no_element(text):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.data = [], ""

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)

        def handle_data(self, data):
            self.data += data

    reader = Reader()
    reader.feed(f'<script type="application/json">{json_block({text: [text]})}</script>')
    reader.close()
    assert reader.tags == ["script"]
    assert json.loads(reader.data) == {text: [text]}


def test_a_picture_in_few_colours_looks_the_same_in_fewer_bytes():
    picture = importances({"PED-ANOVA": {"a": 0.8, "b": 0.2}, "fANOVA": {"a": 0.4, "b": 0.6}})
    small = few_colours(picture)
    before, after = (imread(io.BytesIO(png))[:, :, :3] for png in (picture, small))
    assert len(small) < 0.6 * len(picture)
    assert np.abs(before - after).mean() < 0.01
