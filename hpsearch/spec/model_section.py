"""The section of a study file that names a keras-tuner hypermodel in the place of the table's nets."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from hpsearch.errors import as_written
from hpsearch.spec.section import Section
from hpsearch.spec.values import fault


def _hypermodel_name(given: Any) -> Any:
    if isinstance(given, str) and re.fullmatch(r".+\.py:[A-Za-z_][A-Za-z0-9_]*", given):
        return given
    raise fault(f"{as_written(given)} names no hypermodel; write FILE.py:NAME, a HyperModel or a function build(hp)")


class ModelSection(Section):
    """A keras-tuner hypermodel in the place of the table's nets. Its file is run: name one that you trust."""

    hypermodel: Annotated[str, BeforeValidator(_hypermodel_name)] = Field(
        description="FILE.py:NAME of a HyperModel or a function build(hp), relative to the study file; it is run"
    )
    space: dict[str, Any] = Field(
        default_factory=dict, description="parameters of the hypermodel that the study fixes, narrows or lists"
    )
    digest: SkipJsonSchema[str | None] = None
    """sha256 of the file; with what follows it is written into `study.json` once the space is discovered"""
    parameters: SkipJsonSchema[list[dict[str, Any]] | None] = None
    """what was found (`space/hypermodel.py`)"""

    @property
    def file(self) -> str:
        """The file, as the study file writes it."""
        return self.hypermodel.rpartition(":")[0]
