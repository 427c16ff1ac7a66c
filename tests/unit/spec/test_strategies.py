from __future__ import annotations

import inspect
from typing import Any

import optuna
import pytest

from hpsearch.spec.strategies import KERAS_TUNER, PRUNERS, SAMPLERS, Option, Options, strategy_faults, strategy_schema

OPTUNA: dict[str, Any] = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
    "grid": optuna.samplers.RandomSampler,
    "qmc": optuna.samplers.QMCSampler,
    "cmaes": optuna.samplers.CmaEsSampler,
    "nsga2": optuna.samplers.NSGAIISampler,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "patient": optuna.pruners.PatientPruner,
    "threshold": optuna.pruners.ThresholdPruner,
    "none": optuna.pruners.NopPruner,
}
STRATEGIES = [("sampler", name) for name in SAMPLERS if not name.startswith(KERAS_TUNER)] + [
    ("pruner", name) for name in PRUNERS
]


@pytest.mark.parametrize(("kind", "name"), STRATEGIES)
def test_every_option_is_one_of_optunas_with_a_default_it_takes(kind: str, name: str) -> None:
    options = {"sampler": SAMPLERS, "pruner": PRUNERS}[kind][name]
    parameters = inspect.signature(OPTUNA[name]).parameters
    for option, of in options.items():
        default = parameters[option].default
        assert default in (None, inspect.Parameter.empty) or of.takes(default), option


def faults(kind: str, name: str, **options: object) -> list[tuple[str, str]]:
    known: dict[str, Options] = {"sampler": SAMPLERS, "pruner": PRUNERS}[kind]
    return strategy_faults(kind, known, name, options)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (faults("sampler", "tpe", n_startup_trials=20, group=True), []),
        (faults("sampler", "anneal"), [("", f"'anneal' is no sampler; known: {', '.join(SAMPLERS)}")]),
        (
            faults("sampler", "tpe", n_startup=3),
            [("n_startup", "sampler tpe has no option 'n_startup'; did you mean 'n_startup_trials'?")],
        ),
        (
            faults("sampler", "grid", seed=3),
            [("seed", "sampler grid has no option 'seed'; it takes none, remove it")],
        ),
        (
            faults("sampler", "tpe", n_startup_trials="ten", group=1),
            [
                ("n_startup_trials", "'ten' is not allowed; n_startup_trials takes a whole number of at least 0"),
                ("group", "1 is not allowed; group takes true or false"),
            ],
        ),
        (
            faults("sampler", "qmc", qmc_type="Sobol"),
            [("qmc_type", "'Sobol' is not allowed; qmc_type takes sobol, halton")],
        ),
        (
            faults("sampler", "tpe", multivariate=False, group=True),
            [("group", "group needs multivariate; remove one of the two options")],
        ),
        (
            faults("pruner", "percentile", percentile=101),
            [("percentile", "101 is not allowed; percentile takes a number of at least 0 and at most 100")],
        ),
        (
            faults("pruner", "hyperband", max_resource="all"),
            [("max_resource", "'all' is not allowed; max_resource takes a whole number of at least 1, or auto")],
        ),
        (
            faults("pruner", "threshold"),
            [("", "pruner threshold needs a bound; write {name: threshold, upper: NUMBER} (or lower)")],
        ),
        (faults("pruner", "threshold", upper=1), []),
    ],
)
def test_faults_name_the_option_what_it_takes_and_the_nearest(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.parametrize("value", [True, None, [1], float("nan"), "1"])
def test_a_number_is_no_flag_no_text_and_no_list(value: object) -> None:
    assert not Option("int").takes(value)
    assert not Option("float").takes(value)


@pytest.mark.parametrize("known", [SAMPLERS, PRUNERS])
def test_the_schema_offers_each_name_alone_and_with_its_options(known: dict[str, Options]) -> None:
    names, *shapes = strategy_schema(known)["anyOf"]
    assert names == {"enum": list(known)}
    assert [set(shape["properties"]) for shape in shapes] == [{"name", *options} for options in known.values()]
