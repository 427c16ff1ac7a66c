from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.evidence import Evidence, positions
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.space import Configuration, Parameter, Space, build_space

from .drawn import drawn_trials

SPACE = build_space(
    {
        "hidden_layers": Choices((1,)), "neurons": Choices((8,)), "activation": Choices(("relu", "tanh")),
        "optimizer": Choices(("adam", "sgd", "rmsprop")), "dropout": FloatRange(0.0, 0.5),
        "learning_rate": FloatRange(1e-4, 1e-1, log=True), "batch_size": Choices((16, 32, 64)), "epochs": Choices((5,)),
    }
)  # fmt: skip


def parameter(name: str, space: Space = SPACE) -> Parameter:
    return next(one for one in space if one.name == name)


def score(configuration: Configuration) -> float:
    return 3 * float(configuration["dropout"]) + (configuration["optimizer"] == "sgd")


def test_trials_are_ranked_with_pruned_ones_behind_and_copies_and_strangers_left_out() -> None:
    first, second, third, fourth, fifth, sixth = drawn_trials(SPACE, 6, score)
    epoch = EpochRecord(0, 1, {})
    records = [
        TrialRecord(0, first.configuration, "completed", value=2.0),
        TrialRecord(1, second.configuration, "pruned", epochs=(epoch,)),
        TrialRecord(2, third.configuration, "pruned", epochs=(epoch, epoch)),
        TrialRecord(3, fourth.configuration, "completed", value=1.0),
        TrialRecord(4, fifth.configuration, "failed", "diverged at epoch 2"),
        TrialRecord(5, first.configuration, "completed", value=2.0, copy_of=0),
        TrialRecord(6, {**sixth.configuration, "dropout": 0.9}, "completed", value=0.0),
        TrialRecord(7, sixth.configuration, "interrupted", "stopped"),
        TrialRecord(8, sixth.configuration, "failed", "timeout after 5 s"),
    ]
    evidence = Evidence(records, SPACE, "minimize")
    assert [trial.number for trial in evidence.trials] == [3, 0, 2, 1]
    assert [trial.number for trial in evidence.diverged] == [4]
    assert [trial.number for trial in evidence.failed] == [4, 8]
    assert evidence.ended == 8
    assert [trial.number for trial in Evidence(records, SPACE, "maximize").trials] == [0, 3, 2, 1]


def test_the_p_value_is_that_of_the_coefficient_in_a_regression_on_all_parameters() -> None:
    records = drawn_trials(SPACE, 80, score)
    evidence = Evidence(records, SPACE, "minimize")
    chosen = np.array([trial.configuration["optimizer"] == "sgd" for trial in evidence.trials])
    found = evidence.better(parameter("optimizer"), chosen)

    scores = stats.norm.ppf(stats.rankdata([-(trial.value or 0) for trial in evidence.trials]) / 81)
    design = [np.ones(80), chosen.astype(float)]
    for name, choices in (("activation", ["tanh"]), ("batch_size", [32, 64])):
        design += [np.array([float(t.configuration[name] == c) for t in evidence.trials]) for c in choices]
    for name, low, high in (("dropout", 0.0, 0.5), ("learning_rate", -4.0, -1.0)):
        values = np.array([float(trial.configuration[name]) for trial in evidence.trials])
        place = ((np.log10(values) if name == "learning_rate" else values) - low) / (high - low) - 0.5
        design += [place, place**2, abs(place)]
    x = np.column_stack(design)
    coefficients, (rest,), rank, _ = np.linalg.lstsq(x, scores, rcond=None)
    error = np.sqrt(rest / (80 - rank) * np.linalg.inv(x.T @ x)[1, 1])
    assert found == pytest.approx(stats.t.sf(coefficients[1] / error, 80 - rank), rel=1e-6)
    assert found > 0.9
    assert evidence.better(parameter("optimizer"), ~chosen) == pytest.approx(1 - found)


def test_a_parameter_in_good_company_is_not_taken_for_good() -> None:
    # What a sampler does that tries what did well again: the place of dropout goes along with a good learning rate's.
    draw = np.random.default_rng(0)
    records = []
    for record in drawn_trials(SPACE, 150, lambda _: 0.0):
        rate = float(record.configuration["learning_rate"])
        near = abs(np.log10(rate) + 2.5) < 0.5
        dropout = draw.uniform(0.45, 0.5) if near and draw.random() < 0.8 else draw.uniform(0.0, 0.45)
        value = 3 * (np.log10(rate) + 2.5) ** 2 + 0.3 * draw.normal()
        configuration = {**record.configuration, "dropout": float(dropout)}
        records.append(TrialRecord(record.number, configuration, "completed", value=float(value)))
    evidence = Evidence(records, SPACE, "minimize")
    high = positions(parameter("dropout"), evidence.trials) > 0.9
    values = np.array([trial.value for trial in evidence.trials])
    assert stats.mannwhitneyu(values[high], values[~high], alternative="less").pvalue < 1e-6
    assert evidence.better(parameter("dropout"), high) > 0.01


def test_a_share_is_judged_by_the_noncentral_f_distribution() -> None:
    evidence = Evidence(drawn_trials(SPACE, 120, lambda c: float(c["dropout"])), SPACE, "minimize")
    scores = stats.norm.ppf(stats.rankdata([-(trial.value or 0) for trial in evidence.trials]) / 121)

    def explained(*names: str) -> float:
        columns = np.hstack([evidence._columns[name] for name in names])
        return float(LinearRegression().fit(columns, scores).score(columns, scores))

    others = ("activation", "optimizer", "dropout", "learning_rate")
    free = 120 - 1 - 1 - 2 - 3 - 3 - 2
    left = 1 - explained(*others, "batch_size")
    f = (explained(*others, "batch_size") - explained(*others)) / 2 / (left / free)
    expected = stats.ncf.cdf(f, 2, free, 120 * 0.1 / 0.9)
    assert evidence.more_than(parameter("batch_size"), 0.1) == pytest.approx(expected, rel=1e-6)


def test_that_a_parameter_explains_little_takes_trials_to_say_and_is_not_said_of_one_that_matters() -> None:
    few, many = (Evidence(drawn_trials(SPACE, n, score), SPACE, "minimize") for n in (60, 400))
    assert many.more_than(parameter("batch_size"), 0.05) < 0.05 < few.more_than(parameter("batch_size"), 0.05)
    assert many.more_than(parameter("dropout"), 0.05) > 0.5


def test_too_few_trials_tell_nothing() -> None:
    evidence = Evidence(drawn_trials(SPACE, 20, score), SPACE, "minimize")
    assert evidence.better(parameter("dropout"), positions(parameter("dropout"), evidence.trials) > 0.5) == 1.0
    assert evidence.more_than(parameter("dropout"), 0.05) == 1.0


def test_places_are_on_the_scale_of_the_range() -> None:
    space = build_space({"hidden_layers": IntRange(0, 2), "neurons": IntRange(4, 64, log=True)})
    common = {"optimizer": "adam", "learning_rate": 1e-3, "epochs": 30}
    deep = {"hidden_layers": 1, "neurons_1": 16, "activation": "relu", "dropout": 0.0, "batch_size": 16, **common}
    flat = {"hidden_layers": 0, "batch_size": 128, **common}
    trials = [TrialRecord(0, deep, "completed", value=1.0), TrialRecord(1, flat, "completed", value=1.0)]
    found = {name: positions(parameter(name, space), trials) for name in ("neurons_1", "batch_size", "learning_rate")}
    assert found["neurons_1"] == pytest.approx([0.5, np.nan], nan_ok=True)
    assert found["batch_size"] == pytest.approx([0.0, 1.0])
    assert found["learning_rate"] == pytest.approx([1 / 3, 1 / 3])
