"""A YAML text -> PyYAML's nodes, of a size and depth that a study file can have; else a fault in plain words."""

from __future__ import annotations

from typing import Any

import yaml

from hpsearch.errors import Fault, SpecError

MAX_BYTES = 1_000_000
MAX_NODES = 10_000
MAX_DEPTH = 20


def compose(content: bytes, source: str) -> yaml.Node | None:
    """Return the root of a text; None of an empty one. Raises `SpecError` with the line and column of what is wrong."""
    text = _decode(content, source)
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        message, mark = _explain(error)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        sign = f"the control character {ord(text[error.position]):#04x} stands here; remove it"
        place = (before.count("\n") + 1, error.position - before.rfind("\n"))
        raise SpecError([Fault("", f"not valid YAML: {sign}", *place)], source) from None
    except (ValueError, OverflowError):  # PyYAML turns the digits of an escape into a character, and checks nothing
        message, mark = "not valid YAML: \\ and these digits name no character; write the character itself", None
        mark = loader.get_mark() if loader else None
    at = (mark.line + 1, mark.column + 1) if mark else (None, None)
    raise SpecError([Fault("", message, *at)], source)


def _decode(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise SpecError([too_large(len(content))], source)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {content[error.start]:#04x} at offset {error.start} is not UTF-8"
        raise SpecError([Fault("", f"{found}; a study file is; save it as UTF-8", line)], source) from None


def too_large(size: int) -> Fault:
    """Return the fault of a file of so many bytes."""
    return Fault("", f"the file has {size:,} bytes; a study file has at most {MAX_BYTES:,}; name another file")


class _TooMuchError(yaml.MarkedYAMLError):
    """The text is larger or deeper than any study file."""


class _Loader(yaml.SafeLoader):
    """Counts what it composes: a megabyte can hold half a million values, or as many brackets in one another."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nodes += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            found, most = f"more than {MAX_DEPTH} lists or mappings stand in one another here", "at most 5"
            raise self._too_much(f"{found}; a study file has {most}; write it flatter")
        if self._nodes > MAX_NODES:
            raise self._too_much(f"more than {MAX_NODES:,} keys and values; a study file is smaller; shorten it")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _too_much(self, message: str) -> _TooMuchError:
        return _TooMuchError(problem=message, problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # of types-PyYAML


_BRACKETS = "that opens here is not closed, or lacks a comma; check its brackets and commas"
_LINE = "this line is neither 'key: value' nor indented like its neighbours; check the colon and the spaces"
_TAG = "a ! begins a tag here, which a study file does not have; quote the text, or remove the tag"
_ALIAS = "a & or * begins an alias here, which a study file does not have; quote the text, or write it out"
_CAUSES = (
    ("'\\t'", "a tab stands here; use spaces", False),
    ("single document", "a second document begins here; a study file holds one; remove the ---", False),
    ("unexpected end of stream", "the quote that opens here is never closed; close it", True),
    ("unexpected document separator", "the quote that opens here is not closed before the ---; close it", True),
    ("double-quoted", "\\ begins an escape that YAML does not know; write \\\\, or use single quotes", False),
    ("directive", "a line that begins with % is an order to YAML; a study file has none; remove it", False),
    ("incompatible YAML", "a line that begins with % is an order to YAML; a study file has none; remove it", False),
    ("a tag", _TAG, False),
    ("undefined tag", _TAG, False),
    ("undefined alias", _ALIAS, False),
    ("an alias", _ALIAS, False),
    ("an anchor", _ALIAS, False),
    ("duplicate anchor", _ALIAS, False),
    ("block scalar", "| or > has more behind it than +, - or a digit; begin the text in the next line", True),
    ("flow sequence", f"the list [ {_BRACKETS}", True),
    ("flow mapping", f"the mapping {{ {_BRACKETS}", True),
    ("'<stream end>'", "the file ends before its last list or mapping does; close the brackets", False),
    ("mapping values are not allowed",
     "a second ':' stands in this line, or it is indented too far; quote the text or align the line", False),
    ("sequence entries are not allowed",
     "a list begins in the line of its key; begin it in the next line, or write [a, b]", False),
    ("block mapping", _LINE, False),
    ("block collection", _LINE, False),
    ("simple key", _LINE, False),
    ("cannot start any token", "this sign cannot begin a value; quote the text", False),
)  # fmt: skip


def _explain(error: yaml.MarkedYAMLError) -> tuple[str, yaml.Mark | None]:
    """Return the cause and its fix in one line, and where to look: where a bracket opens, not where the file ends."""
    here = error.problem_mark or error.context_mark
    if isinstance(error, _TooMuchError):
        return str(error.problem), here
    said = f"{error.context or ''} {error.problem or ''}"
    for needle, message, where_it_begins in _CAUSES:
        if needle in said:
            return f"not valid YAML: {message}", (error.context_mark or here) if where_it_begins else here
    return "not valid YAML: this cannot be read as a key or a value; quote it, or check the line above", here
