from __future__ import annotations

from itertools import islice
from typing import Any

import optuna
import pytest
from fakes import small_space
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.search import samplers
from hpsearch.search.samplers import grid, make_sampler
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.optuna import to_distributions
from hpsearch.space.space import Space, build_space, configuration_key
from hpsearch.spec.sections import NamedOptions
from hpsearch.spec.strategies import SAMPLERS


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("space", [build_space({}), small_space(), build_space({}, per_layer=False)])
def test_every_sampler_draws_from_the_space(name: str, space: Space) -> None:
    options = {"n_startup_trials": 3} if "n_startup_trials" in SAMPLERS[name] else {}
    study = optuna.create_study(sampler=make_sampler(NamedOptions(name=name, options=options), 0, 0))
    for number in range(12):
        trial = study.ask(fixed_distributions=to_distributions(space))
        assert space.faults(space.active(trial.params)) == []
        study.tell(trial, float(number % 5))


def draws(seed: int, told: int, name: str = "tpe") -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=make_sampler(NamedOptions(name=name), seed, told))
    return [study.ask(fixed_distributions=to_distributions(build_space({}))).params for _ in range(3)]


def test_a_sampler_is_decided_by_its_seed() -> None:
    assert draws(1, 0) == draws(1, 0)
    assert draws(1, 0) != draws(2, 0)


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_a_sampler_made_again_does_not_draw_its_first_points_again(name: str) -> None:
    assert not any(point in draws(0, 0, name) for point in draws(0, 3, name))


def test_tpe_is_asked_for_the_widths_of_the_deepest_net_whatever_the_depth() -> None:
    study = optuna.create_study(sampler=make_sampler(NamedOptions(name="tpe"), 0, 0))
    for number in range(15):
        trial = study.ask(fixed_distributions=to_distributions(build_space({})))
        study.tell(trial, float(number))
    names = {f"neurons_{layer}" for layer in (1, 2, 3, 4)}
    assert all(names <= set(trial.distributions) for trial in study.trials)
    # With one set of distributions in all trials TPE samples them jointly.
    assert set(study.sampler.infer_relative_search_space(study, study.trials[-1])) >= names


def test_options_that_optuna_refuses_together_are_told() -> None:
    with pytest.raises(SpecError, match=r"sampler tpe refuses its options: .*group.*; change or remove them"):
        make_sampler(NamedOptions(name="tpe", options={"group": True, "multivariate": False}), 0, 0)


finite = {
    "hidden_layers": st.sampled_from(
        [IntRange(0, 2), IntRange(1, 3), Choices((0, 2)), Choices((0,)), IntRange(0, 3, 3)]
    ),
    "neurons": st.sampled_from([Choices((4, 8)), IntRange(4, 8, 2)]),
    "dropout": st.sampled_from([Choices((0.0,)), FloatRange(0.0, 0.3, 0.1), FloatRange(0.1, 0.7, 0.3)]),
    "activation": st.sampled_from([Choices(("relu",)), Choices(("relu", "tanh"))]),
}
FIXED = {
    "optimizer": Choices(("adam",)), "learning_rate": FloatRange(0.1, 0.1), "batch_size": Choices((8, 16)),
    "epochs": Choices((3,)),
}  # fmt: skip
finite_spaces = st.builds(
    lambda given, per_layer: build_space(given | FIXED, per_layer=per_layer),
    st.fixed_dictionaries(finite),
    st.booleans(),
)


@given(finite_spaces)
@settings(deadline=None)
def test_a_grid_has_each_configuration_once_and_optuna_takes_it_as_it_is(space: Space) -> None:
    configurations = list(grid(space, 0))
    assert len(configurations) == len({configuration_key(c) for c in configurations}) == space.count()
    distributions = to_distributions(space)
    for configuration in configurations:
        assert space.contains(configuration)
        assert all(distributions[name]._contains(distributions[name].to_internal_repr(value))
                   for name, value in configuration.items())  # fmt: skip


@given(finite_spaces)
@settings(deadline=None)
def test_a_large_grid_walks_by_strides_and_still_comes_by_each_once(space: Space) -> None:
    shuffled = {configuration_key(c) for c in grid(space, 0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samplers, "LARGEST_SHUFFLE", 1)
        strode = [configuration_key(c) for c in grid(space, 0)]
    assert len(strode) == len(set(strode))
    assert set(strode) == shuffled


def test_a_grid_is_shuffled_by_its_seed() -> None:
    space = build_space(FIXED | {"dropout": Choices((0.0,)), "neurons": Choices((4, 8))})
    assert list(grid(space, 1)) == list(grid(space, 1))
    assert list(grid(space, 1)) != list(grid(space, 2))


def test_a_grid_of_any_size_begins_at_once() -> None:
    space = build_space({"learning_rate": Choices((0.1, 0.2)), "dropout": FloatRange(0.0, 0.5, 0.001)})
    assert (space.count() or 0) > 10**14
    first = list(islice(grid(space, 0), 100))
    assert all(space.contains(configuration) for configuration in first)
    assert len({configuration_key(configuration) for configuration in first}) == 100


def test_every_continuous_parameter_is_told_that_it_has_no_grid() -> None:
    with pytest.raises(SpecError) as raised:
        grid(build_space({}), 0)
    fix = "is continuous, which a grid cannot walk; list choices or give a step"
    assert [(fault.field, fault.message) for fault in raised.value.faults] == [
        ("space.dropout", f"dropout {fix}"),
        ("space.learning_rate", f"learning_rate {fix}"),
    ]
