"""Our space and keras-tuner's say the same, in either direction, or say that they cannot."""

import random

import keras_tuner
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.kerastuner import domains_of, from_keras_tuner, to_keras_tuner
from hpsearch.kerastuner.coding import coding_of, members
from hpsearch.kerastuner.spaces import holds
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.space import Space, build_space
from hpsearch.space.table import ROWS


def domains(name: str) -> st.SearchStrategy[Domain]:
    """Domains that a study file could give a row."""
    row = ROWS[name]
    if isinstance(row.legal, Choices):
        return st.lists(st.sampled_from(row.legal.choices), min_size=1, unique=True).map(lambda c: Choices(tuple(c)))
    if row.kind == "int":
        most = 4 if name == "hidden_layers" else 64
        ends = st.tuples(st.integers(row.legal.low, most), st.integers(0, most), st.integers(1, 7))
        stepped = ends.map(
            lambda e: IntRange(e[0], e[0] + e[1] // e[2] * e[2], e[2]) if e[0] + e[1] <= most else IntRange(e[0], e[0])
        )
        logarithmic = st.tuples(st.integers(1, most), st.integers(0, 9)).map(
            lambda e: IntRange(e[0], min(e[0] + e[1], most), log=True)
        )
        listed = st.lists(st.integers(max(row.legal.low, 0), most), min_size=1, max_size=4, unique=True).map(
            lambda c: Choices(tuple(c))
        )
        return st.one_of(stepped, logarithmic, listed)
    high = min(float(row.legal.high), 1.0)
    numbers = st.floats(max(float(row.legal.low), 1e-9), high)
    plain = st.tuples(numbers, numbers, st.booleans()).map(lambda e: FloatRange(min(e[:2]), max(e[:2]), None, e[2]))
    stepped_floats = st.integers(1, 9).map(lambda n: FloatRange(0.1, float(f"{0.1 + 0.05 * n:.2f}"), 0.05))
    listed = st.lists(numbers, min_size=1, max_size=4, unique=True).map(lambda c: Choices(tuple(c)))
    return st.one_of(plain, stepped_floats, listed)


spaces = st.builds(
    lambda chosen, per_layer: build_space(chosen, per_layer=per_layer),
    st.fixed_dictionaries({}, optional={name: domains(name) for name in ROWS}),
    st.booleans(),
)


@settings(max_examples=60)
@given(spaces)
def test_a_space_comes_back_from_keras_tuner_as_it_went(space: Space) -> None:
    assert from_keras_tuner(to_keras_tuner(space)) == space


@settings(max_examples=40)
@given(spaces, st.integers(0, 2**32 - 1))
def test_what_keras_tuner_draws_from_a_space_of_ours_is_in_it(space: Space, seed: int) -> None:
    assert space.faults(drawn(to_keras_tuner(space), seed)) == []


@settings(max_examples=40)
@given(spaces, st.integers(0, 2**32 - 1))
def test_what_we_draw_keras_tuner_holds_as_active_and_possible(space: Space, seed: int) -> None:
    hp, draw = to_keras_tuner(space), random.Random(seed)
    configuration = space.active({p.name: sampled(p.domain, draw) for p in space})
    hp.values = dict(configuration)
    assert {entry.name for entry in hp.space if hp.is_active(entry)} == set(configuration)
    assert all(holds(entry, configuration[entry.name]) for entry in hp.space if hp.is_active(entry))


def test_the_layers_of_a_net_are_conditional_there_and_the_usual_values_are_defaults() -> None:
    hp = to_keras_tuner(build_space({"hidden_layers": IntRange(1, 3)}))
    assert {entry.name: [c.values for c in entry.conditions] for entry in hp.space if entry.conditions} == {
        "neurons_2": [[2, 3]], "neurons_3": [[3]],
    }  # fmt: skip
    assert (hp.get("hidden_layers"), hp.get("neurons_2"), hp.get("optimizer"), "neurons_3" in hp) == (
        2,
        64,
        "adam",
        False,
    )


@pytest.mark.parametrize(
    ("domain", "fault"),
    [
        (FloatRange(1e-3, 1e-1, 1e-3, log=True), "field 'learning_rate': keras-tuner cannot express it: log together"),
        (
            Choices((1, "a")),
            "field 'learning_rate': keras-tuner cannot express it: A `Choice` can contain only one type",
        ),
    ],
)
def test_what_keras_tuner_cannot_say_is_named(domain: Domain, fault: str) -> None:
    with pytest.raises(SpecError, match="space: ") as caught:
        to_keras_tuner(build_space({"learning_rate": domain}))
    assert fault in str(caught.value)


def test_all_that_our_table_cannot_say_is_named_at_once() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("hidden_layers", 1, 2)
    hp.Int("neurons_1", 8, 64, step=2, sampling="log")
    hp.Float("learning_rate", 1e-3, 1e-1, sampling="reverse_log")
    hp.Choice("activation", ["relu", "swish"])
    hp.Boolean("dropout")
    hp.Int("unitz", 1, 2)
    with pytest.raises(SpecError) as caught:
        from_keras_tuner(hp)
    told = {fault.field: fault.message for fault in caught.value.faults}
    assert set(told) == {"neurons_1", "learning_rate", "activation.1", "dropout.0", "dropout.1", "unitz"}
    assert "multiplies" in told["neurons_1"]
    assert "reverse_log" in told["learning_rate"]
    assert "swish" in told["activation.1"]
    assert "no hyperparameter of the table" in told["unitz"]


def test_a_space_with_rows_missing_or_with_other_conditions_is_refused_by_name() -> None:
    hp = to_keras_tuner(build_space({"hidden_layers": IntRange(1, 2)}))
    lacking = keras_tuner.HyperParameters()
    lacking.merge([entry for entry in hp.space if entry.name not in ("epochs", "neurons_2")])
    with pytest.raises(SpecError, match=r"field 'epochs': it is missing.*Fixed..epochs., 50") as caught:
        from_keras_tuner(lacking)
    assert [fault.field for fault in caught.value.faults] == ["neurons_2", "epochs"]
    unconditional = keras_tuner.HyperParameters()
    for entry in hp.space:
        unconditional.merge([type(entry).from_config(entry.get_config() | {"conditions": []})])
    with pytest.raises(
        SpecError, match=r"field 'neurons_2': it is active for hidden_layers in \[1, 2\], here for \[2\]"
    ):
        from_keras_tuner(unconditional)


def test_parameters_of_any_name_have_domains() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 6, 13, step=3)
    hp.Float("b", 0, 1, step=0.2)
    hp.Boolean("c")
    hp.Fixed("d", "x")
    assert domains_of(hp) == {
        "a": IntRange(6, 12, 3), "b": FloatRange(0.0, 1.0, 0.2), "c": Choices((True, False)), "d": Choices(("x",)),
    }  # fmt: skip


entries = st.sampled_from(
    [
        ("Int", {"min_value": 6, "max_value": 13, "step": 3}),
        ("Int", {"min_value": 2, "max_value": 40, "step": 2, "sampling": "log"}),
        ("Int", {"min_value": 1, "max_value": 99, "sampling": "reverse_log"}),
        ("Int", {"min_value": 3, "max_value": 99, "sampling": "log"}),
        ("Float", {"min_value": 0.0, "max_value": 1.0, "step": 0.2}),
        ("Float", {"min_value": 0.001, "max_value": 10.0, "step": 10, "sampling": "log"}),
        ("Float", {"min_value": 0.001, "max_value": 10.0, "sampling": "reverse_log"}),
        ("Float", {"min_value": 1.0, "max_value": 9.0, "step": 2.0, "sampling": "reverse_log"}),
        ("Choice", {"values": [1.5, 2.5]}),
        ("Choice", {"values": ["a", "b"]}),
        ("Boolean", {}),
        ("Fixed", {"value": 3}),
    ]
)


@given(entries, st.floats(0, 1, exclude_max=True))
def test_a_value_that_keras_tuner_draws_is_asked_of_optuna_and_comes_back(
    kind: tuple[str, dict[str, object]], place: float
) -> None:
    entry = keras_tuner.HyperParameters()
    getattr(entry, kind[0])("p", **kind[1])
    (hyperparameter,) = entry.space
    coding = coding_of(hyperparameter)
    value = hyperparameter.prob_to_value(place)
    if kind[1].get("sampling") == "reverse_log" and kind[0] == "Int":
        value = min(value, kind[1]["max_value"])  # its own draw can be one above
    code = coding.encode(value)
    assert isinstance(coding.domain, Choices) or coding.domain.contains(code)
    assert coding.decode(code) == pytest.approx(value)
    assert holds(hyperparameter, value)


def test_a_grid_has_the_values_that_keras_tuners_documentation_gives() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 2, 32, step=2, sampling="log")
    hp.Float("b", 0, 1, step=0.2)
    hp.Float("c", 0.001, 10, step=10, sampling="log", default=0.1)
    a, b, c = ([*members(entry)] for entry in hp.space)
    assert a == [2, 4, 8, 16, 32]
    assert b == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert c == pytest.approx([0.1, 0.001, 0.01, 1, 10])


def drawn(hp: keras_tuner.HyperParameters, seed: int) -> dict[str, object]:
    """Draw as keras-tuner's RandomSearch does."""
    sampled = keras_tuner.HyperParameters()
    for index, entry in enumerate(hp.space):
        sampled.merge([entry])
        if sampled.is_active(entry):
            sampled.values[entry.name] = entry.random_sample(seed + index)
    return dict(sampled.values)


def sampled(domain: Domain, draw: random.Random) -> object:
    if isinstance(domain, Choices):
        return draw.choice(domain.choices)
    if isinstance(domain, IntRange):
        return draw.randrange(domain.low, domain.high + 1, domain.step)
    return domain.nearest(draw.uniform(domain.low, domain.high))
