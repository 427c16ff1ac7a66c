"""Whose eyes a store is for: files 0600, folders 0700, whoever wrote them."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.app.store import private_files
from hpsearch.errors import StoreError
from hpsearch.search.journal import refuse_shared

from .conftest import Attacked, Said

pytestmark = pytest.mark.xdist_group("security")

Call = Callable[..., Said]


def opened_up(place: Path) -> list[str]:
    """Return what of a folder and all below others may touch."""
    found = [place, *place.rglob("*")]
    return [f"{stat.filemode(path.lstat().st_mode)} {path}" for path in found if path.lstat().st_mode & 0o077]


@pytest.mark.usefixtures("usual_umask")
def test_every_file_of_a_finished_store_is_its_owners_alone(attacked: Attacked, call: Call) -> None:
    for command in (["eda", attacked.study], ["report", "hostile"], ["best", "hostile"], ["check", attacked.study]):
        assert call(*command, "--store", attacked.store).code == 0
    assert opened_up(attacked.store) == []
    kinds = {path.suffix for path in attacked.store.rglob("*")}
    assert kinds >= {".db", ".npz", ".npy", ".log", ".journal", ".jsonl", ".html", ".png", ".keras", ".py", ".lock"}


@pytest.mark.usefixtures("usual_umask")
def test_a_file_that_a_person_names_is_made_as_they_make_files(attacked: Attacked, call: Call, tmp_path: Path) -> None:
    for command in (["report", "hostile", "-o"],
                    ["predict", "hostile", attacked.rows, "-o"]):  # fmt: skip
        path = tmp_path / command[0]
        assert call(*command, path, "--store", attacked.store).code == 0
        assert path.stat().st_mode & 0o777 == 0o644, command


@pytest.mark.usefixtures("usual_umask")
def test_a_program_that_calls_hpsearch_keeps_its_umask(tmp_path: Path) -> None:
    @private_files()
    def fails() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError):
        fails()
    first, second = private_files(), private_files()
    first.__enter__()
    inside = threading.Thread(target=second.__enter__)
    inside.start()
    inside.join()
    first.__exit__(None, None, None)
    (tmp_path / "meanwhile").touch()
    second.__exit__(None, None, None)
    (tmp_path / "after").touch()
    assert (tmp_path / "meanwhile").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "after").stat().st_mode & 0o777 == 0o644


def test_a_journal_of_ones_own_may_be_unpickled(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    refuse_shared(tmp_path / "optuna.journal")
    (tmp_path / "optuna.journal").touch(0o600)
    refuse_shared(tmp_path / "optuna.journal")


@pytest.mark.parametrize(("file", "folder"), [(0o620, 0o700), (0o602, 0o700), (0o600, 0o770)])
def test_cma_es_refuses_a_journal_that_others_can_write(tmp_path: Path, file: int, folder: int) -> None:
    (tmp_path / "optuna.journal").touch()
    (tmp_path / "optuna.journal").chmod(file)
    tmp_path.chmod(folder)
    with pytest.raises(StoreError, match=r"can be written by others .* the sampler cmaes runs what stands in"):
        refuse_shared(tmp_path / "optuna.journal")


def test_cma_es_refuses_a_journal_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "optuna.journal").touch(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StoreError, match="belongs to user"):
        refuse_shared(tmp_path / "optuna.journal")


@pytest.mark.parametrize(("sampler", "refused"), [("cmaes", True), ("random", False)])
def test_only_the_sampler_that_unpickles_is_refused(tmp_path: Path, sampler: str, refused: bool) -> None:
    from fakes import small_space

    from hpsearch.search.optuna_study import OptunaStudy
    from hpsearch.spec.sections import SearchSection

    (tmp_path / "optuna.journal").touch()
    (tmp_path / "optuna.journal").chmod(0o666)
    tmp_path.chmod(0o700)

    def opened() -> OptunaStudy:
        search = SearchSection.model_validate({"sampler": sampler})
        return OptunaStudy(tmp_path / "optuna.journal", search, small_space(), "minimize", 3)

    if refused:
        with pytest.raises(StoreError, match="cmaes"):
            opened()
    else:
        assert opened().trials() == []
