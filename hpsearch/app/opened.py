"""A study in hand: what is on disk, its spec, its prepared data, and what the two settle."""

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
class OpenStudy:
    """What the verbs pass on to each other."""

    folder: StudyFolder
    file: StudyFile
    spec: StudySpec
    data: Dataset
    settled: Settled

    @property
    def info(self) -> StudyInfo:
        """What the study is."""
        return self.file.info


def open_study(result: StudyResult) -> OpenStudy:
    """Open a study that was run before; its data are prepared again if the cache is gone."""
    spec, prepared = result.file.load_spec(), Path(result.file.dataset)
    whole = (prepared / "dataset.json").exists()
    data = open_dataset(prepared) if whole else prepare_dataset(spec, prepared.parent)
    return OpenStudy(result.folder, result.file, spec, data, settle(spec, data))
