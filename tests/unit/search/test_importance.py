import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from hpsearch.records import TrialRecord
from hpsearch.search.importance import importances
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.space import build_space

SPACE = build_space(
    {
        "hidden_layers": Choices((1,)), "neurons": IntRange(8, 64), "activation": Choices(("relu",)),
        "optimizer": Choices(("adam",)), "dropout": FloatRange(0.0, 0.5),
        "learning_rate": FloatRange(1e-4, 1e-1, log=True), "batch_size": Choices((32,)), "epochs": Choices((5,)),
    }
)  # fmt: skip


def records(count: int = 40, depths: tuple[int, ...] = (1,)) -> list[TrialRecord]:
    """Trials whose value is the distance of the learning rate's logarithm from 1e-3's."""
    made = []
    for number in range(count):
        rate = 10 ** (-4 + 3 * ((number * 7) % count) / count)
        depth = depths[number % len(depths)]
        widths = {f"neurons_{layer}": 8 + (number * 11) % 57 for layer in range(1, depth + 1)}
        configuration = {
            "hidden_layers": depth, **widths, "activation": "relu", "optimizer": "adam",
            "dropout": 0.5 * ((number * 3) % count) / count, "learning_rate": rate, "batch_size": 32, "epochs": 5,
        }  # fmt: skip
        value = abs(number * 7 % count / count - 1 / 3)
        made.append(TrialRecord(number, configuration, "completed", value=value))
    return made


def test_what_decides_the_value_comes_first_by_both_methods() -> None:
    found = importances(records(), SPACE, "minimize")
    assert set(found) == {"PED-ANOVA", "fANOVA"}
    for values in found.values():
        assert next(iter(values)) == "learning_rate"
        assert values["learning_rate"] > 0.5


def test_the_numbers_are_optunas_own() -> None:
    study = optuna.create_study()
    for record in records():
        space = {"learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
                 "dropout": optuna.distributions.FloatDistribution(0.0, 0.5),
                 "neurons_1": optuna.distributions.IntDistribution(8, 64)}  # fmt: skip
        params = {name: record.configuration[name] for name in space}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=record.value))
    theirs = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    ours = importances(records(), SPACE, "minimize")["PED-ANOVA"]
    assert {name: ours[name] for name in theirs} == theirs


def test_too_few_trials_or_equal_values_tell_nothing() -> None:
    assert importances(records(7), SPACE, "minimize") == {}
    equal = [TrialRecord(r.number, r.configuration, "completed", value=1.0) for r in records()]
    assert importances(equal, SPACE, "minimize") == {}


def test_a_layer_that_no_completed_net_has_has_no_importance() -> None:
    deeper = build_space({p.name: p.domain for p in SPACE if p.layer is None} | {
        "hidden_layers": IntRange(1, 3), "neurons": IntRange(8, 64)})  # fmt: skip
    found = importances(records(depths=(1, 2)), deeper, "minimize")
    assert all("neurons_3" not in values for values in found.values())
    assert "neurons_2" not in found["fANOVA"]


def test_of_many_trials_fanova_sees_some_as_good_and_bad_as_all() -> None:
    ranked = sorted(records(), key=lambda record: (record.value, record.number))
    every_other = importances(ranked[1::2], SPACE, "minimize")
    found = importances(records(), SPACE, "minimize", most=20)
    assert found["fANOVA"] == every_other["fANOVA"]
    assert found["PED-ANOVA"] == importances(records(), SPACE, "minimize")["PED-ANOVA"]
