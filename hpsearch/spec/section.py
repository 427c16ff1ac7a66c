"""What all sections of a study file share."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from hpsearch.spec.values import faults


class Section(BaseModel):
    """What all sections share: unknown keys, silent conversions, NaN and later changes are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def conflicts(self) -> list[tuple[str, str]]:
        """Return (field, message) for fields that are right each by itself, but not together."""
        return []

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        found = self.conflicts()
        if found:
            raise faults(found)
        return self
