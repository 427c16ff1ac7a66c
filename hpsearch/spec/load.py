"""A study file -> `StudySpec`, or one `SpecError` that holds every fault with its line, path and fix."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hpsearch.errors import Fault, SpecError
from hpsearch.spec.document import KeyPath, Marks, read_document
from hpsearch.spec.section import Section
from hpsearch.spec.sections import DataSection, SpaceSection, SplitSection, StudySpec
from hpsearch.spec.wording import in_our_words
from hpsearch.spec.yaml_text import MAX_BYTES, too_large


def load_spec(path: str | Path) -> StudySpec:
    """Read a study file. Raises `SpecError` with all its faults."""
    file, source = Path(path), str(path)
    document = read_document(_content(file, source), source)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:100] or "study"
    values, found = {"name": name} | document.values, list(document.faults)
    try:
        spec = make_spec(values, source=source, folder=file.absolute().parent, marks=document.marks)
    except SpecError as error:
        found += [fault for fault in error.faults if not _about_unread(f"{fault.field}.", document.unread)]
    if found:
        raise SpecError(_in_order(found), source)
    return spec


def _about_unread(field: str, unread: Iterable[str]) -> bool:
    """Tell whether a fault's field is one that could not be read, or lies in one, or holds one: null is there now."""
    return any(field.startswith(f"{path}.") or f"{path}.".startswith(field) for path in unread)


def _content(file: Path, source: str) -> bytes:
    """Return what is in a study file, read no further than one can be long."""
    try:
        if not file.is_file():
            raise SpecError([Fault("", _no_file(file))], source)
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise SpecError([too_large(file.stat().st_size)], source)
            return content
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}; name a study file that user {os.getuid()} may read"
    except ValueError:
        reason = "no file can have this name; name a study file"  # a null character in it
    raise SpecError([Fault("", reason)], source)


def _no_file(file: Path) -> str:
    """Say what stands where a study file is looked for, by its whole path."""
    if file.is_dir():
        return f"{file.resolve()} is a folder; name a study file in it{_nearby(file, file / 'study')}"
    if file.exists():
        return f"{file.resolve()} is a device or a pipe; name a study file"
    if "://" in str(file) or re.match(r"\w{2,}:/", str(file)):
        return "this is an address; download the study file and name it"
    return f"there is no file {file.absolute()}; name a study file{_nearby(file.parent, file)}"


def _nearby(folder: Path, wanted: Path) -> str:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return ""
    names = {path.stem: path.name for path in found if path.suffix in (".yaml", ".yml")}
    close = get_close_matches(wanted.stem, names, n=1)
    if close:
        return f", did you mean '{names[close[0]]}'?"
    return f", there are: {', '.join(list(names.values())[:10])}" if names else ""


def make_spec(
    values: dict[str, Any], *, source: str = "study", folder: Path | None = None, marks: Marks | None = None
) -> StudySpec:
    """Make a `StudySpec` from plain values; relative data paths start from `folder`. Raises `SpecError`."""
    marks, inside = marks or {}, {} if folder is None else {"folder": folder}
    own = {key: value for key, value in values.items() if key != "folder"}
    found = [_placed(("folder",), "'folder' is not known here; remove it", marks)] if len(own) < len(values) else []
    try:
        spec = StudySpec.model_validate(own | inside)
    except ValidationError as error:
        errors = _but_for_misspelt(error.errors())
        found += [fault for details in errors for fault in _faults(details, marks)]
        found += [_placed(path, text, marks) for path, text in _faults_behind(own, {_path(d) for d in errors})]
    else:
        if spec.model is None:  # what a hypermodel searches is discovered later
            faults = _start_with_faults(spec.space, spec.search.start_with)
            found += [_placed(path, text, marks) for path, text in (*faults, *_grid_faults(spec))]
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


def _grid_faults(spec: StudySpec) -> list[tuple[KeyPath, str]]:
    """Return the rows that a grid cannot walk."""
    if spec.search.sampler.name != "grid":
        return []
    message = "is continuous, which a grid cannot walk; list choices or give a step"
    named = spec.space.domains()
    return [
        (("space", row) if row in named else ("search", "sampler"), f"{row} {message}")
        for row in spec.build_space().continuous()
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
    return [_placed(path, in_our_words(details, path), marks)]


def _split(at: str) -> KeyPath:
    return tuple(at.split(".")) if at else ()


def _path(details: ErrorDetails) -> KeyPath:
    location = details["loc"]
    if location[:2] == ("space", "per_layer"):
        return ("space", "neurons", "per_layer")
    if location[2:3] == ("validation",) and location[3:]:
        return (*location[:3], *location[4:])  # behind it pydantic says which of the two, a share or folds, it tried
    return location


def _placed(path: KeyPath, message: str, marks: Marks) -> Fault:
    """Put a fault at the nearest place the file has for its path."""
    at: KeyPath = ()
    for part in path:
        numbered = (*at, int(part)) if isinstance(part, str) and re.fullmatch("[0-9]{1,9}", part) else at
        nearest = next((longer for longer in ((*at, part), numbered) if len(longer) > len(at) and longer in marks), at)
        if nearest == at:
            break
        at = nearest
    return Fault(".".join(map(str, path)), message, *(marks[at] if at else ()))
