"""A crash between any two writes is made good at the next launch, and looking twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.trial import TrialState

from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord
from hpsearch.records import TrialState as State
from hpsearch.search.history import append_record
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.recovery import recover

from .studies import net, open_book, open_study, trials_in


def ask(folder: Path) -> tuple[OptunaStudy, TrialRecord]:
    study = open_study(folder / "optuna.journal")
    study.enqueue(net(0.01))
    asked = study.ask()
    assert asked is not None
    return study, TrialRecord(asked.number, asked.configuration, "running", retry_of=asked.retry_of)


def history(folder: Path, record: TrialRecord, state: State, value: float | None = None) -> None:
    line = record.to_json() | {"state": state, "value": value, "reason": "why"}
    append_record(folder / "history.jsonl", TrialRecord(**line | {"epochs": ()}))


def after_ask(folder: Path) -> None:
    ask(folder)


def after_ask_cut_short(folder: Path) -> None:
    ask(folder)
    journal = folder / "optuna.journal"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))


def after_half_a_history_line(folder: Path) -> None:
    ask(folder)
    (folder / "history.jsonl").write_bytes(b'{"number": 0, "configurat')


def after_history_of_completed(folder: Path) -> None:
    _, record = ask(folder)
    history(folder, record, "completed", 1.5)


def after_history_of_pruned(folder: Path) -> None:
    study, record = ask(folder)
    study.report(0, 1, 3.0)
    history(folder, record, "pruned")


def after_history_of_failed(folder: Path) -> None:
    _, record = ask(folder)
    history(folder, record, "failed")


def after_history_of_interrupted(folder: Path) -> None:
    _, record = ask(folder)
    history(folder, record, "interrupted")


def after_tell_of_interrupted(folder: Path) -> None:
    study, record = ask(folder)
    history(folder, record, "interrupted")
    study.tell(0, "interrupted", None)


def after_half_a_tell(folder: Path) -> None:
    study, record = ask(folder)
    history(folder, record, "completed", 1.5)
    study.tell(0, "completed", 1.5)
    journal = folder / "optuna.journal"
    journal.write_bytes(journal.read_bytes()[:-20])


def after_enqueue_of_interrupted(folder: Path) -> None:
    study, record = ask(folder)
    history(folder, record, "interrupted")
    study.tell(0, "interrupted", None)
    study.enqueue(record.configuration, retry_of=0)


def after_half_an_enqueue(folder: Path) -> None:
    after_enqueue_of_interrupted(folder)
    journal = folder / "optuna.journal"
    journal.write_bytes(journal.read_bytes()[:-20])


def after_asking_for_the_retry(folder: Path) -> None:
    after_enqueue_of_interrupted(folder)
    open_study(folder / "optuna.journal").ask()


def after_all(folder: Path) -> None:
    study, record = ask(folder)
    history(folder, record, "completed", 1.5)
    study.tell(0, "completed", 1.5)


INTERRUPTED = {0: "interrupted"}
CRASHES: list[tuple[Callable[[Path], None], list[tuple[TrialState, int | None]], dict[int, str], list[int]]] = [
    (after_ask, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, [0]),
    (after_ask_cut_short, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, [0]),
    (after_half_a_history_line, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, [0]),
    (after_history_of_completed, [(TrialState.COMPLETE, None)], {0: "completed"}, []),
    (after_history_of_pruned, [(TrialState.PRUNED, None)], {0: "pruned"}, []),
    (after_history_of_failed, [(TrialState.FAIL, None)], {0: "failed"}, []),
    (after_history_of_interrupted, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, []),
    (after_tell_of_interrupted, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, []),
    (after_half_a_tell, [(TrialState.COMPLETE, None)], {0: "completed"}, []),
    (after_enqueue_of_interrupted, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, []),
    (after_half_an_enqueue, [(TrialState.FAIL, None), (TrialState.WAITING, 0)], INTERRUPTED, []),
    (
        after_asking_for_the_retry,
        [(TrialState.FAIL, None), (TrialState.FAIL, 0), (TrialState.WAITING, 0)],
        {0: "interrupted", 1: "interrupted"},
        [1],
    ),
    (after_all, [(TrialState.COMPLETE, None)], {0: "completed"}, []),
]


@pytest.mark.parametrize(("crash", "trials", "records", "lost"), CRASHES, ids=[crash[0].__name__ for crash in CRASHES])
def test_recovering_after_a_crash(
    tmp_path: Path,
    crash: Callable[[Path], None],
    trials: list[tuple[TrialState, int | None]],
    records: dict[int, str],
    lost: list[int],
) -> None:
    crash(tmp_path)
    assert [record.number for record in recover_once(tmp_path)] == lost
    journal, lines = tmp_path / "optuna.journal", tmp_path / "history.jsonl"
    found = trials_in(journal)
    assert [(trial.state, trial.user_attrs.get("retry_of")) for trial in found] == trials
    assert {n: record.state for n, record in open_book(tmp_path).records.items()} == records
    assert all(trial.value == 1.5 for trial in found if trial.state is TrialState.COMPLETE)

    contents = [journal.read_bytes(), lines.read_bytes()]
    assert recover_once(tmp_path) == []
    assert [journal.read_bytes(), lines.read_bytes()] == contents


@pytest.mark.parametrize("crash", [crash for crash, trials, *_ in CRASHES if len(trials) > 1], ids=lambda c: c.__name__)
def test_what_is_queued_again_is_the_same_configuration(tmp_path: Path, crash: Callable[[Path], None]) -> None:
    crash(tmp_path)
    recover_once(tmp_path)
    asked = open_study(tmp_path / "optuna.journal").ask()
    assert asked is not None
    assert (asked.configuration, asked.retry_of) == (net(0.01), 0)


def recover_once(folder: Path) -> list[TrialRecord]:
    """Do what a launch does when it begins."""
    return recover(open_study(folder / "optuna.journal"), open_book(folder))


def test_a_lost_trial_says_when_it_began(tmp_path: Path) -> None:
    ask(tmp_path)
    (record,) = recover_once(tmp_path)
    assert record.reason == "lost: the launch that ran it ended without a word"
    assert record.started.endswith("+00:00")


def test_a_trial_that_got_no_configuration_is_not_queued_again(tmp_path: Path) -> None:
    journal = tmp_path / "optuna.journal"
    open_study(journal).ask()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if json.loads(line)["op_code"] != 5))
    (record,) = recover_once(tmp_path)
    assert record.configuration == {}
    assert recover_once(tmp_path) == []
    assert [trial.state for trial in trials_in(journal)] == [TrialState.FAIL]


def test_a_journal_that_lacks_trials_of_the_history_is_damaged(tmp_path: Path) -> None:
    after_all(tmp_path)
    (tmp_path / "optuna.journal").write_bytes(b"")
    with pytest.raises(
        StoreError, match=r"is damaged: it lacks trials that the history has \(0\); restore it from a copy, or move"
    ):
        recover_once(tmp_path)
