"""A study in hand: what is on disk, its spec, and where they are needed its prepared data and what the two settle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpsearch.app.results import StudyResult
from hpsearch.data.dataset import Dataset, open_dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.records import StudyInfo
from hpsearch.search.folder import StudyFile, StudyFolder
from hpsearch.search.settings import Settled, settle
from hpsearch.spec import StudySpec


@dataclass(frozen=True)
class KnownStudy:
    """A study as its own folder tells of it, without its data."""

    folder: StudyFolder
    file: StudyFile
    spec: StudySpec

    @property
    def info(self) -> StudyInfo:
        """What the study is."""
        return self.file.info


@dataclass(frozen=True)
class OpenStudy(KnownStudy):
    """What the verbs pass on to each other."""

    data: Dataset
    settled: Settled


def open_study(result: StudyResult) -> OpenStudy:
    """Open a study that was run before; its data are prepared again if the cache is gone."""
    spec, prepared = result.file.load_spec(), Path(result.file.dataset)
    whole = (prepared / "dataset.json").exists()
    data = open_dataset(prepared) if whole else prepare_dataset(spec, prepared.parent)
    return OpenStudy(result.folder, result.file, spec, data, settle(spec, data))
