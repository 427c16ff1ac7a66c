"""Single values of a study file, read and refused in our words: whole numbers, durations, workers, paths."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from hpsearch.errors import as_written


def faults(found: list[tuple[str, str]]) -> PydanticCustomError:
    """Return a validation error whose texts are ours: (sub-field, message)."""
    return PydanticCustomError("hpsearch", "{text}", {"text": "; ".join(text for _, text in found), "faults": found})


def fault(message: str) -> PydanticCustomError:
    """Return a validation error of the field itself."""
    return faults([("", message)])


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]

_UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86400}


def parse_duration(given: object) -> float:
    """Return seconds from a number of seconds or a text: `90`, `90s`, `10min`, `1.5h`, `1h 30min`."""
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1e10:
        return float(given)
    text = given if isinstance(given, str) else ""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
    if parts and not re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)", "", text).strip() and all(u in _UNITS for _, u in parts):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if 0 < seconds < 1e10:
            return seconds
    raise fault(f"{as_written(given)} is no duration; write a number of seconds or 30s, 10min, 1.5h")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


def check_workers(given: Any) -> Any:
    """Return how many workers are asked for, unchanged if it is auto, inline or 1..1024, else raise."""
    count = _whole(given)
    if given in ("auto", "inline") or (isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= 1024):
        return count
    raise fault(f"{as_written(given)} is no number of workers; give auto, inline or a number from 1 to 1024")


def _check_path(given: Any) -> Any:
    """Return what may be a path, read from where the study file is; refuse what can be none."""
    if isinstance(given, str) and "://" in given:
        raise fault(f"{as_written(given)} is an address; data are read from files; download it and give its path")
    if isinstance(given, str) and "\0" in given:
        raise fault(f"{as_written(given)} has a null character in it; no file has; give the path of a file")
    return given


DataPath = Annotated[str, BeforeValidator(_check_path)]
