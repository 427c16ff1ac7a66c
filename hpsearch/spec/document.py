"""A YAML text -> plain values, and the line and column of each: YAML 1.2's plain meaning, no surprises.

PyYAML implements YAML 1.1, where `no` is false, `1e-3` text, `010` eight and `1:30` ninety, and where the last of two
equal keys wins in silence. Here only true/false are booleans, 1e-3 is a number, and the rest is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from hpsearch.errors import Fault, SpecError

KeyPath = tuple[str | int, ...]
Marks = dict[KeyPath, tuple[int, int]]

MAX_BYTES = 1_000_000
MAX_NODES = 10_000
MAX_DEPTH = 20

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_AMBIGUOUS = (
    (re.compile(r"[-+]?0[0-9_]+"), "a leading zero means octal to some readers; write it without, or quote it"),
    (re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"), "write the number in decimal, or quote it"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "YAML 1.1 reads it in base 60; quote it, or write 90s"),
    (re.compile(r"[-+]?[0-9][0-9]*_[0-9_]*(\.[0-9_]*)?"), "write the number without underscores, or quote it"),
)
_CONSTANTS: dict[str, Any] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """The mapping a study file holds, the (line, column) of each path in it, and what is wrong with its values."""

    values: dict[str, Any]
    marks: Marks
    faults: tuple[Fault, ...]
    """duplicate keys, ambiguous numbers, tags, aliases"""
    unread: tuple[str, ...]
    """the dotted paths of values that could not be read: null stands in their place"""


def read_document(content: bytes, source: str) -> Document:
    """Read a study file's text. Raises `SpecError` where it is no YAML, or no mapping."""
    node = _compose(_decode(content, source), source)
    reader = _Reader()
    values = reader.read(node, ()) if node is not None else None
    if not isinstance(values, dict):
        found = "nothing" if values is None else f"a {'list' if isinstance(values, list) else 'single value'}"
        fault = Fault("", f"found {found}; a study file is a mapping that begins with data:", 1)
        raise SpecError(reader.faults or [fault], source)
    return Document(values, reader.marks, tuple(reader.faults), tuple(reader.unread))


def _decode(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise SpecError([Fault("", f"the file has {len(content):,} bytes; a study file has at most 1 MB")], source)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        raise SpecError([Fault("", message, line)], source) from None


def _compose(text: str, source: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        message, mark = _explain(error)
        at = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise SpecError([Fault("", f"not valid YAML: {message}", *at)], source) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the control character {ord(text[error.position]):#04x} stands here; remove it"
        raise SpecError([Fault("", f"not valid YAML: {message}", line)], source) from None
    except RecursionError:
        raise SpecError(
            [Fault("", f"more than {MAX_DEPTH} brackets stand in one another; remove them")], source
        ) from None


def _explain(error: yaml.MarkedYAMLError) -> tuple[str, yaml.Mark | None]:
    """Return the cause and its fix in one line, and where to look: where a bracket opens, not where the file ends."""
    context, problem, here = error.context or "", error.problem or "", error.problem_mark or error.context_mark
    begun = error.context_mark or here
    if "'\\t'" in problem:
        return "a tab stands here; use spaces", here
    if "expected a single document" in context:
        return "a second document begins here; a study file holds one, remove the ---", here
    if "quoted scalar" in context and "end of stream" in problem:
        return "the quote that opens here is never closed; close it", begun
    if "flow sequence" in context or "flow mapping" in context:
        shape = "list [" if "sequence" in context else "mapping {"
        return f"the {shape} that opens here is not closed, or lacks a comma; check its brackets and commas", begun
    if "mapping values are not allowed" in problem:
        return "a second ':' stands in this line, or it is indented too far; quote the text or align the line", here
    if "block mapping" in context or "block collection" in context or "simple key" in context:
        return (
            "this line is neither 'key: value' nor indented like its neighbours; check the colon and the spaces",
            here,
        )
    if "cannot start any token" in problem:
        return "this sign cannot begin a value; quote the text", here
    return f"{' '.join(part for part in (context, problem) if part)}; quote it if it is meant as text", here


_RESOLVER = yaml.resolver.Resolver()


class _Reader:
    """Walks the nodes once: values, marks, and what is wrong."""

    def __init__(self) -> None:
        self.marks: Marks = {}
        self.faults: list[Fault] = []
        self.unread: list[str] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self.marks.setdefault(path, _position(node))
        refused = self._refused(node)
        if len(path) > MAX_DEPTH:
            refused = f"more than {MAX_DEPTH} levels stand in one another; a study file has at most 5"
        if refused:
            return self._give_up(node, path, refused)
        if len(self._seen) == MAX_NODES:
            self._fault(node, path, f"more than {MAX_NODES:,} values; a study file is smaller")
        if len(self._seen) >= MAX_NODES:
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _refused(self, node: yaml.Node) -> str:
        """Return why a node has no place here: it is an alias, or bears a tag."""
        if id(node) in self._seen:
            return "an alias (*name) repeats a part of the file; write it out"
        self._seen.add(id(node))
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        implied = _RESOLVER.resolve(type(node), node.value, (plain, not plain))  # type: ignore[no-untyped-call]  # of types-PyYAML
        if node.tag != implied:
            return f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed; remove it"
        return ""

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "a key must be a plain name; write name: value")
                continue
            if refused := self._refused(key_node):
                self._fault(key_node, path, refused)
                continue
            key, here = str(key_node.value), (*path, str(key_node.value))
            if key in values:
                first = self.marks[here][0]
                self._fault(key_node, here, f"stands twice, first in line {first}; remove one")
                continue
            self.marks[here] = _position(key_node)
            values[key] = self.read(value_node, here)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        text = node.value
        if node.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        for pattern, fix in _AMBIGUOUS:
            if pattern.fullmatch(text):
                return self._give_up(node, path, f"{text} is ambiguous: {fix}")
        if _INT.fullmatch(text):
            return int(text) if len(text) <= 300 else float("inf")
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _give_up(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.unread.append(".".join(map(str, path)))
        self._fault(node, path, message)

    def _fault(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.faults.append(Fault(".".join(map(str, path)), message, *_position(node)))


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
