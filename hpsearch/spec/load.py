"""A study file -> `StudySpec`, or one `SpecError` that holds every fault with its line, path and fix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hpsearch.errors import Fault, SpecError, as_written, suggestion
from hpsearch.spec.document import KeyPath, Marks, read_document
from hpsearch.spec.sections import DataSection, Section, SpaceSection, SplitSection, StudySpec

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
    document = read_document(content, str(path))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:100] or "study"
    values, found = {"name": name} | document.values, list(document.faults)
    try:
        spec = make_spec(values, source=str(path), folder=file.absolute().parent, marks=document.marks)
    except SpecError as error:
        unread = tuple(f"{path}." for path in document.unread)
        found += [fault for fault in error.faults if not f"{fault.field}.".startswith(unread)]
    if found:
        raise SpecError(_in_order(found), str(path))
    return spec


def make_spec(
    values: dict[str, Any], *, source: str = "study", folder: Path | None = None, marks: Marks | None = None
) -> StudySpec:
    """Make a `StudySpec` from plain values; relative data paths start from `folder`. Raises `SpecError`."""
    marks, inside = marks or {}, {} if folder is None else {"folder": folder}
    own = {key: value for key, value in values.items() if key != "folder"}
    found = [_placed((key,), f"'{key}' is not known here; remove it", marks) for key in values.keys() - own.keys()]
    try:
        spec = StudySpec.model_validate(own | inside)
    except ValidationError as error:
        errors = _but_for_misspelt(error.errors())
        found += [fault for details in errors for fault in _faults(details, marks)]
        found += [_placed(path, text, marks) for path, text in _faults_behind(own, {_path(d) for d in errors})]
    else:
        if spec.model is None:  # what a hypermodel searches is discovered later
            faults = _start_with_faults(spec.space, spec.search.start_with)
            found += [_placed(path, text, marks) for path, text in faults]
    if found:
        raise SpecError(_in_order(found), source)
    return spec


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line or 0, fault.column or 0))


def _start_with_faults(space: SpaceSection, configurations: list[dict[str, Any]]) -> list[tuple[KeyPath, str]]:
    built = space.build()
    return [
        (("search", "start_with", index), text)
        for index, given in enumerate(configurations)
        for text in built.faults(built.completed(given))
    ]


def _faults_behind(values: dict[str, Any], faulty: set[KeyPath]) -> list[tuple[KeyPath, str]]:
    """Return what pydantic did not come to: it compares the fields of a section only once each is right by itself."""
    found: list[tuple[KeyPath, str]] = []
    for path in (("data",), ("data", "split")):
        if any(at[: len(path)] == path and len(at) > len(path) for at in faulty):
            given: Any = values
            for key in path:
                given = given.get(key) if isinstance(given, dict) else None
            if isinstance(given, dict):
                section = _tolerant(DataSection if len(path) == 1 else SplitSection, given, path, faulty)
                found += [((*path, *_split(at)), text) for at, text in section.conflicts()]
    start_with = ("search", "start_with")
    if "model" not in values and not any(
        at[:1] == ("space",) or at == ("search",) or at[:2] == start_with for at in faulty
    ):
        search = values.get("search") or {}
        found += _start_with_faults(SpaceSection.model_validate(values.get("space", {})), search.get("start_with", []))
    return found


def _but_for_misspelt(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what is missing only because its key is misspelt."""
    unknown = [_path(details) for details in errors if details["type"] == "extra_forbidden"]

    def misspelt(path: KeyPath) -> bool:
        siblings = [str(at[-1]) for at in unknown if at[:-1] == path[:-1]]
        return bool(get_close_matches(str(path[-1]), siblings, n=1))

    return [details for details in errors if details["type"] != "missing" or not misspelt(_path(details))]


def _tolerant(model: type[Section], given: dict[str, Any], path: KeyPath, faulty: set[KeyPath]) -> Section:
    """Make a section of what is right in it: misspelt keys count as what they were meant for, wrong values as given."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        close = [key] if key in model.model_fields else get_close_matches(str(key), model.model_fields, n=1)
        field = model.model_fields[close[0]] if close else None
        here = (*path, key)
        if field is None or close[0] in values:
            continue
        if close[0] == "split":
            values["split"] = _tolerant(SplitSection, value if isinstance(value, dict) else {}, here, faulty)
        elif not any(at[: len(here)] == here for at in faulty):
            values[close[0]] = value
        elif field.default is None:
            values[close[0]] = value if isinstance(value, str) else "?"
    return model.model_construct(**values)


def _faults(details: ErrorDetails, marks: Marks) -> list[Fault]:
    path = _path(details)
    if details["loc"][-1:] == ("float",) and path == details["loc"][:-1]:
        return []  # a mapping is no share: what is wrong with it as folds stands in another fault
    if details["type"] == "hpsearch":
        return [_placed((*path, *_split(at)), text, marks) for at, text in details["ctx"]["faults"]]
    return [_placed(path, _message(details, path), marks)]


def _split(at: str) -> KeyPath:
    return tuple(at.split(".")) if at else ()


def _path(details: ErrorDetails) -> KeyPath:
    location = details["loc"]
    if location[:2] == ("space", "per_layer"):
        return ("space", "neurons", "per_layer")
    if location[2:3] == ("validation",) and location[3:]:
        return (*location[:3], *location[4:])  # behind it pydantic says which of the two, a share or folds, it tried
    return location


def _message(details: ErrorDetails, path: KeyPath) -> str:
    given, kind, context = as_written(details["input"]), details["type"], details.get("ctx", {})
    name = str(path[-1]) if path else "the study"
    if kind == "extra_forbidden":
        return f"'{name}' is not known here{suggestion(name, _known(path[:-1]))}"
    if kind == "missing":
        return f"'{name}' is missing; add it" + (", as data: {csv: FILE, target: COLUMN}" if path == ("data",) else "")
    if kind == "model_type" and details["input"] is None:
        return f"'{name}' is empty; give it keys, or remove the line"
    if kind in _KINDS:
        return f"{given} is not {_KINDS[kind]}; write {'one' if _KINDS[kind].startswith('a ') else _KINDS[kind]}"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        hint = suggestion(str(details["input"]), allowed)
        return f"{given} is not allowed; {name} takes {', '.join(allowed)}{'' if hint.startswith('; known') else hint}"
    if kind in _BOUNDS:
        return f"{given} is out of bounds; give a number {_BOUNDS[kind]} {next(iter(context.values())):,}"
    if kind == "finite_number":
        return f"{given} is not finite; give a number that is"
    if kind in ("string_too_long", "string_too_short"):
        return f"{given} is not allowed; {name} is one character"
    if kind == "too_short":
        return f"{given} is empty; list at least one, or remove '{name}'"
    return f"{given} is not allowed here; see what hpsearch schema prints"


def _known(path: KeyPath) -> list[str]:
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


def _placed(path: KeyPath, message: str, marks: Marks) -> Fault:
    """Put a fault at the nearest place the file has for its path."""
    exact: KeyPath = tuple(int(p) if isinstance(p, str) and p.isdigit() else p for p in path)
    for end in range(len(exact), 0, -1):
        if exact[:end] in marks:
            return Fault(".".join(map(str, path)), message, *marks[exact[:end]])
    return Fault(".".join(map(str, path)), message)


def _nearby(file: Path) -> str:
    if not file.parent.is_dir() or file.is_dir():
        return ""
    names = {path.stem: path.name for path in sorted(file.parent.iterdir()) if path.suffix in (".yaml", ".yml")}
    close = get_close_matches(file.stem, names, n=1)
    if close:
        return f"; did you mean '{names[close[0]]}'?"
    return f"; study files there: {', '.join(names.values())}" if names else ""
