import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from hpsearch.report import figures
from hpsearch.report.study_page import render_study

from .html_page import read_page
from .materials import BASELINES, EVALUATION, STUDY, make_material

IMG, SCRIPT, LINK = "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "javascript:alert(1)"
HOSTILE = (IMG, SCRIPT, LINK)
SECTIONS = ["data", "winner", "evaluation", "comparison", "importance", "search", "advice", "use", "reproduce"]

PROFILE = {
    "columns": [
        {
            "name": name, "kind": "categorical", "used": name != LINK, "reason": name, "missing_share": 0.25,
            "distinct": 3, "top": [[other, 5] for other in HOSTILE], "minimum": None, "maximum": None,
        }
        for name in HOSTILE
    ],
    "target": {
        "name": IMG, "task": "binary", "missing": 0, "classes": [[SCRIPT, 30], [LINK, 20]], "moments": [],
        "histogram": None,
    },
    "warnings": [{"code": "leak", "message": f"'{SCRIPT}' follows from {IMG}", "columns": [SCRIPT]}],
}  # fmt: skip
REPORT = {
    label: {"precision": 0.9, "recall": 0.8, "f1-score": 0.85, "support": 20.0} for label in (SCRIPT, LINK, "macro avg")
} | {"accuracy": 0.9}


class Scripts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.inside = [], False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "script"
        if self.inside:
            self.found.append([dict(attrs), ""])

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1][1] += data


@pytest.fixture(scope="module")
def hostile():
    m = make_material(
        trials=150,
        study=STUDY | {"data": {"csv": IMG, "target": SCRIPT}},
        profile=PROFILE, source=IMG, text=f"name: bike\n# {SCRIPT}\n", columns=3,
        evaluation=EVALUATION | {
            "report": REPORT, "labels": [SCRIPT, LINK], "looks": 2, "threshold": 0.37,
            "baselines": [BASELINES[0] | {"name": IMG, "meaning": SCRIPT}, BASELINES[1] | {"test": {"rmse": 40.0}}],
        },
        pictures={"confusion_matrix": figures.confusion_matrix([[9, 1], [2, 8]], [SCRIPT, LINK])},
        importances={"PED-ANOVA": {"learning_rate": 0.7, "dropout": 0.3}},
        advice=((f"{IMG} is too wide", f"dropout: 0.1  # {SCRIPT}"),), store=f"'{IMG}'", version=IMG,
    )  # fmt: skip
    failed = replace(m.records[-1], state="failed", value=None, reason=SCRIPT)
    verdict = replace(m.verdict, unstable={99: IMG})
    info = replace(m.info, description=f"{IMG} {SCRIPT}")
    return render_study(replace(m, info=info, records=(*m.records[:-1], failed), verdict=verdict), {"PED-ANOVA": IMG})


@pytest.fixture(scope="module")
def bare():
    return render_study(
        make_material(verdict=False, evaluation=None, package=None, rows={}, columns=0, digests={}, trials=1)
    )


def test_nothing_hostile_becomes_markup(hostile):
    page = read_page(hostile)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
        assert (attributes.get("href") or "#").startswith("#")
    assert {"iframe", "object", "embed", "base", "form", "link"}.isdisjoint(tag for tag, _ in page.elements)
    assert "url(" not in page.style
    assert "@import" not in page.style
    for text in HOSTILE:
        assert page.text.count(text) > 5  # it is shown, as the text that it is


def test_the_page_has_its_data_and_its_script_and_its_policy_allows_that_script_alone(hostile):
    scripts = Scripts(hostile).found
    assert [attributes for attributes, _ in scripts] == [{"type": "application/json", "id": "trials"}, {}]
    assert json.loads(scripts[0][1])["trials"]
    digest = base64.b64encode(hashlib.sha256(scripts[1][1].encode()).digest()).decode()
    policy = next(a["content"] for tag, a in read_page(hostile).elements if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert re.findall(r"script-src ([^;]*)", policy) == [f"'sha256-{digest}'"]


def test_the_script_finds_every_element_it_asks_for(hostile):
    program = Scripts(hostile).found[1][1]
    there = {attributes.get("id") for _, attributes in read_page(hostile).elements}
    assert set(re.findall(r'byId\("(\w+)"\)', program)) <= there


def test_the_script_makes_no_markup_of_text(hostile):
    program = Scripts(hostile).found[1][1]
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "fetch("):
        assert dangerous not in program


def test_sections_come_in_the_order_that_a_person_asks(hostile):
    page = read_page(hostile)
    assert [a["id"] for tag, a in page.elements if tag == "section"] == SECTIONS
    assert [a["href"] for tag, a in page.elements if tag == "a"] == [f"#{name}" for name in SECTIONS]


def test_a_net_that_loses_against_a_baseline_is_said_to_before_anything_else(hostile):
    before = read_page(hostile[: hostile.index('<section id="data"')]).text
    assert "loses against a baseline" in before


def test_what_is_shown_says_how_sure_it_is(hostile):
    text = read_page(hostile).text
    assert "44 to 52.5" in text
    assert "test rows seen 2 times" in text.lower()
    assert "from a probability of 0.37 on" in text
    assert "too good by" in text


def test_the_commands_stand_there_to_be_copied(hostile):
    text = read_page(hostile).text
    place = f"--store '{IMG}'"
    for command in ("predict bike rows.csv -o predictions.csv", "serve bike", "export bike DIR"):
        assert f"hpsearch {command} {place}" in text


def test_a_page_with_every_picture_weighs_little(hostile):
    assert len(hostile.encode()) < 1_000_000


def test_a_study_that_nothing_was_done_with_yet_says_so(bare):
    text = read_page(bare).text
    assert "No winner is verified" in text
    assert "hpsearch verify bike" in text
    assert "Too few different trials completed" in text
    assert "still locked" in text


def test_what_is_not_known_has_no_empty_place(bare):
    page = read_page(bare)
    assert [a["id"] for tag, a in page.elements if tag == "section"] == [s for s in SECTIONS if s != "advice"]
    assert "None" not in page.text
    assert all(len(a["src"]) > 500 for tag, a in page.elements if tag == "img")
