"""MLflow's model registry: packages registered under a name, the one an alias points to, and any of them fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from hpsearch.delivery.manifest import MANIFEST
from hpsearch.delivery.mlflow_model import PACKAGE_TAG, log_package
from hpsearch.errors import DeliveryError, PackageError
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.database import database_made_once, sqlite_path
from hpsearch.tracking.location import is_server, redact
from hpsearch.tracking.silence import import_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

_T = TypeVar("_T")

ADDRESSES = "models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-..., runs:/RUN/model"
"""What can be fetched."""

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Version:
    """A registered version of a model."""

    name: str
    number: str
    digest: str
    """of its package (`mlflow_model.package_digest`); empty where it is none of ours"""


class Registry:
    """One MLflow's registry. Every method raises StoreError where MLflow does not answer."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        import_mlflow()
        from mlflow import MlflowClient

        with mlflow_asked(uri), database_made_once(uri):
            self._client: MlflowClient = MlflowClient(tracking_uri=uri)

    def holder(self, name: str, alias: str) -> Version | None:
        """Return the version of a model that an alias points to; None where there is none."""
        with mlflow_asked(self._uri):
            found = self._found(lambda: self._client.get_registered_model(name))
            if found is None or alias not in found.aliases:
                return None
            return self._version(name, str(found.aliases[alias]))

    def version_of(self, name: str, digest: str) -> Version | None:
        """Return the latest registered version with this package; None where there is none."""
        with mlflow_asked(self._uri):
            versions = self._client.search_model_versions(f"name = '{name}'")
        same = [int(version.version) for version in versions if version.tags.get(PACKAGE_TAG) == digest]
        return Version(name, str(max(same)), digest) if same else None

    def logged(self, experiment: str, digest: str) -> LoggedModel | None:
        """Return the model of an experiment that was logged from this package; None where there is none."""
        with mlflow_asked(self._uri):
            found = self._client.search_logged_models([experiment], f"tags.`{PACKAGE_TAG}` = '{digest}'")
        return next((model for model in found if model.status == "READY"), None)

    def log(self, experiment: str, study: str, package: Path, example: pd.DataFrame) -> LoggedModel:
        """Log a package that no launch logged, in a run of its own, and return the model."""
        with mlflow_asked(self._uri):
            run = self._client.create_run(experiment, tags={"hpsearch.study": study}, run_name="promotion")
            address = log_package(self._client, run.info.run_id, package, example)
            self._client.set_terminated(run.info.run_id, "FINISHED")
            return self._client.get_logged_model(address.removeprefix("models:/"))

    def register(self, name: str, model: LoggedModel, tags: dict[str, str]) -> Version:
        """Register a logged model as a new version of a model, which is made if it is not there yet."""
        with mlflow_asked(self._uri):
            if self._found(lambda: self._client.get_registered_model(name)) is None:
                self._client.create_registered_model(name, tags={"hpsearch.study": name})
            # MLflow finds a models:/ source with the address of the process, which is not ours to set.
            source = f"models:/{model.model_id}" if is_server(self._uri) else model.artifact_location
            made = self._client.create_model_version(
                name, source, run_id=model.source_run_id, tags=tags, model_id=model.model_id
            )
            # What MLflow's own `register_model` notes, for its UI to link the model with its versions.
            tags_now = self._client.get_logged_model(model.model_id).tags
            known = json.loads(tags_now.get("mlflow.modelVersions", "[]"))
            listed = json.dumps([*known, {"name": name, "version": int(made.version)}])
            self._client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": listed})
        return Version(name, str(made.version), tags.get(PACKAGE_TAG, ""))

    def point(self, name: str, alias: str, number: str) -> None:
        """Let an alias of a model point to one of its versions."""
        with mlflow_asked(self._uri):
            self._client.set_registered_model_alias(name, alias, number)

    def fetch(self, address: str, into: Path) -> Path:
        """Download a model's artifacts into an empty folder, and return the package in it, not verified yet.

        address: one of `ADDRESSES`. Raises PackageError where there is no such model, or no package in it.
        """
        from mlflow.artifacts import download_artifacts

        with mlflow_asked(self._uri):
            location = self._found(lambda: self._location(address))
            if location is None:
                raise PackageError(f"{redact(self._uri)} has no model {address}; hpsearch promote STUDY registers one")
            model = Path(download_artifacts(location, dst_path=str(into), tracking_uri=self._uri))
        for folder in (model / "artifacts" / "package", model):
            if (folder / MANIFEST).is_file():
                return folder
        raise PackageError(f"{address} is no model of hpsearch: it holds no package")

    def _location(self, address: str) -> str | None:
        client = self._client
        if found := re.fullmatch(r"models:/(m-[0-9a-f]+)", address):
            return str(client.get_logged_model(found[1]).artifact_location)
        if found := re.fullmatch(r"models:/([^/@]+)@([^/@]+)", address):
            version = client.get_model_version_by_alias(found[1], found[2]).version
            return str(client.get_model_version_download_uri(found[1], version))
        if found := re.fullmatch(r"models:/([^/@]+)/([0-9]+)", address):
            return str(client.get_model_version_download_uri(found[1], found[2]))
        if found := re.fullmatch(r"runs:/([^/]+)/(.+)", address):
            run = client.get_run(found[1])
            outputs = run.outputs.model_outputs if run.outputs else []
            models = [client.get_logged_model(output.model_id) for output in outputs]
            named = [str(model.artifact_location) for model in models if model.name == found[2]]
            if not named and client.list_artifacts(found[1], found[2]):
                return f"{run.info.artifact_uri}/{found[2]}"
            return named[-1] if named else None
        raise PackageError(f"{address} is no address of a model; there are {ADDRESSES}")

    def _version(self, name: str, number: str) -> Version:
        tags = self._client.get_model_version(name, number).tags
        return Version(name, number, tags.get(PACKAGE_TAG, ""))

    def _found(self, ask: Callable[[], _T]) -> _T | None:
        """Return what MLflow answers; None where it says that there is no such thing."""
        from mlflow.exceptions import MlflowException

        try:
            return ask()
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


def check_alias(alias: str) -> None:
    """Raise DeliveryError for a name that MLflow takes for no alias."""
    if not re.fullmatch(r"[\w-]{1,255}", alias) or alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        raise DeliveryError(
            f"{alias!r} is no alias; use letters, digits, _ and -, but neither 'latest' nor v1, which mean versions"
        )


def has_database(uri: str) -> bool:
    """Tell whether there is something to fetch from: an embedded store may not have been made yet."""
    path = sqlite_path(uri)
    return path is None or path.exists()
