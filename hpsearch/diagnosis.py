"""What `hpsearch doctor` finds wrong, as plain data: who examines changes nothing, and says what would be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Check = Literal["files", "trials", "runs", "package"]
"""Where it is wrong: in the study's own files, in its trials, in MLflow's runs, in the model package."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a study."""

    check: Check
    what: str
    """a sentence: what was found, and where"""
    remedy: str
    """what a repair does; where there is none, what a person can do"""
    repairable: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def listed(noun: str, names: Sequence[object], most: int = 8) -> str:
    """Return `trial 3`, or `trials 3, 5, 8`; of more than `most` the first, and how many there are."""
    shown = ", ".join(map(str, names[:most])) + (f", ... ({len(names)} in all)" if len(names) > most else "")
    return f"{noun}{'s' if len(names) > 1 else ''} {shown}"
