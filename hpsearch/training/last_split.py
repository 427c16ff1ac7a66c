"""What a trainer keeps in memory between two jobs: the rows of the split it trained last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from hpsearch.data.dataset import Dataset

T = TypeVar("T")


class LastSplit(Generic[T]):
    """Loads a split when a job first asks for it, and holds it until a job asks for another."""

    def __init__(self, load: Callable[[Dataset, int], T]) -> None:
        self._load = load
        self._held: tuple[tuple[Path, str, int], T] | None = None

    def of(self, data: Dataset, split: int) -> T:
        """Return what `load` makes of the split."""
        key = (data.folder, data.digest, split)
        if self._held is None or self._held[0] != key:
            self._held = None  # the old rows go before the new ones come
            self._held = (key, self._load(data, split))
        return self._held[1]
