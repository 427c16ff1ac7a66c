from __future__ import annotations

from pathlib import Path

import pytest
from disks import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.errors import StoreError
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.history import append_record, cut_torn_tail, read_history


def record(number: int, value: float = 1.0) -> TrialRecord:
    return TrialRecord(
        number, {"hidden_layers": 0}, "completed", value=value, epochs=(EpochRecord(0, 1, {"a": value}),)
    )


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for number in (0, 2, 1):
        append_record(path, record(number))
    assert read_history(path) == {number: record(number) for number in (0, 2, 1)}


def test_of_two_lines_for_a_trial_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_record(path, record(0, 1.0))
    append_record(path, record(0, 2.0))
    assert read_history(path) == {0: record(0, 2.0)}


def test_a_history_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path / "history.jsonl") == {}
    assert cut_torn_tail(tmp_path / "history.jsonl") == b""


@given(st.integers(0, 10**6))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_history_cut_anywhere_keeps_its_whole_lines_and_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "history.jsonl"
    path.unlink(missing_ok=True)
    for number in range(3):
        append_record(path, record(number))
    content = path.read_bytes()
    torn = content[: cut % (len(content) + 1)]
    path.write_bytes(torn)
    whole = torn.count(b"\n")
    assert list(read_history(path)) == list(range(whole))
    assert cut_torn_tail(path) == torn[torn.rfind(b"\n") + 1 :]
    append_record(path, record(9))
    assert list(read_history(path)) == [*range(whole), 9]


def test_what_is_cut_off_is_kept_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"number":')
    cut_torn_tail(path)
    assert path.read_bytes() == b""
    assert (tmp_path / "history.jsonl.torn").read_bytes() == b'{"number":\n'


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b"\xff", b'{"number": 1}', b'{"number": 1, "colour": 2}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "history.jsonl"
    append_record(path, record(0))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(
        StoreError, match=r"history.jsonl is damaged: line 2 .*; restore the file .* or remove that line"
    ):
        read_history(path)


def test_a_full_disk_is_told_and_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_record(path, record(0))
    before = path.read_bytes()
    with full_disk(len(before) + 20), pytest.raises(StoreError, match=r"File too large .* free some space, and run"):
        append_record(path, record(1))
    assert path.read_bytes() == before
    append_record(path, record(1))
    assert list(read_history(path)) == [0, 1]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        append_record(tmp_path / "gone" / "history.jsonl", record(0))


def test_a_number_that_is_not_finite_never_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_record(path, record(0, float("nan")))
    assert not path.exists()
