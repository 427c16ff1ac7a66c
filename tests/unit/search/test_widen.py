"""A study goes on in a changed space with the trials that fit it, and a crash leaves the old study or the new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import SMALL
from optuna.trial import TrialState

from hpsearch.errors import StudyError
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.book import Book, load_weights, weights_path
from hpsearch.search.folder import StudyFolder, study_names
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.recovery import recover
from hpsearch.search.widen import build, finish_widening, fitting, rewritten, widen
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.space import Space, build_space
from hpsearch.spec.sections import SearchSection

from .studies import net, trials_in
from .test_folder import FILE

DOMAINS: Mapping[str, Domain] = SMALL
NEW = replace(FILE, info=replace(FILE.info, uid="f" * 16), created="2026-02-02T00:00:00+00:00")
SEARCH = SearchSection.model_validate({"pruner": "median", "sampler": {"name": "tpe", "n_startup_trials": 5}})
STEPS = 3


def space(**changed: Domain) -> Space:
    return build_space({**DOMAINS, **changed})


WIDER = space(learning_rate=FloatRange(1e-4, 1.0, log=True), neurons=Choices((4, 8, 16)), hidden_layers=IntRange(0, 3))


def search_on(folder: StudyFolder, count: int, within: Space, search: SearchSection = SEARCH, splits: int = 1) -> None:
    """Run trials as the driver does: an epoch's objective falls with the learning rate's distance from 0.01."""
    study = OptunaStudy(folder.journal, search, within, "minimize", STEPS)
    book = Book(folder, "minimize", 3)
    recover(study, book)
    for _ in range(count):
        asked = study.ask()
        assert asked is not None
        number, rate = asked.number, float(asked.configuration["learning_rate"])
        epochs: list[EpochRecord] = []
        pruned = False
        for step in range(1, STEPS + 1):
            value = float(np.log10(rate) + 2) ** 2 + 1 / step
            epochs.append(EpochRecord(0, step, {"val_rmse": value}))
            if pruned := study.report(number, step, value):
                break
        record = TrialRecord(
            number, asked.configuration, "pruned" if pruned else "completed", value=None if pruned else value,
            epochs=tuple(epochs), retry_of=asked.retry_of,
        )  # fmt: skip
        book.add(record, None if pruned else [np.full(2, number)])
        study.tell(number, record.state, record.value)


def begin(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path / "studies" / "bike")
    folder.write(FILE)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    made = begin(tmp_path)
    search_on(made, 30, space())
    return made


def test_trials_are_known_to_optuna_as_before_under_their_numbers(folder: StudyFolder) -> None:
    before, old = trials_in(folder.journal), Book(folder, "minimize", 3).records
    carried = widen(folder, NEW, WIDER, SEARCH, STEPS)
    after = trials_in(folder.journal)
    assert carried.kept == 30
    assert carried.left == {}
    assert {TrialState.COMPLETE, TrialState.PRUNED} == {trial.state for trial in before}
    for was, now in zip(before, after, strict=True):
        assert (now.number, now.state, now.values) == (was.number, was.state, was.values)
        assert now.intermediate_values == was.intermediate_values
        active = old[was.number].configuration
        assert {name: now.params[name] for name in active} == dict(active)
        assert now.params.keys() == {parameter.name for parameter in WIDER}
    assert Book(folder, "minimize", 3).records == old
    assert folder.read() == NEW


def test_the_sampler_goes_on_in_the_new_space_from_what_it_knew(folder: StudyFolder) -> None:
    widen(folder, NEW, WIDER, SEARCH, STEPS)
    search_on(folder, 20, WIDER)
    book = Book(folder, "minimize", 3)
    new = [book.records[number] for number in range(30, 50)]
    assert all(WIDER.contains(record.configuration) for record in new)
    assert any(not space().contains(record.configuration) for record in new)
    rates = sorted(float(record.configuration["learning_rate"]) for record in new)
    assert 1e-3 < rates[10] < 1e-1  # of 1e-4 to 1, where the best carried trials are
    assert book.counted() == 50


def test_absent_widths_are_spread_over_the_new_domain(folder: StudyFolder) -> None:
    widen(folder, NEW, WIDER, SEARCH, STEPS)
    assert {trial.params["neurons_3"] for trial in trials_in(folder.journal)} == {4, 8, 16}


def test_trials_outside_are_left_out_and_counted_by_reason(folder: StudyFolder) -> None:
    old = Book(folder, "minimize", 3).records
    narrower = space(activation=Choices(("tanh", "gelu")), learning_rate=FloatRange(1e-3, 1.0, log=True))
    fits = {n for n, r in old.items() if narrower.contains(r.configuration)}
    carried = widen(folder, NEW, narrower, SEARCH, STEPS)
    book = Book(folder, "minimize", 3)
    assert book.records.keys() == fits
    assert book.counted() == carried.kept
    assert set(carried.left) <= {"activation is outside tanh, gelu", "learning_rate is outside 0.001..1, log"}
    assert sum(carried.left.values()) == 30 - len(fits) > 0
    trials = trials_in(folder.journal)
    assert len(trials) == max(old) + 1
    free = [trial for trial in trials if trial.number not in fits]
    assert all(trial.state is TrialState.FAIL and not trial.params for trial in free)
    search_on(folder, 2, narrower)
    assert set(Book(folder, "minimize", 3).records) - fits >= {30, 31}


def test_a_second_launch_is_an_ordinary_one(folder: StudyFolder) -> None:
    widen(folder, NEW, WIDER, SEARCH, STEPS)
    journal, history = folder.journal.read_bytes(), folder.history.read_bytes()
    study = OptunaStudy(folder.journal, SEARCH, WIDER, "minimize", STEPS)
    assert recover(study, Book(folder, "minimize", 3)) == []
    assert not finish_widening(folder)
    assert (folder.journal.read_bytes(), folder.history.read_bytes()) == (journal, history)


def test_the_old_study_is_set_aside_whole(folder: StudyFolder) -> None:
    history = folder.history.read_bytes()
    carried = widen(folder, NEW, WIDER, SEARCH, STEPS)
    aside = StudyFolder(carried.aside)
    assert aside.read() == FILE
    assert aside.history.read_bytes() == history
    assert study_names(folder.path.parent.parent) == ["bike"]


def test_weights_of_the_best_are_carried_and_nothing_of_the_finalists(folder: StudyFolder) -> None:
    kept = sorted(path.name for path in folder.weights.iterdir())
    best = Book(folder, "minimize", 3).best()
    assert best is not None
    (folder.weights / "finalist-1-0-0.npz").write_bytes(b"")
    folder.finalists.write_text("")
    folder.verdict.write_text("{}")
    carried = widen(folder, NEW, WIDER, SEARCH, STEPS)
    assert carried.again is None
    assert sorted(path.name for path in folder.weights.iterdir()) == kept
    assert load_weights(weights_path(folder, best.number))[0].tolist() == [best.number] * 2
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"study.json", "optuna.journal", "history.jsonl", "weights"}


def test_a_best_trial_whose_weights_are_gone_is_trained_again_from_its_seed(folder: StudyFolder) -> None:
    best = Book(folder, "minimize", 3).best()
    assert best is not None
    weights_path(folder, best.number).unlink()
    carried = widen(folder, NEW, WIDER, SEARCH, STEPS)
    assert (carried.kept, carried.again) == (29, best.number)
    search_on(folder, 1, WIDER)
    book = Book(folder, "minimize", 3)
    again = book.records[30]
    assert (again.retry_of, again.configuration, again.value) == (best.number, best.configuration, best.value)
    assert book.best() == again
    assert weights_path(folder, 30).exists()
    assert book.counted() == 30


def test_an_interrupted_trial_is_run_again_in_the_new_study_if_it_fits(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    search_on(folder, 2, space())
    book = Book(folder, "minimize", 3)
    for number, rate in ((2, 0.02), (3, 1e-4)):
        book.add(TrialRecord(number, net(rate), "interrupted", "stopped"))
    within = space(learning_rate=FloatRange(1e-4, 1.0, log=True), optimizer=Choices(("adam", "sgd")))
    carried = widen(folder, NEW, within, SEARCH, STEPS)
    assert carried.kept == 2
    assert carried.left == {}
    study = OptunaStudy(folder.journal, SEARCH, within, "minimize", STEPS)
    recover(study, Book(folder, "minimize", 3))
    asked = [study.ask(), study.ask()]
    assert [(one.configuration, one.retry_of) for one in asked if one] == [(net(0.02), 2), (net(1e-4), 3)]


def test_retries_keep_the_trial_that_they_run_again(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    book = Book(folder, "minimize", 3)
    book.add(TrialRecord(0, net(0.01), "interrupted", "worker died"))
    book.add(TrialRecord(1, net(0.01), "completed", value=1.0, retry_of=0), [np.zeros(1)])
    widen(folder, NEW, WIDER, SEARCH, STEPS)
    study = OptunaStudy(folder.journal, SEARCH, WIDER, "minimize", STEPS)
    again = Book(folder, "minimize", 3)
    assert recover(study, again) == []
    assert again.attempts(0, "worker died") == 1
    assert [trial.user_attrs.get("retry_of") for trial in study.trials()] == [None, 0]


def test_where_nothing_fits_the_study_is_left_as_it_is(folder: StudyFolder) -> None:
    history = folder.history.read_bytes()
    message = r"no trial of 'bike' fits the changed space:\n  epochs is outside 7 \(30 trials\)\nundo a part"
    with pytest.raises(StudyError, match=message):
        widen(folder, NEW, space(epochs=Choices((7,))), SEARCH, STEPS)
    assert folder.read() == FILE
    assert folder.history.read_bytes() == history
    assert [path.name for path in folder.path.parent.iterdir()] == ["bike"]


def aside(folder: StudyFolder) -> StudyFolder:
    return StudyFolder(folder.path.with_name(".bike.widening"))


def test_a_crash_while_the_new_study_is_built_leaves_the_old_one(folder: StudyFolder) -> None:
    build(folder, aside(folder), NEW, WIDER, SEARCH, STEPS)
    assert folder.read() == FILE
    assert not finish_widening(folder)
    assert folder.read() == FILE
    assert not aside(folder).path.exists()
    assert widen(folder, NEW, WIDER, SEARCH, STEPS).kept == 30


def test_a_crash_after_the_old_study_is_set_aside_leaves_the_new_one(folder: StudyFolder) -> None:
    build(folder, aside(folder), NEW, WIDER, SEARCH, STEPS)
    folder.set_aside()
    assert finish_widening(folder)
    assert folder.read() == NEW
    assert Book(folder, "minimize", 3).counted() == 30
    assert not finish_widening(folder)


def test_a_build_that_a_crash_cut_short_is_made_again(folder: StudyFolder) -> None:
    aside(folder).path.mkdir()
    aside(folder).history.write_text("half")
    assert widen(folder, NEW, WIDER, SEARCH, STEPS).kept == 30
    assert Book(folder, "minimize", 3).counted() == 30


def test_folds_are_told_to_the_pruner_as_their_running_mean(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    folds = [EpochRecord(split, step, {"val_rmse": float(10 * split + step)}) for split in (0, 1, 2) for step in (2, 1)]
    record = TrialRecord(0, net(0.01), "completed", value=11.0, epochs=tuple(folds))
    Book(folder, "minimize", 3).add(record, [np.zeros(1)])
    info = replace(NEW.info, splits=3)
    every = SearchSection.model_validate({"pruner": "patient"})
    widen(folder, replace(NEW, info=info), WIDER, every, 3)
    assert trials_in(folder.journal)[0].intermediate_values == {1: 1.0, 2: 6.0}


def test_halving_goes_on_from_the_rungs_that_were_reached(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    halving = SearchSection.model_validate(
        {"sampler": "random", "pruner": {"name": "successive_halving", "min_resource": 1, "reduction_factor": 2}}
    )
    search_on(folder, 10, space(), halving)
    rungs = [{k: v for k, v in t.system_attrs.items() if "rung" in k} for t in trials_in(folder.journal)]
    widen(folder, NEW, WIDER, halving, STEPS)
    assert [{k: v for k, v in t.system_attrs.items() if "rung" in k} for t in trials_in(folder.journal)] == rungs
    assert any(rungs)


def test_a_net_without_a_penalty_has_one_of_nothing() -> None:
    with_l2 = space(l2=Choices((0.0, 1e-3)))
    assert rewritten(net(0.01, depth=1), with_l2) == {**net(0.01, depth=1), "l2": 0.0}
    kept, left = fitting([TrialRecord(0, net(0.01), "failed", "diverged")], with_l2)
    assert [record.configuration["l2"] for record in kept] == [0.0]
    assert left == {}
    back, _ = fitting(kept, space())
    assert back[0].configuration == net(0.01)


def test_a_penalty_that_the_space_has_no_more_or_has_no_zero_in_is_told() -> None:
    one = TrialRecord(0, {**net(0.01), "l2": 1e-3}, "completed", value=1.0)
    assert fitting([one], space()) == ([], {"l2 is not in the space any more": 1})
    plain = TrialRecord(0, net(0.01), "completed", value=1.0)
    log = space(l2=FloatRange(1e-6, 1e-2, log=True))
    assert fitting([plain], log) == ([], {"l2 is outside 1e-06..0.01, log": 1})


def test_equal_widths_are_one_width_for_all_layers_and_the_other_way_round() -> None:
    shared = build_space(DOMAINS, per_layer=False)
    equal = {**net(0.01, depth=2), "neurons_1": 8, "neurons_2": 8}
    together = rewritten(equal, shared)
    assert together == {n: v for n, v in equal.items() if n[:7] != "neurons"} | {"neurons": 8}
    assert shared.contains(together)
    assert rewritten(together, space()) == equal
    uneven = TrialRecord(0, {**equal, "neurons_2": 4}, "completed", value=1.0)
    assert fitting([uneven], shared)[0] == []


def test_a_deeper_net_than_the_space_has_is_told_by_its_depth() -> None:
    deep = TrialRecord(0, net(0.01, depth=2), "completed", value=1.0)
    assert fitting([deep], space(hidden_layers=IntRange(0, 1)))[1] == {"hidden_layers is outside 0..1": 1}
