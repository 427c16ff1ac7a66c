"""Studies on disk for the tests of what reads and writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from fakes import small_space
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFolder
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.space.space import Configuration, Space
from hpsearch.spec.sections import SearchSection


def open_study(journal: Path, space: Space | None = None, **search: Any) -> OptunaStudy:
    section = SearchSection.model_validate({"sampler": "random"} | search)
    return OptunaStudy(journal, section, small_space() if space is None else space, "minimize", 3)


def open_book(folder: Path) -> Book:
    return Book(StudyFolder(folder), "minimize", 3)


def net(rate: float, depth: int = 0) -> Configuration:
    """A configuration of the small space."""
    hidden = {f"neurons_{i}": 4 for i in range(1, depth + 1)} | {"activation": "relu"} if depth else {}
    common = {"optimizer": "adam", "learning_rate": rate, "batch_size": 16, "epochs": 3}
    return {"hidden_layers": depth} | hidden | ({"dropout": 0.0} if depth else {}) | common


def trials_in(journal: Path) -> list[FrozenTrial]:
    """What Optuna itself reads in a journal."""
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.load_study(storage=storage, study_name="study").get_trials()
