"""A study file -> `StudySpec`, or one `SpecError` that holds every fault with its line, path and fix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hpsearch.errors import Fault, SpecError, suggestion
from hpsearch.spec.document import Marks, read_document
from hpsearch.spec.sections import Section, StudySpec

_KINDS = {"int_type": "a whole number", "float_type": "a number", "string_type": "text", "bool_type": "true or false"}
_KINDS |= {
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "int_from_float": "a whole number",
}


_BOUNDS = {"greater_than": "above", "greater_than_equal": "of at least"}
_BOUNDS |= {"less_than": "below", "less_than_equal": "of at most"}


def load_spec(path: str | Path) -> StudySpec:
    """Read a study file. Raises `SpecError` with all its faults."""
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = "is a folder; name a study file" if file.is_dir() else f"cannot be read: {error.strerror or error}"
        raise SpecError([Fault("", f"{reason}{_nearby(file)}")], str(path)) from None
    values, marks = read_document(content, str(path))
    values.setdefault("name", re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "study")
    return make_spec(values, source=str(path), folder=file.absolute().parent, marks=marks)


def make_spec(
    values: dict[str, Any], *, source: str = "study", folder: Path | None = None, marks: Marks | None = None
) -> StudySpec:
    """Make a `StudySpec` from plain values; relative data paths start from `folder`. Raises `SpecError`."""
    try:
        spec = StudySpec.model_validate(values | ({"folder": folder} if folder else {}))
    except ValidationError as error:
        found = [fault for details in error.errors() for fault in _faults(details, marks or {})]
        raise SpecError(sorted(dict.fromkeys(found), key=lambda f: (f.line or 0, f.column or 0)), source) from None
    problems = _start_with_faults(spec)
    if problems:
        raise SpecError([_placed(("search", "start_with", i), text, marks or {}) for i, text in problems], source)
    return spec


def _start_with_faults(spec: StudySpec) -> list[tuple[int, str]]:
    space = spec.space.build()
    return [(i, text) for i, given in enumerate(spec.search.start_with) for text in space.faults(given)]


def _faults(details: ErrorDetails, marks: Marks) -> list[Fault]:
    path, union = _path(details), details["loc"][-1:]
    if union == ("float",) and isinstance(details["input"], dict):
        return []
    if union == ("FoldsSection",):
        return [_placed(path, f"{details['input']!r} is neither a share such as 0.2 nor {{folds: 5}}", marks)]
    context = details.get("ctx", {})
    if details["type"] == "hpsearch":
        return [_placed((*path, *at.split(".")) if at else path, text, marks) for at, text in context["faults"]]
    return [_placed(path, _message(details, path, context), marks)]


def _path(details: ErrorDetails) -> tuple[str | int, ...]:
    """Drop what pydantic adds to a location to tell a union's members apart."""
    field = (str, int)
    return tuple(
        part for part in details["loc"]
        if isinstance(part, field) and not (isinstance(part, str) and _UNION_MEMBER.fullmatch(part))
    )  # fmt: skip


_UNION_MEMBER = re.compile(r"float|bool|int|str|FoldsSection|literal\[.*\]|function-.*|constrained-.*|NoneType")


def _message(details: ErrorDetails, path: tuple[str | int, ...], context: dict[str, Any]) -> str:
    given, kind = details["input"], details["type"]
    if kind == "extra_forbidden":
        return f"'{path[-1]}' is not known here{suggestion(str(path[-1]), _known(path[:-1]))}"
    if kind == "missing":
        return f"'{path[-1]}' is missing; it is required"
    if kind in _KINDS:
        return f"{given!r} is not {_KINDS[kind]}"
    if kind == "literal_error":
        return f"{given!r} is not allowed; it takes {context['expected']}"
    if kind in _BOUNDS:
        return f"{given!r} is out of bounds; give a number {_BOUNDS[kind]} {next(iter(context.values())):g}"
    if kind == "finite_number":
        return f"{given!r} must be finite"
    text = details["msg"]
    return f"{given!r}: {text[0].lower()}{text[1:]}"


def _known(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys a section knows, by walking the models along a path."""
    model: type[Section] = StudySpec
    for part in path:
        field: FieldInfo | None = model.model_fields.get(str(part))
        sections = _models(field.annotation) if field else []
        if not sections:
            return []
        model = sections[0]
    return [name for name, field in model.model_fields.items() if name not in ("folder", "per_layer")]


def _models(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]


def _placed(path: tuple[str | int, ...], message: str, marks: Marks) -> Fault:
    """Put a fault at the nearest place the file has for its path."""
    exact: tuple[str | int, ...] = tuple(int(p) if isinstance(p, str) and p.isdigit() else p for p in path)
    for end in range(len(exact), 0, -1):
        if exact[:end] in marks:
            return Fault(".".join(map(str, path)), message, *marks[exact[:end]])
    return Fault(".".join(map(str, path)), message)


def _nearby(file: Path) -> str:
    if not file.parent.is_dir() or file.is_dir():
        return ""
    names = sorted(p.name for p in file.parent.iterdir() if p.suffix in (".yaml", ".yml"))
    return suggestion(file.name, names).replace("known:", "study files there:") if names else ""
