"""What differs between the study file a study began with and the one it is resumed with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch.spec.sections import StudySpec

FREE = frozenset(
    f"search.{name}"
    for name in (
        "trials", "timeout", "trial_timeout", "workers", "worker_memory", "keep_models", "stop_at", "start_with",
    )
) | {"description"}  # fmt: skip
"""Fields that change no result of a trial, and may differ from launch to launch; as may all of `winner`."""


def differences(began: Mapping[str, Any], now: Mapping[str, Any], *, but_space: bool = False) -> list[str]:
    """Return a line for each field that decides results and differs: `search.seed: 0 -> 1`.

    but_space: leave out the space, which a study may change and keep the trials that still fit (`search/widen.py`).
    """
    old, new = dict(_flat(began)), dict(_flat(now))
    names = [*old, *(name for name in new if name not in old)]
    left_out = {"winner", "space"} if but_space else {"winner"}
    of_space = _OF_A_HYPERMODEL if but_space else frozenset()
    return [
        _line(name, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
        and name not in FREE
        and name.partition(".")[0] not in left_out
        and name not in of_space
        and not name.startswith(tuple(f"{part}." for part in of_space))
    ]


def read_values(spec: StudySpec) -> dict[str, Any]:
    """Return what a study file says, field by field, as it was read: `{"space.learning_rate": 0.001}`."""
    return dict(_flat(spec.model_dump(mode="json", exclude_unset=True)))


_OF_A_HYPERMODEL = frozenset({"model.digest", "model.parameters", "model.space"})
"""What follows from the hypermodel's file, and how the study file narrows it."""


def _line(name: str, old: object, new: object) -> str:
    if name == "model.digest":
        return f"{name}: {str(old)[:12]} -> {str(new)[:12]} (the hypermodel's file is not the same)"
    if name == "model.parameters":
        return f"{name}: the hypermodel asks for other parameters than it did"
    return f"{name}: {old!r} -> {new!r}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
