"""A study's data once more, for the net that is delivered: it trains on all rows but the test rows."""

from __future__ import annotations

import hashlib

import numpy as np

from hpsearch.data.dataset import Dataset, open_dataset
from hpsearch.data.faults import data_error
from hpsearch.data.prepared import dataset_digest, load_table, publish_dataset
from hpsearch.data.split import Parts
from hpsearch.spec.sections import StudySpec


def prepare_refit(spec: StudySpec, data: Dataset) -> Dataset:
    """Return prepared data of one split that trains on the training and validation rows of all of the study's splits.

    Its preparation is fitted on those rows, and prepares the same test rows. Its signature is its own: a category that
    was rare among the training rows may be frequent among these. Its validation rows are those of the study's first
    split. They are trained on, so that their metrics mean nothing and are shown to nobody.

    The folder lies beside that of `data`, which stays as it is; it is written once, and appears whole or not at all.
    Raises `DataError` where the source is no longer what `data` was made of, `StoreError` where the folder cannot be
    written.
    """
    folder = data.folder.with_name(f"{data.folder.name}-refit")
    if (folder / "dataset.json").is_file():
        return open_dataset(folder)
    found = dataset_digest(spec)
    if found != data.digest:
        message = f"the rows are not those of the study any more (digest {data.digest[:12]} -> {found[:12]})"
        raise data_error(spec.data, "data", f"{message}; put them back, or start the study afresh with --new")
    frame, columns, parts = load_table(spec)
    digest = hashlib.sha256(f"{data.digest}/refit".encode()).hexdigest()
    return publish_dataset(spec, frame, columns, _joined(parts), folder, digest)


def _joined(parts: Parts) -> Parts:
    trained = np.unique(np.concatenate([rows for fold in parts.folds for rows in fold]))
    return Parts(parts.test, ((trained, parts.folds[0][1]),))
