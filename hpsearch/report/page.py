"""A template and plain values -> one self-contained HTML page: escaped, offline, running nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from hpsearch.report.text import duration, number, percent, readable

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""No script, no request: what a column's name could smuggle in has nothing to act with."""

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, *, script: str = "", **values: Any) -> str:
    """Return the page a template of `report/templates/` makes; every value is escaped.

    script: a file beside the templates that the page may run, as `{{ script }}` between its script tags; the page's
    policy names its digest, and so lets nothing else run.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"short": readable, "number": _number, "duration": duration, "percent": percent}
    policy, program = CONTENT_POLICY, {}
    if script:
        text = (_TEMPLATES / script).read_text("utf-8")
        policy, program = script_policy(text), {"script": Markup(text)}  # noqa: S704 - our own file
    return environment.get_template(template).render(policy=policy, **program, **values)


def script_policy(script: str) -> str:
    """Return the content policy of a page that may run this text and nothing else (CSP level 2, hash sources)."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"{CONTENT_POLICY}; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def json_block(values: Any) -> Markup:
    """Return JSON that can stand in a `<script type="application/json">`: no text in it can end the element."""
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - what could be markup is escaped above


def few_colours(png: bytes, most: int = 96) -> bytes:
    """Return a picture in a palette of its own: a quarter of the bytes, and by eye the same."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB").quantize(most, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="png", optimize=True)
    return buffer.getvalue() if buffer.tell() < len(png) else png


def data_uri(png: bytes) -> str:
    """Return a picture as a `data:` URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)
