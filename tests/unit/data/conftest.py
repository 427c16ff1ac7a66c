from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpsearch.spec.load import make_spec
from hpsearch.spec.sections import DataSection, StudySpec

STUDIES = Path(__file__).parents[3] / "studies"


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., tuple[DataSection, Path]]:
    """Write a CSV file and return the section that names it, and its folder."""

    def write(
        content: str | bytes, name: str = "rows.csv", target: str = "y", **options: Any
    ) -> tuple[DataSection, Path]:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return DataSection(csv=name, target=target, **options), tmp_path

    return write


@pytest.fixture
def study() -> Callable[..., StudySpec]:
    """Return a study of the data that ship."""

    def make(prepare: dict[str, Any] | None = None, folder: Path = STUDIES, **data: Any) -> StudySpec:
        given = data or {"csv": "data/bike_sharing.csv.gz", "target": "cnt", "drop": ["casual", "registered"]}
        return make_spec({"data": given, "prepare": prepare or {}}, folder=folder)

    return make
