"""Our search under keras-tuner's API: what a program gets beyond keras-tuner. These train no net, so they are quick."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError, FatalTypeError, FatalValueError

import hpsearch.kerastuner as ours
from hpsearch.errors import SpecError, StoreError, StudyError
from hpsearch.search.history import read_history
from hpsearch.spec.strategies import PRUNERS, SAMPLERS

Score = Callable[..., Any]


def tuner_of(score: Score, kind: Any = None) -> Any:
    """Return a tuner class that scores a trial by a function of (tuner, trial, hp)."""

    class Scored(kind or ours.Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return score(self, trial, trial.hyperparameters)

    return Scored


def square(_tuner: Any, _trial: Any, hp: Any) -> float:
    return float(hp.Float("x", -2.0, 2.0) ** 2)


def by_epoch(values: Callable[[Any], list[float]]) -> Score:
    """Return a score that trains a few epochs, of which keras-tuner's callback would tell the tuner."""

    def score(tuner: Any, trial: Any, hp: Any) -> dict[str, float]:
        measured = values(hp)
        for epoch, value in enumerate(measured):
            tuner.on_epoch_begin(trial, None, epoch)
            tuner.on_epoch_end(trial, None, epoch, {"loss": value})
        return {"loss": min(measured)}

    return score


def layered() -> Any:
    """Return the space of nets of one or two layers, with the width of the second in each, as keras-tuner has it."""
    hp = keras_tuner.HyperParameters()
    hp.Int("layers", 1, 2)
    hp.Choice("units_0", [8, 16])
    hp.Choice("units_1", [8, 16])
    return hp


LOSS = keras_tuner.Objective("loss", "min")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch"])
def test_a_tuner_takes_what_keras_tuners_of_its_name_takes(name: str) -> None:
    theirs = inspect.signature(getattr(keras_tuner, name)).parameters
    own = inspect.signature(getattr(ours, name)).parameters
    assert [(p.name, p.default) for p in own.values()] == [(p.name, p.default) for p in theirs.values()]
    assert issubclass(getattr(ours, name), keras_tuner.Tuner)


def test_every_other_name_is_keras_tuners_own() -> None:
    assert ours.HyperModel is keras_tuner.HyperModel
    assert ours.errors.FailedTrialError is FailedTrialError
    assert ours.tuners.RandomSearch is ours.RandomSearch
    assert ours.tuners.SklearnTuner is keras_tuner.SklearnTuner
    with pytest.raises(
        AttributeError, match=r"neither 'hpsearch.kerastuner' nor 'keras_tuner' has an attribute 'Tunar'"
    ):
        _ = ours.Tunar


def test_tpe_learns_where_to_look_and_random_search_does_not(here: Path) -> None:
    late = {}
    for sampler in ("tpe", "random"):
        tuner = tuner_of(square)(max_trials=25, sampler=sampler, seed=7, track=False, project_name=sampler)
        tuner.search(verbose=0)
        late[sampler] = np.mean([trial.score for trial in list(tuner.oracle.trials.values())[-10:]])
    assert late["tpe"] < late["random"] / 2


def test_a_configuration_is_trained_once_and_a_finite_space_to_its_end(here: Path) -> None:
    trained = []

    def score(_tuner: Any, _trial: Any, hp: Any) -> float:
        trained.append((hp.Choice("a", [1, 2, 3]), hp.Boolean("b")))
        return float(trained[-1][0])

    tuner = tuner_of(score)(max_trials=50, seed=1, track=False)
    tuner.search(verbose=0)
    assert len(trained) == len(set(trained)) == 6
    assert len(tuner.oracle.trials) == 6


def test_parameters_that_nobody_reads_make_no_new_configuration(here: Path) -> None:
    trained = []

    def score(_tuner: Any, _trial: Any, hp: Any) -> float:
        layers = hp.Int("layers", 1, 2)
        trained.append((layers, *(hp.Choice(f"units_{i}", [8, 16]) for i in range(layers))))
        return float(layers)

    tuner = tuner_of(score)(max_trials=50, seed=1, track=False, hyperparameters=layered())
    tuner.search(verbose=0)
    assert sorted(trained) == [(1, 8), (1, 16), (2, 8, 8), (2, 8, 16), (2, 16, 8), (2, 16, 16)]


def test_a_sampler_that_repeats_itself_does_not_end_the_search(here: Path) -> None:
    trained: list[Any] = []

    def score(_tuner: Any, _trial: Any, hp: Any) -> float:
        linear = hp.Choice("kind", ["linear", "mlp"]) == "linear"
        trained.append("linear" if linear else hp.Float("dropout", 0, 0.5))
        return 2.0 if linear else 1.0

    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["linear", "mlp"])
    space.Float("dropout", 0, 0.5)
    tuner_of(score)(max_trials=40, seed=1, track=False, hyperparameters=space).search(verbose=0)
    assert len(trained) == len(set(trained)) == 40


@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_what_is_met_but_not_tuned_makes_no_new_configuration(sampler: str, here: Path) -> None:
    trained: list[int] = []

    def score(_tuner: Any, _trial: Any, hp: Any) -> float:
        trained.append(hp.Choice("a", [1, 2, 3]))
        return float(hp.Boolean("b"))

    space = keras_tuner.HyperParameters()
    space.Choice("a", [1, 2, 3])
    made = {"sampler": sampler, "seed": 1, "track": False, "hyperparameters": space, "tune_new_entries": False}
    for most in (2, 9):
        tuner_of(score)(max_trials=most, **made).search(verbose=0)
    assert sorted(trained) == [1, 2, 3]


def test_the_oracle_alone_trains_no_configuration_twice(here: Path) -> None:
    trained: list[int] = []

    class Own(keras_tuner.Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            trained.append(trial.hyperparameters.Choice("a", [1, 2, 3]))
            return float(trained[-1])

    Own(oracle=ours.OptunaOracle(keras_tuner.Objective("default_objective", "min"), max_trials=9)).search(verbose=0)
    assert sorted(trained) == [1, 2, 3]


def test_trials_from_before_a_parameter_was_met_are_told_again(here: Path) -> None:
    def score(_tuner: Any, trial: Any, hp: Any) -> float:
        x = hp.Float("x", 0, 1)
        return float(x + (hp.Float("late", 0, 1) if int(trial.trial_id) >= 2 else 0))

    tuner_of(score)(max_trials=4, track=False).search(verbose=0)
    again = tuner_of(score)(max_trials=4, track=False)
    told = again.oracle._opened()._study.get_trials()
    assert [sorted(trial.params) for trial in told] == [["x"], ["x"], ["late", "x"], ["late", "x"]]


def test_a_pruned_trial_is_stopped_and_is_never_the_best(here: Path) -> None:
    scored = by_epoch(lambda hp: [0.1, float(hp.Int("height", 1, 8)), 0.0])
    tuner = tuner_of(scored)(
        objective=LOSS, max_trials=8, sampler="grid", track=False, pruner={"name": "threshold", "upper": 4.5}
    )
    tuner.search(verbose=0)
    trials = tuner.oracle.trials.values()
    assert {t.hyperparameters.get("height"): (t.status, t.score, t.message) for t in trials} == {
        height: ("COMPLETED", 0.0, None) if height < 5 else ("STOPPED", None, "pruned at epoch 2")
        for height in range(1, 9)
    }
    records = read_history(here / "untitled_project" / "hpsearch.jsonl")
    assert [(r.state, len(r.epochs), r.value) for r in records.values()] == [
        ("completed", 3, 0.0) if r.configuration["height"] < 5 else ("pruned", 2, None) for r in records.values()
    ]
    best = tuner.get_best_hyperparameters(8)
    assert sorted(hp.get("height") for hp in best) == [1, 2, 3, 4]


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if "/" not in name])
def test_every_sampler_of_a_study_file_searches_a_space_that_grows(sampler: str, here: Path) -> None:
    def score(_tuner: Any, trial: Any, hp: Any) -> float:
        x = hp.Float("x", 0.0, 1.0) + hp.Int("n", 1, 64, sampling="log")
        if trial.trial_id > "2":
            x += hp.Choice("late", [0.0, 1.0]) + hp.Float("r", 1.0, 9.0, sampling="reverse_log")
        return float(x)

    tuner = tuner_of(score)(max_trials=8, sampler=sampler, seed=1, track=False)
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 8


@pytest.mark.parametrize("pruner", [name for name in PRUNERS if name != "threshold"])
def test_every_pruner_of_a_study_file_judges_trials_by_their_epochs(pruner: str, here: Path) -> None:
    scored = by_epoch(lambda hp: [float(epoch * hp.Choice("slope", [*range(-8, 8)])) for epoch in range(9)])
    tuner = tuner_of(scored)(objective=LOSS, max_trials=16, pruner=pruner, sampler="grid", track=False)
    tuner.search(epochs=9, verbose=0)
    states = {trial.status for trial in tuner.oracle.trials.values()}
    assert states == ({"COMPLETED"} if pruner == "none" else {"COMPLETED", "STOPPED"})


def test_no_trial_is_pruned_after_its_last_epoch(here: Path) -> None:
    scored = by_epoch(lambda hp: [0.5, 9.0 + hp.Float("x", 0, 1)])
    pruner = {"name": "threshold", "upper": 4.5}
    tuner = tuner_of(scored)(objective=LOSS, max_trials=2, pruner=pruner, track=False)
    tuner.search(epochs=2, verbose=0)
    assert [trial.score for trial in tuner.oracle.trials.values()] == [0.5, 0.5]


def test_a_reloaded_tuner_prunes_by_what_another_process_did_meanwhile(here: Path) -> None:
    def score(tuner: Any, trial: Any, hp: Any) -> Any:
        bad = 9.0 if trial.trial_id == "4" else 1.0
        return by_epoch(lambda hp: [bad + hp.Float("x", 0, 1)] * 3)(tuner, trial, hp)

    pruner = {"name": "median", "n_startup_trials": 3, "n_warmup_steps": 1}
    made = {"objective": LOSS, "track": False}
    tuner = tuner_of(score)(max_trials=1, pruner=pruner, **made)
    tuner.search(epochs=3, verbose=0)
    tuner_of(score)(max_trials=4, pruner="none", **made).search(epochs=3, verbose=0)
    tuner.reload()
    tuner.oracle.max_trials = 5
    tuner.search(epochs=3, verbose=0)
    states = [trial.status for _, trial in sorted(tuner.oracle.trials.items())]
    assert states == ["COMPLETED"] * 4 + ["STOPPED"]


def test_a_trial_whose_line_in_the_history_is_lost_is_known_from_keras_tuners_file(here: Path) -> None:
    tuner_of(square)(max_trials=3, track=False).search(verbose=0)
    history = here / "untitled_project" / "hpsearch.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join(lines[:2]) + lines[2][:40])  # what a crash leaves
    again = tuner_of(square)(max_trials=4, track=False)
    again.search(verbose=0)
    assert [(n, r.state) for n, r in sorted(again.oracle.records.items())] == [(n, "completed") for n in range(4)]
    assert sorted(read_history(history)) == [0, 1, 3]


def test_the_time_over_leaves_a_trial_that_the_next_search_runs_again(here: Path) -> None:
    begun: list[tuple[str, float]] = []

    def score(tuner: Any, trial: Any, hp: Any) -> dict[str, float]:
        x, epoch = hp.Float("x", 0, 1), 0
        begun.append((trial.trial_id, x))
        while tuner is hurried:  # it trains until the time is over
            tuner.on_epoch_end(trial, None, epoch, {"loss": x})
            epoch += 1
        return {"loss": x}

    space = keras_tuner.HyperParameters()
    space.Float("x", 0, 1)
    made = {"objective": LOSS, "max_trials": 3, "track": False, "pruner": "none", "hyperparameters": space}
    hurried = tuner_of(score)(timeout=1, **made)
    hurried.search(verbose=0)
    first = list(begun)
    assert [trial for trial, _ in first] in (["0"], [])  # on a machine that stops for a second, none
    again = tuner_of(score)(**made)
    again.search(verbose=0)
    assert [trial for trial, _ in begun[-3:]] == ["0", "1", "2"]
    assert begun[len(first)] in first or not first  # with the same values, though it was the project's first trial
    assert [trial.status for trial in again.oracle.trials.values()] == ["COMPLETED"] * 3


def test_no_trial_begins_once_the_time_is_over(here: Path) -> None:
    def slow(_tuner: Any, _trial: Any, hp: Any) -> float:
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            pass
        return float(hp.Float("x", 0, 1))

    tuner = tuner_of(slow)(max_trials=None, timeout=0.2, track=False)
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] in ([], ["COMPLETED"])


def test_a_trial_that_takes_too_long_fails_and_the_search_goes_on(here: Path) -> None:
    def slow(tuner: Any, trial: Any, hp: Any) -> dict[str, float]:
        epoch = 0
        while hp.Boolean("slow"):
            tuner.on_epoch_end(trial, None, epoch, {"loss": 1.0})
            epoch += 1
        return {"loss": 0.5}

    tuner = tuner_of(slow)(
        objective=LOSS, max_trials=2, sampler="grid", trial_timeout="0.2s", pruner="none", track=False
    )
    tuner.search(verbose=0)
    assert {t.hyperparameters.get("slow"): t.status for t in tuner.oracle.trials.values()} == {
        False: "COMPLETED",
        True: "FAILED",
    }
    assert "timeout after 0.2 s" in tuner.oracle.trials["1"].message


def test_mlflow_has_the_trials_with_the_parameters_that_each_read(here: Path, store: Path) -> None:
    def score(tuner: Any, trial: Any, hp: Any) -> dict[str, float]:
        layers = hp.Int("layers", 1, 2)
        units = [hp.Choice(f"units_{i}", [8, 16]) for i in range(layers)]
        if layers == 2 and units == [8, 8]:
            raise ValueError("a bug of ours")
        tuner.on_epoch_end(trial, None, 0, {"loss": 2.0 * layers})
        tuner.on_epoch_end(trial, None, 1, {"loss": 1.0 * layers})
        return {"loss": 1.0 * layers}

    pruner = {"name": "threshold", "upper": 3.5}
    made = {"objective": LOSS, "sampler": "grid", "pruner": pruner, "store": store, "hyperparameters": layered()}
    tuner_of(score)(max_trials=4, project_name="nets", **made).search(verbose=0)
    tuner_of(score)(max_trials=6, project_name="nets", **made).search(verbose=0)
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("nets")
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    launches = [run for run in runs if run.data.tags["hpsearch.kind"] == "launch"]
    trials = [run for run in runs if run.data.tags["hpsearch.kind"] == "trial"]
    assert [launch.info.status for launch in launches] == ["FINISHED", "FINISHED"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {launch.info.run_id for launch in launches}
    assert sorted((tuple(sorted(run.data.params.items())), run.info.status) for run in trials) == sorted(
        [
            ((("layers", "1"), ("units_0", "8")), "FINISHED"),
            ((("layers", "1"), ("units_0", "16")), "FINISHED"),
            *(
                ((("layers", "2"), ("units_0", a), ("units_1", b)), "KILLED")
                for a, b in (("8", "16"), ("16", "8"), ("16", "16"))
            ),
            ((("layers", "2"), ("units_0", "8"), ("units_1", "8")), "FAILED"),
        ]
    )
    done = next(run for run in trials if run.info.status == "FINISHED")
    assert [(m.step, m.value) for m in client.get_metric_history(done.info.run_id, "loss")] == [(1, 2.0), (2, 1.0)]
    assert done.data.metrics["objective"] == 1.0


def test_what_was_interrupted_is_run_again_and_mlflow_has_each_trial_once(here: Path, store: Path) -> None:
    def score(tuner: Any, trial: Any, hp: Any) -> dict[str, float]:
        x = hp.Float("x", 0, 1)
        tuner.on_epoch_end(trial, None, 0, {"loss": x})
        if trial.trial_id == "1" and endings:
            raise endings.pop()
        return {"loss": x}

    endings: list[BaseException] = [FatalValueError("no use"), KeyboardInterrupt()]
    made = {"objective": LOSS, "max_trials": 3, "store": store, "project_name": "nets"}
    for ending in (KeyboardInterrupt, FatalValueError):
        with pytest.raises(ending):
            tuner_of(score)(**made).search(verbose=0)
    last = tuner_of(score)(**made)
    last.search(verbose=0)
    assert [trial.status for trial in last.oracle.trials.values()] == ["COMPLETED"] * 3
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("nets")
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    kinds = [run.data.tags["hpsearch.kind"] for run in runs]
    assert [r.info.status for r, kind in zip(runs, kinds, strict=True) if kind == "launch"] == [
        "KILLED",
        "FAILED",
        "FINISHED",
    ]
    trials = [run for run, kind in zip(runs, kinds, strict=True) if kind == "trial"]
    assert sorted((run.data.tags["hpsearch.trial"], run.info.status) for run in trials) == [
        ("0", "FINISHED"), ("1", "FINISHED"), ("2", "FINISHED"),
    ]  # fmt: skip


def test_an_mlflow_that_is_away_neither_ends_nor_changes_a_search(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    tuner = tuner_of(square)(max_trials=2)
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert "MLflow could not be written" in capsys.readouterr().out


def test_the_trials_of_an_old_project_are_known_to_a_new_search(here: Path) -> None:
    trained = []

    def score(_tuner: Any, _trial: Any, hp: Any) -> float:
        trained.append((hp.Choice("a", [1, 2, 3]), hp.Choice("b", ["x", "y"])))
        return float(trained[-1][0])

    tuner_of(score, keras_tuner.RandomSearch)(max_trials=4, seed=3, project_name="old").search(verbose=0)
    tuner = tuner_of(score)(max_trials=50, track=False, start_from="old", project_name="new", seed=1)
    tuner.search(verbose=0)
    assert len(set(trained)) == 6
    # The new search's first trial meets the parameters, with their defaults; only then can it know the old ones.
    assert len(tuner.oracle.trials) in (2, 3)


def test_a_trial_that_failed_is_judged_by_what_its_retry_measures(here: Path) -> None:
    results = iter([float("nan"), 1.0])
    tuner = tuner_of(lambda _t, _r, hp: next(results) + 0 * hp.Float("x", 0, 1))(
        max_trials=1, max_retries_per_trial=1, track=False
    )
    tuner.search(verbose=0)
    assert [(trial.status, trial.score) for trial in tuner.oracle.trials.values()] == [("COMPLETED", 1.0)]


def test_an_old_project_of_another_metric_is_refused(here: Path) -> None:
    accuracy = keras_tuner.Objective("accuracy", "max")
    old = tuner_of(lambda _t, _r, hp: {"accuracy": hp.Float("x", 0, 1)}, keras_tuner.RandomSearch)
    old(objective=accuracy, max_trials=2, project_name="old").search(verbose=0)
    with pytest.raises(StudyError, match=r"are of accuracy \(maximize\), this search's objective is loss \(minimize\)"):
        tuner_of(square)(objective=LOSS, start_from="old")
    with pytest.raises(
        StoreError, match=r"no keras-tuner project: oracle.json is missing; name directory/project_name"
    ):
        tuner_of(square)(objective=LOSS, start_from=here)


def test_a_project_of_keras_tuners_is_gone_on_with_by_a_program_whose_import_changed(here: Path) -> None:
    theirs = tuner_of(square, keras_tuner.RandomSearch)(max_trials=3, seed=3)
    theirs.search(verbose=0)
    own = tuner_of(square, ours.RandomSearch)(max_trials=5, track=False)
    own.search(verbose=0)
    assert sorted(own.oracle.trials) == ["0", "1", "2", "3", "4"]
    assert own.oracle.trials["1"].score == theirs.oracle.trials["1"].score
    assert len({trial.score for trial in own.oracle.trials.values()}) == 5


def test_objectives_in_a_list_are_one_sum_as_in_keras_tuner(here: Path) -> None:
    def both(_tuner: Any, _trial: Any, hp: Any) -> dict[str, float]:
        error, size = hp.Choice("error", [1.0, 2.0]), hp.Choice("size", [3.0, 5.0])
        return {"error": error, "size": size, "multi_objective": error - size}

    objectives = [keras_tuner.Objective("error", "min"), keras_tuner.Objective("size", "max")]
    tuner = tuner_of(both)(objective=objectives, max_trials=9, track=False)
    tuner.search(verbose=0)
    best = tuner.get_best_hyperparameters()[0]
    assert (best["error"], best["size"], tuner.oracle.get_best_trials()[0].score) == (1.0, 5.0, -4.0)


def test_a_search_that_memory_fails_goes_on_and_says_why(here: Path) -> None:
    def hungry(_tuner: Any, _trial: Any, hp: Any) -> float:
        rows = hp.Choice("rows", [1, 10**15])
        return float(np.ones((rows, 8)).sum())

    tuner = tuner_of(hungry)(max_trials=2, sampler="grid", track=False, max_retries_per_trial=3)
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert "out of memory: Unable to allocate" in tuner.oracle.trials["1"].message


def test_three_failures_in_a_row_end_the_search_as_in_keras_tuner(here: Path) -> None:
    def failing(_tuner: Any, _trial: Any, hp: Any) -> float:
        raise FailedTrialError(f"no good: {hp.Float('x', 0, 1):.0f}")

    with pytest.raises(RuntimeError, match="exceeded the limit of 3"):
        tuner_of(failing)(max_trials=9, track=False).search(verbose=0)


def test_an_objective_that_nobody_measures_ends_the_search_with_what_is_measured(here: Path) -> None:
    def history(tuner: Any, trial: Any, _hp: Any) -> Any:
        import keras

        tuner.on_epoch_end(trial, None, 0, {"loss": 1.0, "accuracy": 0.5})
        measured = keras.callbacks.History()
        measured.history = {"loss": [1.0], "accuracy": [0.5]}
        return measured

    with pytest.raises(
        FatalValueError, match="'val_loss' is not among the metrics that training reports: accuracy, loss"
    ):
        tuner_of(history)(objective="val_loss", track=False).search(verbose=0)


def test_a_hypermodel_that_builds_no_model_ends_the_search(here: Path) -> None:
    with pytest.raises(FatalTypeError, match=r"to return a valid Keras Model instance. Received: None"):
        ours.RandomSearch(lambda hp: None, objective="loss", track=False).search(np.ones((4, 1)), np.ones(4))


def test_a_hypermodel_that_changes_its_space_from_call_to_call_is_named(here: Path) -> None:
    calls: list[int] = []

    def build(hp: Any) -> None:
        calls.append(1)
        hp.Int("units", 1, 10 + len(calls))
        hp.Int(f"layers_{len(calls)}", 1, 2)
        hp.Float("lr", 0, 1)

    with pytest.raises(FatalValueError, match=r"from call to call.*it declares layers_1, layers_2, units differently"):
        ours.RandomSearch(build, objective="loss", track=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sampler": "tpee"}, "field 'sampler': 'tpee' is no sampler; did you mean 'tpe'?"),
        ({"pruner": {"name": "median", "n_warmup": 3}}, "median has no option 'n_warmup'"),
        ({"timeout": "soon"}, "field 'timeout': 'soon' is no duration"),
        ({"sampler": "keras-tuner/random"}, "field 'sampler': keras-tuner/random is for study files"),
    ],
)
def test_a_setting_that_there_is_not_is_told_as_in_a_study_file(given: dict[str, Any], told: str, here: Path) -> None:
    with pytest.raises(SpecError) as caught:
        tuner_of(square)(**given)
    assert told in str(caught.value)


def test_what_belongs_to_keras_tuners_own_tuners_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="brings its own oracle"):
        ours.Tuner(oracle=keras_tuner.oracles.RandomSearchOracle(objective="loss"))
    with pytest.warns(UserWarning, match="alpha and beta belong to keras-tuner's Gaussian process"):
        tuner_of(square, ours.BayesianOptimization)(alpha=1e-3, track=False)
    with pytest.raises(SpecError, match="Hyperband: field 'factor': 1 will not do"):
        tuner_of(square, ours.Hyperband)(factor=1)
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(StudyError, match="one process runs the search"):
        tuner_of(square)()


def test_hyperband_begins_as_many_configurations_as_keras_tuners_and_trains_each_to_its_most(here: Path) -> None:
    theirs = keras_tuner.Hyperband(lambda hp: None, objective="loss", max_epochs=9, factor=3)
    rounds = [theirs.oracle._get_size(bracket, 0) for bracket in range(theirs.oracle._get_num_brackets())]
    own = tuner_of(square, ours.Hyperband)(objective=LOSS, max_epochs=9, factor=3, track=False)
    assert own.oracle.max_trials == sum(rounds)
    assert own.oracle.settings.pruner.options == {"min_resource": 1, "max_resource": 9, "reduction_factor": 3}


def test_a_damaged_file_of_a_project_is_named(here: Path) -> None:
    tuner_of(square)(max_trials=1, track=False).search(verbose=0)
    file = here / "untitled_project" / "trial_0" / "trial.json"
    file.write_text(file.read_text()[:20])
    with pytest.raises(StoreError, match=r"a file of .*untitled_project is damaged.*overwrite=True"):
        tuner_of(square)(max_trials=2)
    with pytest.raises(StoreError, match=r"trial_0/trial.json is damaged"):
        ours.read_project(here / "untitled_project")


def test_a_trial_that_ended_just_before_a_kill_is_not_run_again(here: Path) -> None:
    tuner_of(square)(max_trials=2, track=False).search(verbose=0)
    file = here / "untitled_project" / "oracle.json"
    state = json.loads(file.read_text())
    # keras-tuner writes the oracle with the trial among the running ones, and once more without it.
    file.write_text(json.dumps(state | {"ongoing_trials": {"tuner0": "1"}}))
    begun: list[str] = []

    def score(_tuner: Any, trial: Any, hp: Any) -> float:
        begun.append(trial.trial_id)
        return float(hp.Float("x", -2.0, 2.0) ** 2)

    tuner_of(score)(max_trials=3, track=False).search(verbose=0)
    assert begun == ["2"]


def test_a_trial_that_a_crash_kept_from_the_oracles_file_is_run_again(here: Path) -> None:
    tuner_of(square)(max_trials=3, track=False).search(verbose=0)
    oracle = here / "untitled_project" / "oracle.json"
    state = json.loads(oracle.read_text())
    # keras-tuner writes a new trial's file before the oracle's: what a kill between the two leaves.
    file = here / "untitled_project" / "trial_2" / "trial.json"
    trial = json.loads(file.read_text())
    file.write_text(json.dumps(trial | {"status": "RUNNING", "score": None}))
    for key in ("start_order", "end_order"):
        state[key] = [trial_id for trial_id in state[key] if trial_id != "2"]
    oracle.write_text(json.dumps(state))
    again = tuner_of(square)(max_trials=3, track=False)
    again.search(verbose=0)
    assert [trial.status for trial in again.oracle.trials.values()] == ["COMPLETED"] * 3
