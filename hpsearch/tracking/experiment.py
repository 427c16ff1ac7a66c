"""Which MLflow experiment is a study's."""

from __future__ import annotations

from hpsearch.tracking.database import sqlite_path
from hpsearch.tracking.silence import import_mlflow


def experiment_id(uri: str, uid: str) -> str | None:
    """Return the id of the experiment tagged with a study's uid; None where there is none."""
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        return None
    import_mlflow()
    from mlflow import MlflowClient

    found = MlflowClient(tracking_uri=uri).search_experiments(filter_string=f"tags.`hpsearch.study_uid` = '{uid}'")
    return str(found[0].experiment_id) if found else None
