"""An HTML page as a browser takes it apart: elements, attributes, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from hpsearch.report.page import CONTENT_POLICY


@dataclass
class Page:
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    style: str = ""

    def assert_harmless(self) -> None:
        """No script, no handler, no address that leaves the page, no odd element; the content policy comes first."""
        assert {"script", "iframe", "object", "embed", "base", "form", "link"}.isdisjoint(
            tag for tag, _ in self.elements
        )
        for tag, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
            assert (attributes.get("src") or "data:").startswith("data:image/png;base64,") or tag not in (
                "img",
                "source",
            )
            assert (attributes.get("href") or "./").startswith("./"), attributes
        metas = [attributes for tag, attributes in self.elements if tag == "meta"]
        assert {"http-equiv": "Content-Security-Policy", "content": CONTENT_POLICY} in metas[:2]
        assert "url(" not in self.style
        assert "@import" not in self.style


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page, self.inside = Page(), ""

    def handle_starttag(self, tag, attrs):
        self.page.elements.append((tag, dict(attrs)))
        self.page.text += " "
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "style":
            self.page.style += data
        else:
            self.page.text += data


def read_page(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.text = " ".join(reader.page.text.split())
    return reader.page
