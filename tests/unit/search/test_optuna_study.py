from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from disks import full_disk
from fakes import SMALL, small_space
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord
from hpsearch.search.optuna_study import OptunaStudy, started_at
from hpsearch.space.domain import Choices
from hpsearch.space.space import build_space, configuration_key
from hpsearch.spec.strategies import SAMPLERS

from .studies import net, open_study, trials_in


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "optuna.journal"


@pytest.fixture
def study(journal: Path) -> OptunaStudy:
    return open_study(journal)


def test_what_is_asked_lies_in_the_space_and_is_in_the_journal_before_it_is_given_out(
    study: OptunaStudy, journal: Path
) -> None:
    for number in range(5):
        asked = study.ask()
        assert asked is not None
        assert asked.number == number
        assert small_space().contains(asked.configuration)
        trial = trials_in(journal)[number]
        assert trial.state is TrialState.RUNNING
        assert study.configuration_of(trial) == asked.configuration


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_trial_has_the_widths_of_the_deepest_net(journal: Path, sampler: str) -> None:
    space = build_space(SMALL | {"learning_rate": Choices((0.1, 0.01))})
    study = open_study(journal, space, sampler=sampler)
    for number in range(12):
        assert study.ask() is not None
        study.tell(number, "completed", 1.0)
    widths = [{n: d for n, d in t.distributions.items() if n.startswith("neurons_")} for t in study.trials()]
    assert all(list(found) == ["neurons_1", "neurons_2"] for found in widths)
    assert len({json.dumps({n: repr(d) for n, d in found.items()}) for found in widths}) == 1


@pytest.mark.parametrize(
    ("state", "value", "expected"),
    [
        ("completed", 1.5, TrialState.COMPLETE),
        ("pruned", None, TrialState.PRUNED),
        ("failed", None, TrialState.FAIL),
        ("interrupted", None, TrialState.FAIL),
    ],
)
def test_an_end_is_told_in_optunas_terms(
    study: OptunaStudy, journal: Path, state: str, value: float | None, expected: TrialState
) -> None:
    study.ask()
    study.tell(0, state, value)
    (trial,) = trials_in(journal)
    assert trial.state is expected
    assert trial.value == value


def test_what_is_queued_comes_next_in_order(study: OptunaStudy) -> None:
    study.enqueue(net(0.01))
    study.enqueue(net(0.02, depth=2), retry_of=7)
    first, second = study.ask(), study.ask()
    assert first is not None
    assert second is not None
    assert (first.configuration, first.retry_of) == (net(0.01), None)
    assert (second.configuration, second.retry_of) == (net(0.02, depth=2), 7)


def test_a_queue_outlives_the_process(study: OptunaStudy, journal: Path) -> None:
    study.enqueue(net(0.01), retry_of=3)
    asked = open_study(journal).ask()
    assert asked is not None
    assert (asked.configuration, asked.retry_of) == (net(0.01), 3)


def test_first_configurations_are_queued_once_however_often_a_study_is_opened(journal: Path) -> None:
    first = [net(0.01), net(0.02), net(0.01)]
    for _ in range(3):
        open_study(journal).enqueue_missing(first)
    assert len(trials_in(journal)) == 2
    study = open_study(journal)
    study.ask()
    study.tell(0, "completed", 1.0)
    open_study(journal).enqueue_missing([net(0.01), net(0.03)])
    assert [trial.state for trial in trials_in(journal)] == [
        TrialState.COMPLETE,
        TrialState.WAITING,
        TrialState.WAITING,
    ]


def test_a_first_configuration_with_a_whole_number_for_a_real_one_is_the_same(journal: Path) -> None:
    whole = {**net(0.01, depth=1), "dropout": 0}
    open_study(journal).enqueue_missing([whole])
    study = open_study(journal)
    study.ask()
    open_study(journal).enqueue_missing([whole])
    assert len(trials_in(journal)) == 1


def test_pruning_follows_what_was_reported(journal: Path) -> None:
    study = open_study(journal, pruner={"name": "threshold", "upper": 10.0})
    study.ask()
    assert not study.report(0, 1, 5.0)
    assert study.report(0, 2, 50.0)
    study.tell(0, "pruned", None)
    assert trials_in(journal)[0].intermediate_values == {1: 5.0, 2: 50.0}


def test_only_the_steps_that_the_pruner_looks_at_are_noted(journal: Path) -> None:
    study = open_study(journal, pruner={"name": "successive_halving", "min_resource": 1, "reduction_factor": 2})
    study.ask()
    for step in (1, 2, 3):
        study.report(0, step, 5.0)
    study.tell(0, "completed", 5.0)
    assert trials_in(journal)[0].intermediate_values == {1: 5.0, 2: 5.0}


def test_an_ask_and_a_tell_are_one_write_each_and_a_report_waits_for_the_next(journal: Path) -> None:
    study = open_study(journal, pruner={"name": "threshold", "upper": 10.0})
    sizes = []
    for act in (study.ask, lambda: study.report(0, 1, 5.0), lambda: study.tell(0, "completed", 5.0)):
        act()
        sizes.append(journal.stat().st_size)
    assert sizes[0] == sizes[1] < sizes[2]


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize("startup", [10, 510])
def test_tpe_goes_on_past_the_trials_it_learns_from(journal: Path, pruner: str, startup: int) -> None:
    study = open_study(journal)
    for number in range(520):
        asked = study.ask()
        assert asked is not None
        study.tell(number, "completed", asked.configuration["learning_rate"])  # type: ignore[arg-type]
    sampler = {"name": "tpe", "n_startup_trials": startup}
    again = open_study(journal, sampler=sampler, pruner=pruner)
    rates = []
    for number in range(520, 530):
        asked = again.ask()
        assert asked is not None
        assert asked.number == number
        rates.append(float(asked.configuration["learning_rate"]))
    assert len(again.trials()) == 530
    assert sorted(rates)[5] < 1e-3  # of 1e-4 to 1e-1, where the best are


def test_a_grid_comes_by_each_configuration_once_over_several_launches(journal: Path) -> None:
    space = build_space(SMALL | {"learning_rate": Choices((0.1, 0.01))})
    keys: list[str] = []
    while True:
        study = open_study(journal, space, sampler="grid")
        batch = [asked for _ in range(7) if (asked := study.ask())]
        for asked in batch:
            study.tell(asked.number, "completed", 1.0)
        keys += [configuration_key(asked.configuration) for asked in batch]
        if len(batch) < 7:
            break
    assert len(keys) == len(set(keys)) == space.count()


def test_a_grid_that_is_used_up_still_gives_out_what_is_queued(journal: Path) -> None:
    space = build_space(SMALL | {"hidden_layers": Choices((0,)), "learning_rate": Choices((0.1,))})
    study = open_study(journal, space, sampler="grid")
    asked = study.ask()
    assert asked is not None
    assert study.ask() is None
    study.tell(asked.number, "interrupted", None)
    study.enqueue(asked.configuration, retry_of=asked.number)
    again = study.ask()
    assert again is not None
    assert (again.configuration, again.retry_of) == (asked.configuration, asked.number)
    assert study.ask() is None


def test_an_interrupted_trial_is_queued_again_once(study: OptunaStudy) -> None:
    study.ask()
    study.tell(0, "interrupted", None)
    record = TrialRecord(0, net(0.01), "interrupted")
    for _ in range(3):
        study.requeue([record])
    assert [(t.state, t.user_attrs.get("retry_of")) for t in study.trials()[1:]] == [(TrialState.WAITING, 0)]


def test_a_retry_that_was_interrupted_too_is_queued_under_its_first_number(study: OptunaStudy) -> None:
    records = [TrialRecord(0, net(0.01), "interrupted"), TrialRecord(1, net(0.01), "interrupted", retry_of=0)]
    study.ask()
    study.tell(0, "interrupted", None)
    study.enqueue(net(0.01), retry_of=0)
    study.ask()
    study.tell(1, "interrupted", None)
    for _ in range(2):
        study.requeue(records)
    assert [t.user_attrs.get("retry_of") for t in study.trials()] == [None, 0, 0]


def test_a_trial_whose_configuration_a_crash_cut_short_has_none(journal: Path, study: OptunaStudy) -> None:
    study.ask()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-2]))
    again = open_study(journal)
    assert again.trials()[0].state is TrialState.RUNNING
    assert again.configuration_of(again.trials()[0]) == {}


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_journal_cut_anywhere_opens_and_goes_on(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    journal = tmp_path_factory.mktemp("cut") / "optuna.journal"
    study = open_study(journal)
    for number in range(2):
        study.ask()
        study.report(number, 1, 2.0)
        study.tell(number, "completed", 1.0)
    content = journal.read_bytes()
    journal.write_bytes(content[: cut % (len(content) + 1)])
    again = open_study(journal)
    before = len(again.trials())
    asked = again.ask()
    assert asked is not None
    assert asked.number == before
    again.tell(asked.number, "completed", 1.0)
    assert len(trials_in(journal)) == before + 1


@pytest.mark.parametrize(
    "damage", [b"\0\0\0", b"[]", b'{"op_code": 99}', b"3", b'{"op_code": 4, "worker_id": "x"}', b"{"]
)
def test_a_damaged_journal_is_told_by_name(study: OptunaStudy, journal: Path, damage: bytes) -> None:
    study.ask()
    lines = journal.read_bytes().splitlines()
    lines[1] = damage
    journal.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(StoreError, match=r"optuna.journal is damaged .*; restore it from a copy, or move it away"):
        open_study(journal)


def test_a_journal_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        open_study(tmp_path / "file" / "optuna.journal")


def test_a_full_disk_is_told_and_the_journal_goes_on_when_there_is_room(study: OptunaStudy, journal: Path) -> None:
    size = journal.stat().st_size
    with (
        full_disk(size + 100),
        pytest.raises(StoreError, match=r"cannot be written: File too large .* free some space"),
    ):
        study.ask()
    assert journal.read_bytes().endswith(b"\n")
    asked = open_study(journal).ask()
    assert asked is not None


def test_the_journal_has_no_lock_of_its_own_in_the_folder(study: OptunaStudy, journal: Path) -> None:
    study.ask()
    assert [path.name for path in journal.parent.iterdir()] == ["optuna.journal"]


def test_the_start_of_a_trial_is_told_in_utc() -> None:
    moment = datetime.fromisoformat("2026-01-02T03:04:05.678+00:00")
    trial = optuna.trial.create_trial(value=1.0)
    trial.datetime_start = moment.astimezone().replace(tzinfo=None)
    assert started_at(trial) == "2026-01-02T03:04:05+00:00"
    trial.datetime_start = None
    assert started_at(trial) == ""
