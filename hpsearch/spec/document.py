"""A YAML text -> plain values, and the line and column of each: YAML 1.2's plain meaning, no surprises.

PyYAML implements YAML 1.1, where `no` is false, `1e-3` text, `010` eight and `1:30` ninety, and where the last of two
equal keys wins in silence. Here only true/false are booleans, 1e-3 is a number, and the rest is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from hpsearch.errors import Fault, SpecError, as_written, shortened
from hpsearch.spec.yaml_text import compose

KeyPath = tuple[str | int, ...]
Marks = dict[KeyPath, tuple[int, int]]

MAX_DIGITS = 300

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = re.compile(r"[-+]?\.?[0-9][0-9a-zA-Z_.:+-]*")
_AMBIGUOUS = re.compile(
    r"[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?|[0-9]+_[0-9_]*(\.[0-9_]*)?)"
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
    node = compose(content, source)
    reader = _Reader()
    values = reader.read(node, ()) if node is not None else None
    if not isinstance(values, dict):
        found = "nothing" if values is None else f"a {'list' if isinstance(values, list) else 'single value'}"
        message = f"found {found}; a study file is a mapping; begin it with data: {{csv: FILE, target: COLUMN}}"
        raise SpecError(reader.faults or [Fault("", message, 1)], source)
    return Document(values, reader.marks, tuple(reader.faults), tuple(reader.unread))


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
        if refused := self._refused(node):
            return self._give_up(node, path, refused)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _refused(self, node: yaml.Node) -> str:
        """Return why a node has no place here: it is an alias, bears a tag, or is text that no file can hold."""
        if id(node) in self._seen:
            return "an alias (*name) repeats a part of the file; write it out"
        self._seen.add(id(node))
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        implied = _RESOLVER.resolve(type(node), node.value, (plain, not plain))  # type: ignore[no-untyped-call]  # of types-PyYAML
        if node.tag != implied:
            tag = as_written(node.tag.replace("tag:yaml.org,2002:", "!!"))
            return f"the tag {tag} is not allowed; remove it"
        if isinstance(node, yaml.ScalarNode):
            try:  # JSON writes a character beyond 65,535 as two halves, and PyYAML leaves them apart
                node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                return f"{as_written(node.value)} has half a character in it; write the character itself"
        return ""

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                shape = "a mapping" if isinstance(key_node, yaml.MappingNode) else "a list"
                self._fault(key_node, path, f"{shape} stands where a key is; a key is a name; write name: value")
                continue
            if refused := self._refused(key_node):
                self._fault(key_node, path, refused)
                continue
            key, here = str(key_node.value), (*path, str(key_node.value))
            if key in values:
                first = self.marks[here][0]
                message = f"{as_written(key)} stands twice, the first time in line {first}; remove one"
                self._fault(key_node, here, message)
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
        if len(text) > MAX_DIGITS and _DIGITS.fullmatch(text):
            message = f"found a number of {len(text):,} signs; a number has at most {MAX_DIGITS}; round it, or quote it"
            return self._give_up(node, path, message)
        if _AMBIGUOUS.fullmatch(text):
            return self._give_up(node, path, _ambiguous(text))
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            if abs(value := float(text)) < float("inf"):
                return value
            return self._give_up(
                node, path, f"{shortened(text, 60)} is too large; a number is below 1.8e308; write a smaller one"
            )
        return text

    def _give_up(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.unread.append(".".join(map(str, path)))
        self._fault(node, path, message)

    def _fault(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.faults.append(Fault(".".join(map(str, path)), message, *_position(node)))


def _ambiguous(text: str) -> str:
    """Say what YAML 1.1 makes of a number that other readers read otherwise."""
    found = shortened(text, 60)
    sign, digits = (-1 if text[0] == "-" else 1), text.lstrip("+-").replace("_", "").lower()
    try:
        if ":" in digits:
            value = 0.0
            for part in digits.split(":"):
                value = value * 60 + float(part)
        elif digits[:2] in ("0x", "0b", "0o"):
            value = int(digits, 0)
        else:
            value = float(digits) if "." in digits or digits[0] != "0" else int(digits, 8)
    except ValueError:
        return f"{found} is ambiguous; not every reader takes it for a number; write it in plain decimals, or quote it"
    return (
        f"{found} is ambiguous; some readers take it for {sign * value:.15g}; write it in plain decimals, or quote it"
    )


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
