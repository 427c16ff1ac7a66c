"""What pydantic finds wrong with a value, in our words: what was found; what is allowed; how to fix it."""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hpsearch.errors import as_written, suggestion
from hpsearch.spec.document import KeyPath
from hpsearch.spec.section import Section
from hpsearch.spec.sections import StudySpec

_NUMBERS = {"int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number"}
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def in_our_words(details: ErrorDetails, path: KeyPath) -> str:
    """Return the message of one of pydantic's errors, for the field at `path`."""
    given, kind = as_written(details["input"]), details["type"]
    last = str(path[-1]) if path else "the study"
    name = next((part for part in reversed(path) if isinstance(part, str)), last)
    if kind == "extra_forbidden":
        return f"{as_written(last)} is not known here{_hint(last, path[:-1])}"
    if kind == "missing":
        return f"'{last}' is missing; add it" + (", as data: {csv: FILE, target: COLUMN}" if path == ("data",) else "")
    if kind == "model_type" and details["input"] is None:
        return f"'{last}' is empty; give it keys, or remove the line"
    if kind in _NUMBERS:
        return f"{given} is not {_NUMBERS[kind]}; {_takes(name, path)}"
    if kind == "finite_number":
        return f"{given} is not finite; {_takes(name, path)}"
    if kind in _BOUNDS:
        return f"{given} is out of bounds; {_takes(name, path)}"
    if kind in ("model_type", "dict_type"):
        return f"{given} is not a mapping; write {{KEY: VALUE}}"
    if kind == "list_type":
        return f"{given} is not a list; write [a, b]"
    if kind == "bool_type":
        return f"{given} is not true or false; write one of them"
    if kind == "string_type":
        plain = isinstance(details["input"], bool | int | float)
        return f"{given} is not text; {'quote it' if plain else 'write TEXT'}"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", details["ctx"]["expected"])
        hint = suggestion(str(details["input"]), allowed)
        return f"{given} is not allowed; {name} takes {', '.join(allowed)}{'' if hint.startswith('; known') else hint}"
    if kind in ("string_too_long", "string_too_short"):
        most = _bounds(path)["max_length"]
        return (
            f"{given} is not allowed; {name} takes {'one character' if most == 1 else f'at most {most:,} characters'}"
        )
    if kind == "too_short" and details["input"] == "":
        return f"{given} is empty; write TEXT, or remove '{name}'"
    if kind == "too_short":
        return f"{given} is empty; list at least one, or remove '{name}'"
    return f"{given} is not allowed; hpsearch schema prints what {name} takes"


def _hint(name: str, section: KeyPath) -> str:
    """Return where an unknown key belongs, or what is known in its section."""
    if (section, name) == (("search",), "direction"):
        return "; every metric brings its direction along; remove it"
    known, hint = _known(section), suggestion(name, _known(section))
    elsewhere = [] if "did you mean" in hint or not known else [at for at in _SECTIONS if name in _known(at)]
    return f"; did you mean '{'.'.join((*elsewhere[0], name))}'?" if elsewhere else hint


_SECTIONS: tuple[tuple[str, ...], ...] = (
    (), ("data",), ("data", "split"), ("prepare",), ("space",), ("search",), ("search", "early_stopping"), ("winner",)
)  # fmt: skip


def _takes(name: str, path: KeyPath) -> str:
    """Return `trials takes whole numbers 1..1000000`, as the table's rows say it."""
    field, bounds = _field(path), _bounds(path)
    low, high = bounds.get("ge", bounds.get("gt", -math.inf)), bounds.get("le", bounds.get("lt", math.inf))
    if field is not None and int in getattr(field.annotation, "__args__", (field.annotation,)):
        return f"{name} takes whole numbers {low}..{high - ('lt' in bounds)}"
    if math.isinf(high):
        return f"{name} takes numbers" + ("" if math.isinf(low) else f" of at least {low:g}")
    return f"{name} takes numbers of at least {low:g} and {'below' if 'lt' in bounds else 'at most'} {high:g}"


def _bounds(path: KeyPath) -> dict[str, Any]:
    """Return what a field's number, or its text's length, is held to: `{"ge": 1, "le": 100}`."""
    field, names = _field(path), ("ge", "gt", "le", "lt", "max_length")
    return {name: getattr(at, name) for at in (field.metadata if field else ()) for name in names if hasattr(at, name)}


def _field(path: KeyPath) -> FieldInfo | None:
    model = _section(path[:-1])
    return model.model_fields.get(str(path[-1])) if model else None


def _known(path: KeyPath) -> list[str]:
    """Return the keys a section knows."""
    model = _section(path)
    return [name for name in model.model_fields if name not in ("folder", "per_layer")] if model else []


def _section(path: KeyPath) -> type[Section] | None:
    """Return the model at a path, by walking the models along it."""
    model: type[Section] = StudySpec
    for part in path:
        field = model.model_fields.get(str(part))
        sections = _models(field.annotation) if field else []
        if not sections:
            return None
        model = sections[0]
    return model


def _models(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]
