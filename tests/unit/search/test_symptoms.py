from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hpsearch.records import TrialRecord
from hpsearch.search.evidence import Evidence
from hpsearch.search.symptoms import _at_least, crowded_bounds, diverged_region, idle_parameters, losing_choices
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.space import Configuration, Space, build_space

from .drawn import Score, drawn_trials

DOMAINS: dict[str, Domain] = {
    "hidden_layers": IntRange(1, 2), "neurons": IntRange(16, 256, log=True), "activation": Choices(("relu", "tanh")),
    "optimizer": Choices(("adam", "sgd", "rmsprop")), "dropout": FloatRange(0.0, 0.5),
    "learning_rate": FloatRange(1e-4, 1e-1, log=True), "batch_size": Choices((16, 32, 64)), "epochs": Choices((30,)),
}  # fmt: skip
SPACE = build_space(DOMAINS)


def rate(configuration: Configuration) -> float:
    """Return the learning rate's place in its range."""
    return (float(np.log10(configuration["learning_rate"])) + 4) / 3


def evidence(score: Score, space: Space = SPACE, count: int = 200, noise: float = 0.3) -> Evidence:
    return Evidence(drawn_trials(space, count, score, noise=noise), space, "minimize")


def test_a_bound_that_the_best_trials_crowd_against_is_found_and_moved_out() -> None:
    (found,) = crowded_bounds(evidence(lambda c: -10 * rate(c)))
    assert found.parameter.name == "learning_rate"
    assert found.domain == FloatRange(1e-4, 1.0, log=True)
    assert found.finding.startswith(
        "15 of the 20 best trials have learning_rate in the outer tenth of its range, which"
    )
    assert "(of all trials 8 %)" in found.finding
    assert found.p_value < 0.01


def test_an_end_is_found_among_other_things_that_matter() -> None:
    # A random search has but a tenth of its trials there, too few to fill the best tenth where the optimizer counts.
    trials = evidence(lambda c: -8 * rate(c) + 3.0 * (c["optimizer"] == "sgd"), noise=0.5)
    (found,) = crowded_bounds(trials)
    assert found.domain == FloatRange(1e-4, 1.0, log=True)
    crowd = int(found.finding.split()[0])
    assert crowd < 0.64 * 20


def test_a_low_end_is_found_as_well() -> None:
    (found,) = crowded_bounds(evidence(lambda c: 10 * rate(c)))
    assert found.domain == FloatRange(1e-5, 1e-1, log=True)


def test_the_last_of_a_few_whole_numbers_or_of_a_list_is_a_bound_too() -> None:
    by_depth = [f.domain for f in crowded_bounds(evidence(lambda c: -float(c["hidden_layers"])))]
    assert by_depth == [IntRange(1, 3)]
    by_batch = [f.domain for f in crowded_bounds(evidence(lambda c: -float(c["batch_size"]) / 16))]
    assert by_batch == [Choices((16, 32, 64, 128))]


def test_an_end_that_the_table_sets_is_not_told() -> None:
    assert list(crowded_bounds(evidence(lambda c: 20 * float(c["dropout"])))) == []


def test_a_best_value_near_a_bound_is_not_taken_for_one_beyond_it() -> None:
    assert list(crowded_bounds(evidence(lambda c: 500 * (rate(c) - 0.92) ** 2))) == []


def test_the_width_of_a_layer_speaks_for_its_row() -> None:
    (found,) = crowded_bounds(evidence(lambda c: -2 * np.log2(float(c["neurons_1"]))))
    assert (found.parameter.name, found.parameter.row.name) == ("neurons_1", "neurons")
    assert found.domain == IntRange(16, 512, log=True)


def test_a_choice_that_never_wins_is_left_out() -> None:
    (found,) = losing_choices(evidence(lambda c: 5.0 * (c["optimizer"] == "sgd")))
    assert found.domain == Choices(("adam", "rmsprop"))
    tried = sum(r.configuration["optimizer"] == "sgd" for r in evidence(lambda _: 0.0).trials)
    assert found.finding.startswith(f"optimizer sgd ({tried} trials) never came among the best 40 of 200 trials")


def test_two_choices_of_a_row_are_left_out_together() -> None:
    (found,) = losing_choices(evidence(lambda c: 5.0 * (c["batch_size"] != 32)))
    assert found.domain == Choices((32,))


def test_a_choice_left_early_is_not_blamed_for_the_time() -> None:
    # The search gets better by its learning rate, and happened to try sgd among its first 60 trials alone.
    records = []
    for record in drawn_trials(SPACE, 200, lambda c: 0.0):
        late = record.number >= 60
        place = 0.5 + 0.02 * rate(record.configuration) if late else rate(record.configuration)
        optimizer = "adam" if late else record.configuration["optimizer"]
        changed = {**record.configuration, "optimizer": optimizer, "learning_rate": float(10 ** (3 * place - 4))}
        value = 30 * (place - 0.51) ** 2 + 0.1 * (record.value or 0.0)
        records.append(replace(record, configuration=changed, value=value))
    late_only = Evidence(records, SPACE, "minimize")
    best = {trial.configuration["optimizer"] for trial in late_only.trials[:40]}
    tried = sum(trial.configuration["optimizer"] == "sgd" for trial in late_only.trials)
    if "sgd" not in best:
        assert _at_least(1, 200, tried, 40) > 0.95
    assert [f.parameter.name for f in losing_choices(late_only)] == []


def diverging(above: float, share: float = 0.8) -> Evidence:
    """Trials of which most with a learning rate above a place of its range diverge; the best has one below it."""
    draw = np.random.default_rng(1)
    records: list[TrialRecord] = []
    for record in drawn_trials(SPACE, 200, lambda c: 10 * (rate(c) - 0.4) ** 2):
        if rate(record.configuration) > above and draw.random() < share:
            record = replace(record, state="failed", reason="diverged at epoch 2", value=None)
        records.append(record)
    return Evidence(records, SPACE, "minimize")


def test_a_region_where_trials_diverge_is_cut_off() -> None:
    (found,) = diverged_region(diverging(0.8))
    assert found.parameter.name == "learning_rate"
    assert isinstance(found.domain, FloatRange)
    assert found.domain.low == 1e-4
    assert 0.02 <= found.domain.high <= 0.03  # of a boundary at 0.025
    assert "trials that diverged have learning_rate above" in found.finding


def test_trials_that_diverge_everywhere_are_no_region() -> None:
    records = drawn_trials(SPACE, 200, lambda _: 0.0)
    failed = [replace(r, state="failed", reason="diverged at epoch 2", value=None) for r in records[:40]]
    assert list(diverged_region(Evidence([*failed, *records[40:]], SPACE, "minimize"))) == []


def test_a_region_that_also_holds_the_best_trials_is_kept() -> None:
    records = []
    for record in drawn_trials(SPACE, 200, lambda c: -10 * rate(c)):
        beyond = rate(record.configuration) > 0.8 and record.number % 5
        state = {"state": "failed", "reason": "diverged at epoch 2", "value": None} if beyond else {}
        records.append(TrialRecord(**record.to_json() | {"epochs": ()} | state))
    assert list(diverged_region(Evidence(records, SPACE, "minimize"))) == []


def shares(**given: float) -> Mapping[str, Mapping[str, float]]:
    """Return importances by two methods: small but for those given."""
    names = [parameter.name for parameter in SPACE]
    return {method: {name: given.get(name, 0.01) for name in names} for method in ("PED-ANOVA", "fANOVA")}


def test_what_explains_next_to_nothing_is_idle() -> None:
    found = idle_parameters(evidence(lambda c: 3 * abs(rate(c) - 0.5), count=400), shares(learning_rate=0.9))
    assert {parameter.name for parameter in found} >= {"activation", "batch_size", "optimizer", "dropout"}
    assert "learning_rate" not in {parameter.name for parameter in found}


def test_what_matters_is_not_idle_whatever_the_importances_say() -> None:
    found = idle_parameters(evidence(lambda c: 3 * abs(rate(c) - 0.5), count=400), shares())
    assert "learning_rate" not in {parameter.name for parameter in found}


def test_what_is_important_is_not_idle() -> None:
    found = idle_parameters(evidence(lambda c: 3 * abs(rate(c) - 0.5), count=400), shares(dropout=0.2))
    assert "dropout" not in {parameter.name for parameter in found}


def test_what_few_trials_saw_is_not_called_idle() -> None:
    assert idle_parameters(evidence(lambda c: 3 * abs(rate(c) - 0.5), count=60), shares()) == []
    assert idle_parameters(evidence(lambda c: 3 * abs(rate(c) - 0.5), count=400), {}) == []


def test_what_the_sampler_left_alone_is_not_called_idle() -> None:
    records = []
    for record in drawn_trials(SPACE, 400, lambda c: 3 * abs(rate(c) - 0.5), noise=0.3):
        dropout = 0.2 + float(record.configuration["dropout"]) / 9
        records.append(replace(record, configuration={**record.configuration, "dropout": dropout}))
    found = idle_parameters(Evidence(records, SPACE, "minimize"), shares())
    assert "dropout" not in {parameter.name for parameter in found}
    assert "batch_size" in {parameter.name for parameter in found}
