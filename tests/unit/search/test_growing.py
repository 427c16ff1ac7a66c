from __future__ import annotations

from hpsearch.search.growing import GrowingStudy
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.spec import make_spec
from hpsearch.spec.sections import SearchSection


def search(**given: object) -> SearchSection:
    return make_spec({"data": {"sklearn": "iris"}, "search": given}).search


def growing(seed: int = 1, **given: object) -> GrowingStudy:
    return GrowingStudy(search(**given), "minimize", seed, steps=9)


def test_a_parameter_may_be_met_in_a_later_trial() -> None:
    study = growing(sampler="tpe")
    study.go_on()
    for trial in range(15):
        number = study.begin()
        x = study.suggest(number, "x", FloatRange(0.0, 1.0))
        y = study.suggest(number, "y", IntRange(1, 8, log=True)) if trial > 5 else 1
        assert study.suggest(number, "z", Choices((True, False))) in (True, False)
        study.tell(number, "completed", float(x) + float(y))


def test_a_trial_has_the_values_it_is_begun_with() -> None:
    study = growing(sampler="random")
    study.go_on()
    number = study.begin({"x": 0.25, "n": 3})
    assert (study.suggest(number, "x", FloatRange(0.0, 1.0)), study.suggest(number, "n", IntRange(1, 9, 2))) == (
        0.25,
        3,
    )


def test_a_search_that_goes_on_does_not_draw_its_first_points_again() -> None:
    drawn = []
    for told in (0, 2):
        study = growing(sampler="random")
        for x in (0.1, 0.2)[:told]:
            number = study.begin({"x": x})
            study.suggest(number, "x", FloatRange(0.0, 1.0))
            study.tell(number, "completed", x)
        study.go_on()
        drawn.append(study.suggest(study.begin(), "x", FloatRange(0.0, 1.0)))
    assert drawn[0] != drawn[1]


def test_the_pruner_knows_the_trials_that_were_told_again() -> None:
    study = growing(sampler="random", pruner={"name": "median", "n_startup_trials": 2, "n_warmup_steps": 1})
    for value in (1.0, 2.0):
        number = study.begin({"x": 0.5})
        study.suggest(number, "x", FloatRange(0.0, 1.0))
        assert not study.report(number, 1, value)
        study.tell(number, "completed", value)
    study.go_on()
    assert study.report(study.begin(), 1, 9.0)
    assert not study.report(study.begin(), 1, 0.5)
