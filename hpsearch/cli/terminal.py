"""What reaches a terminal is text: names in data may hold sequences that clear it, retitle it, or type in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult

# C0 but for tab and line feed, DEL, C1 (of which U+009B begins a sequence by itself), and what turns text around.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with a mark in the place of each character that a terminal would obey rather than show."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def visible_json(text: str) -> str:
    """Return JSON in which such characters are escaped, so that it still says the same."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def screen() -> TextIO:
    """Return standard output: data as they are for a file or a pipe, `visible` for a terminal."""
    return cast(TextIO, _Visible(sys.stdout)) if sys.stdout.isatty() else sys.stdout


def watch(console: Console) -> None:
    """Let a console print no text but what is `visible`; what it says to the terminal itself, colours say, passes."""
    from rich.console import RenderHook

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [_Shown(one) for one in renderables]

    console.push_render_hook(Hook())


class _Visible:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(visible(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._stream.flush()


class _Shown:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        for segment in console.render(self._inner, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
