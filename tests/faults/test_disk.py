"""Disks that are full, read-only, not this user's or another machine's: told in time, and with the way on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from disks import full_disk

import hpsearch
from hpsearch.app.report import write_report
from hpsearch.app.store import require_local
from hpsearch.data.prepared import prepare_dataset
from hpsearch.delivery.manifest import MANIFEST
from hpsearch.delivery.publish import built_aside
from hpsearch.disk import free_bytes, network_mount, unwritable, user
from hpsearch.errors import HpsearchError, StoreError

from .conftest import optuna_states
from .scripted import Zygote, make_study

FULL = re.compile(
    r"hpsearch: (?P<path>/\S+) cannot be written: File too large "
    r"\((?P<need>[\d,]+) bytes are needed, a file may have (?P<most>[\d,]+) at most, [\d,]+ are free\); "
    r"raise the limit \(ulimit -f\) or free some space, and run the same command again \(what is finished is kept\)\n"
)


@pytest.mark.parametrize(
    ("file", "epochs", "weights"),
    [("optuna.journal", 1, 1), ("history.jsonl", 60, 1), ("weights", 1, 20_000)],
)
def test_a_disk_that_fills_up_during_the_search_is_told_and_the_same_command_finishes_once_there_is_room(
    tmp_path: Path, zygote: Zygote, file: str, epochs: int, weights: int
) -> None:
    place, study = tmp_path / "store", make_study(tmp_path, space={"epochs": epochs})
    pace = {"SCRIPTED_WEIGHTS": str(weights)}
    assert zygote.run(tmp_path, "run", study, "--store", place, "--trials", "2", **pace)[0] == 0
    folder = place / "studies" / "many"
    # No file is larger: the one that is meant is the first to meet the limit.
    size = 60_000 if file == "weights" else (folder / file).stat().st_size
    code, _, errors = zygote.run(
        tmp_path, "run", study, "--store", place, "--trials", "9", room=size + 200, SCRIPTED_WEIGHTS="90000"
        if file == "weights" else "1"
    )  # fmt: skip
    found = FULL.fullmatch(errors)
    assert found, errors
    assert (code, Path(found["path"]).relative_to(folder).parts[0]) == (2, file)
    assert int(found["most"].replace(",", "")) == size + 200
    assert hpsearch.load("many", store=place).done() >= 2  # what was found can be read
    assert zygote.run(tmp_path, "run", study, "--store", place, "--trials", "9", **pace)[0] == 0
    assert hpsearch.load("many", store=place).done() == 9
    states = optuna_states(place, "many")
    assert (states["COMPLETE"], states["RUNNING"], states["WAITING"]) == (9, 0, 0)
    assert not list(folder.glob("**/.*.tmp"))


def test_a_driver_that_cannot_even_write_what_the_study_is_says_so_in_one_line(tmp_path: Path, zygote: Zygote) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    prepare_dataset(hpsearch.load_spec(study), place / "cache")
    code, _, errors = zygote.run(tmp_path, "run", study, "--store", place, room=300)
    found = FULL.fullmatch(errors)
    assert found, errors
    assert (code, found["path"]) == (2, str(place / "studies" / "many" / "study.json"))
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    assert hpsearch.load("many", store=place).done() == 6


def test_a_full_disk_leaves_the_package_that_was_there(tmp_path: Path) -> None:
    def publish(text: str) -> None:
        with built_aside(tmp_path / "package", {"model.keras"}) as folder:
            (folder / MANIFEST).write_text("{}")
            (folder / "model.keras").write_text(text)

    publish("old")
    with full_disk(100), pytest.raises(HpsearchError, match=r"package cannot be written: File too large .* are free"):
        publish("new" * 1000)
    assert (tmp_path / "package" / "model.keras").read_text() == "old"
    assert os.listdir(tmp_path) == ["package"]


def test_a_full_disk_leaves_the_report_that_was_there(tmp_path: Path, zygote: Zygote) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    result = hpsearch.load("many", store=place)
    before = write_report(result).read_bytes()
    with full_disk(1000), pytest.raises(StoreError, match=r"report\.html cannot be written: File too large"):
        write_report(result)
    assert (place / "studies" / "many" / "report.html").read_bytes() == before


@pytest.mark.parametrize("which", ["store", "store/studies", "store/studies/many", "store/studies/many/weights"])
def test_a_folder_that_may_not_be_written_ends_the_run_before_trial_0_with_path_and_user(
    tmp_path: Path, zygote: Zygote, which: str
) -> None:
    study = make_study(tmp_path)
    store = tmp_path / "store"
    (tmp_path / which).mkdir(parents=True)
    prepare_dataset(hpsearch.load_spec(study), store / "cache")
    (tmp_path / which).chmod(0o555)
    code, told, errors = zygote.run(tmp_path, "run", study, "--store", store, unprivileged=True)
    assert code == 2, (told, errors)
    assert "trial 0" not in told
    start = f"hpsearch: {tmp_path / which} cannot be written: Permission denied (user {user()}); "
    assert errors.startswith(start), errors
    assert errors.endswith("or give another folder with --store\n")
    assert not (store / "studies" / "many" / "optuna.journal").exists()


def test_a_store_that_is_a_file_or_below_one_is_told_at_once(tmp_path: Path, zygote: Zygote) -> None:
    study = make_study(tmp_path)
    assert zygote.run(tmp_path, "run", study, "--store", study) == (
        2, "", f"hpsearch: {study} is a file; name a folder with --store\n"
    )  # fmt: skip
    code, _, errors = zygote.run(tmp_path, "run", study, "--store", study / "store")
    assert code == 2
    assert re.fullmatch(r"hpsearch: \S+ cannot be made: Not a directory \(user \w+\); name another .*\n", errors)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/scratch ext4 rw 0 0
//server/share /mnt/a\\040share cifs rw 0 0
user@host: /mnt/ssh fuse.sshfs rw 0 0
tmpfs /mnt/ssh/ram tmpfs rw 0 0
nfs:/x /over nfs rw 0 0
/dev/sdc1 /over xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/mlruns", "nfs4"), ("/home", "nfs4"), ("/homes/me", None), ("/home/me/scratch/mlruns", None),
        ("/mnt/a share/runs", "cifs"), ("/mnt/ssh/x", "fuse.sshfs"), ("/mnt/ssh/ram", None), ("/srv", None),
        ("/over/x", None),
    ],
)  # fmt: skip
def test_a_network_file_system_is_known_by_the_mount_a_path_is_on(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    found = network_mount(Path(path), mounts)
    assert (found and found.kind) == kind


def test_a_store_on_a_network_file_system_is_refused_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    with pytest.raises(StoreError, match=r"network file system \(nfs4 at /home\).*a disk of this machine with --store"):
        require_local(Path("/home/me/mlruns"), mounts)
    require_local(Path("/home/me/scratch"), mounts)
    monkeypatch.setenv("HPSEARCH_NETWORK_STORE", "1")
    require_local(Path("/home/me/mlruns"), mounts)


def test_a_machine_without_a_list_of_mounts_refuses_nothing(tmp_path: Path) -> None:
    require_local(Path("/home"), tmp_path / "none")


def test_a_folder_that_can_be_written_synced_and_locked_is_left_as_it_was(tmp_path: Path) -> None:
    assert unwritable(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert 0 < free_bytes(tmp_path / "not" / "there") < 2**60
