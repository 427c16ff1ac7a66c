from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpsearch.app.store import store_folder
from hpsearch.errors import StoreError


def test_the_store_is_mlruns_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert store_folder() == tmp_path / "mlruns"


def test_the_environment_names_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", str(tmp_path / "named"))
    assert store_folder() == tmp_path / "named"


def test_what_is_given_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", str(tmp_path / "named"))
    assert store_folder(tmp_path / "given") == tmp_path / "given"


def test_the_store_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    assert store_folder(tmp_path / "new", create=True).stat().st_mode & 0o777 == 0o700


def test_looking_makes_no_store(tmp_path: Path) -> None:
    assert not store_folder(tmp_path / "none").exists()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is a file; name a folder with --store"):
        store_folder(tmp_path / "file")


def test_a_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be made: Not a directory .user .*; name another folder with --store"):
        store_folder(tmp_path / "file" / "store", create=True)


def test_the_home_folder_may_be_written_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store_folder("~/runs") == Path(os.environ["HOME"]) / "runs"
