"""A YAML text -> plain values, and the line and column of each: YAML 1.2's plain meaning, no surprises.

PyYAML implements YAML 1.1, where `no` is false, `1e-3` text, `010` eight and `1:30` ninety, and where the last of two
equal keys wins in silence. Here only true/false are booleans, 1e-3 is a number, and the rest is refused by name.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from hpsearch.errors import Fault, SpecError

Path = tuple[str | int, ...]
Marks = dict[Path, tuple[int, int]]

MAX_BYTES = 1_000_000
MAX_NODES = 10_000

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
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"), ".NaN": float("nan"),
}  # fmt: skip


def read_document(content: bytes, source: str) -> tuple[dict[str, Any], Marks]:
    """Return the mapping a study file holds and the (line, column) of each path in it.

    Raises `SpecError` with every fault of the text: syntax, duplicate keys, ambiguous numbers, tags, aliases.
    """
    node = _compose(_decode(content, source), source)
    reader = _Reader()
    values = reader.read(node, ()) if node is not None else None
    if not reader.faults and not isinstance(values, dict):
        found = "nothing" if values is None else f"a {'list' if isinstance(values, list) else 'single value'}"
        reader.faults.append(Fault("", f"found {found}; a study file is a mapping that begins with data:", 1))
    if reader.faults:
        raise SpecError(reader.faults, source)
    assert isinstance(values, dict)
    return values, reader.marks


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
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        if "'\\t'" in message:
            message = "a tab indents this line; use spaces"
        if "expected a single document" in message:
            message = "a second document begins here; a study file holds one"
        at = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise SpecError([Fault("", f"not valid YAML: {message}", *at)], source) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError([Fault("", f"not valid YAML: {str(error).splitlines()[0]}")], source) from None


class _Reader:
    """Walks the nodes once: values, marks, and what is wrong."""

    def __init__(self) -> None:
        self.marks: Marks = {}
        self.faults: list[Fault] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.marks.setdefault(path, _position(node))
        if id(node) in self._seen:
            return self._fault(node, path, "an alias (*name) repeats a part of the file; write it out")
        self._seen.add(id(node))
        if len(self._seen) == MAX_NODES:
            self._fault(node, path, f"more than {MAX_NODES:,} values; a study file is smaller")
        if len(self._seen) >= MAX_NODES:
            return None
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            return self._fault(node, path, f"the tag {node.tag} is not allowed; remove it")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "a key must be a plain name")
                continue
            key, here = str(key_node.value), (*path, str(key_node.value))
            if key in values:
                first = self.marks[here][0]
                self._fault(key_node, here, f"stands twice, first in line {first}; remove one")
                continue
            self.marks[here] = _position(key_node)
            values[key] = self.read(value_node, here)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        if node.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        for pattern, fix in _AMBIGUOUS:
            if pattern.fullmatch(text):
                return self._fault(node, path, f"{text} is ambiguous: {fix}")
        if _INT.fullmatch(text):
            return int(text) if len(text) <= 300 else float("inf")
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _fault(self, node: yaml.Node, path: Path, message: str) -> None:
        self.faults.append(Fault(".".join(map(str, path)), message, *_position(node)))


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
