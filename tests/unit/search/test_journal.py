from __future__ import annotations

import itertools
from pathlib import Path

import optuna
import pytest
from disks import full_disk
from optuna.distributions import FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from hpsearch.errors import StoreError
from hpsearch.search.journal import Journal, OneStudyStorage

from .studies import trials_in

SPACE = {"x": FloatDistribution(0, 1)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.journal"


def fill(storage: JournalStorage, trials: int = 20) -> optuna.Study:
    """Run trials of every state, two at a time, so that they do not end in their order."""
    study = optuna.create_study(
        storage=storage, study_name="study", sampler=optuna.samplers.RandomSampler(seed=0), load_if_exists=True
    )
    states = itertools.cycle([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE])
    running: list[optuna.Trial] = []
    for _ in range(trials):
        running.append(study.ask(SPACE))
        running[-1].report(running[-1].params["x"], 1)
        if len(running) == 3:
            trial, state = running.pop(1), next(states)
            study.tell(trial, trial.params["x"] if state is TrialState.COMPLETE else None, state)
    study.enqueue_trial({"x": 0.5})
    return study


def facts(trials: list[FrozenTrial]) -> list[object]:
    return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in trials]


def test_optuna_reads_what_was_flushed_and_nothing_sooner(path: Path) -> None:
    journal = Journal(path)
    study = fill(OneStudyStorage(journal))
    assert path.read_bytes() == b""
    journal.flush()
    assert facts(trials_in(path)) == facts(study.trials)


def test_the_file_is_the_one_that_optunas_own_backend_writes(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    fill(OneStudyStorage(journal))
    journal.flush()
    own = tmp_path / "own.journal"
    fill(JournalStorage(JournalFileBackend(str(own))))
    assert facts(trials_in(path)) == facts(trials_in(own))
    assert len(path.read_bytes().splitlines()) == len(own.read_bytes().splitlines())


def test_a_journal_opened_again_goes_on(path: Path) -> None:
    for _ in range(3):
        journal = Journal(path)
        study = fill(OneStudyStorage(journal), 5)
        journal.flush()
    assert facts(trials_in(path)) == facts(study.trials)
    assert len(study.trials) == 18 - 2  # a queued trial is the next to be asked for


@pytest.mark.parametrize("opened_again", [False, True])
def test_trials_by_state_are_those_that_optuna_finds(path: Path, opened_again: bool) -> None:
    journal = Journal(path)
    study = fill(OneStudyStorage(journal))
    journal.flush()
    if opened_again:
        study = optuna.load_study(storage=OneStudyStorage(Journal(path)), study_name="study")
    own = optuna.load_study(storage=JournalStorage(JournalFileBackend(str(path))), study_name="study")
    for length in range(len(TrialState) + 1):
        for states in itertools.combinations(TrialState, length):
            assert facts(study.get_trials(False, states)) == facts(own.get_trials(False, states))
    assert facts(study.get_trials(deepcopy=False)) == facts(own.trials)


def test_a_list_of_trials_is_the_callers_own(path: Path) -> None:
    study = fill(OneStudyStorage(Journal(path)))
    before = facts(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
    study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)).clear()
    assert facts(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) == before


def test_narrowed_to_some_finished_trials_a_study_still_shows_all_that_are_not(path: Path) -> None:
    storage = OneStudyStorage(Journal(path))
    study = fill(storage)
    few = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))[-3:]
    unfinished = study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))
    with storage.narrowed(few):
        assert facts(study.get_trials(deepcopy=False)) == facts(sorted(few + unfinished, key=lambda t: t.number))
        pruned = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
        assert facts(pruned) == facts([trial for trial in few if trial.state is TrialState.PRUNED])
        assert len(study.trials) == 21
    assert len(study.get_trials(deepcopy=False)) == 21


def test_what_a_full_disk_refused_is_written_whole_once_there_is_room(path: Path) -> None:
    journal = Journal(path)
    study = fill(OneStudyStorage(journal), 3)
    journal.flush()
    size = path.stat().st_size
    study.ask(SPACE)
    study.ask(SPACE)
    with full_disk(size + 100), pytest.raises(StoreError, match="cannot be written: File too large"):
        journal.flush()
    assert path.stat().st_size == size
    journal.flush()
    assert facts(trials_in(path)) == facts(study.trials)
