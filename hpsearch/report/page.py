"""A template and plain values -> one self-contained HTML page: escaped, offline, with nothing that runs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hpsearch.report.text import duration, number, percent, readable

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""No script, no request: what a column's name could smuggle in has nothing to act with."""


def render_page(template: str, **values: Any) -> str:
    """Return the page a template of `report/templates/` makes; every value is escaped."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"short": readable, "number": _number, "duration": duration, "percent": percent}
    return environment.get_template(template).render(policy=CONTENT_POLICY, **values)


def data_uri(png: bytes) -> str:
    """Return a picture as a `data:` URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)
