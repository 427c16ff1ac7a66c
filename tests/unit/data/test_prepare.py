from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from hpsearch.data.columns import Columns
from hpsearch.data.prepare import align, fit_preparation
from hpsearch.data.transform import inverse_target, transform
from hpsearch.spec.sections import PrepareSection


def columns(*named, task="regression", **options) -> Columns:
    names = () if task == "regression" else ("no", "yes")
    return Columns(task, "y", names, named, **options)


def fit(frame, *named, **prepare):
    frame = frame if "y" in frame else frame.assign(y=np.arange(len(frame), dtype=float))
    return fit_preparation(frame, columns(*named), PrepareSection(**prepare))


def numbers(rows=500) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(size=rows)) * 100 - 30
    x[::7] = np.nan
    return pd.DataFrame({"x": x})


SCALERS = {
    "standard": StandardScaler(),
    "minmax": MinMaxScaler(),
    "robust": RobustScaler(),
    "quantile": QuantileTransformer(n_quantiles=16, output_distribution="normal", random_state=0),
    "none": FunctionTransformer(),
}


@pytest.mark.parametrize("name", SCALERS)
def test_numbers_are_filled_and_scaled_as_scikit_learn_does(name):
    train, later = numbers(), numbers(900) * 1.5
    theirs = make_pipeline(SimpleImputer(strategy="median"), SCALERS[name]).fit(train)
    ours = fit(train, ("x", "numeric"), numeric=name)
    for frame in (train, later):
        np.testing.assert_allclose(transform(frame, ours), theirs.transform(frame), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("cells", [[3.0] * 9, [None] * 9, [1e-12, 2e-12, 4e-12], [7.0]])
def test_odd_training_columns_give_finite_inputs(name, cells):
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=float)})
    assert np.isfinite(transform(frame, fit(frame, ("x", "numeric"), numeric=name))).all()


def test_a_column_that_is_constant_in_training_becomes_zero():
    frame = pd.DataFrame({"x": [3.0] * 50})
    for name in ("standard", "minmax", "robust", "quantile"):
        assert not transform(frame, fit(frame, ("x", "numeric"), numeric=name)).any()


kinds = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=60)


@given(kinds, kinds, st.integers(1, 12))
def test_categories_are_encoded_as_scikit_learn_does(train, later, min_frequency):
    theirs = OneHotEncoder(min_frequency=min_frequency, handle_unknown="infrequent_if_exist", sparse_output=False)
    frame, asked = pd.DataFrame({"k": train}), pd.DataFrame({"k": later})
    state = fit(frame, ("k", "categorical"), min_frequency=min_frequency)
    assert np.array_equal(transform(asked, state), theirs.fit(frame).transform(asked))


def test_missing_categories_have_a_slot_where_training_had_some():
    frame = pd.DataFrame({"k": ["a", "a", None, "b"]})
    state = fit(frame, ("k", "categorical"), min_frequency=2)
    assert state["features"] == ["k=a", "k=(other)", "k=(missing)"]
    assert transform(frame, state).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_date_becomes_its_parts():
    frame = pd.DataFrame({"d": ["2011-03-05T18:30", "2012-12-31T00:00"]})
    timed = fit_preparation(
        frame.assign(y=[1.0, 2.0]), columns(("d", "date"), timed=("d",)), PrepareSection(numeric="none")
    )
    assert timed["features"] == ["d.year", "d.month", "d.day", "d.weekday", "d.hour"]
    assert transform(frame, timed).tolist() == [[2011, 3, 5, 5, 18], [2012, 12, 31, 0, 0]]
    assert fit(frame, ("d", "date"))["features"] == ["d.year", "d.month", "d.day", "d.weekday"]


def test_the_target_is_standardised_on_request():
    frame = numbers().assign(y=np.arange(500.0))
    target = fit(frame, ("x", "numeric"))["target"]
    assert (target["center"], target["scale"]) == (frame["y"].mean(), pytest.approx(frame["y"].std(ddof=0)))
    plain = fit(frame, ("x", "numeric"), target="none")["target"]
    assert (plain["center"], plain["scale"]) == (0, 1)
    assert inverse_target(np.zeros(1), {"target": target}) == frame["y"].mean()


def test_classes_are_not_scaled():
    frame = numbers(4).assign(y=["no", "yes"] * 2)
    state = fit_preparation(frame, columns(("x", "numeric"), task="binary"), PrepareSection())
    assert state["target"] == {"name": "y", "task": "binary", "class_names": ["no", "yes"], "center": 0.0, "scale": 1.0}


def test_the_state_is_plain_json():
    frame = numbers().assign(k="a", d="2011-01-01")
    state = fit(frame, ("x", "numeric"), ("k", "categorical"), ("d", "date"), numeric="quantile")
    again = json.loads(json.dumps(state, allow_nan=False))
    assert again == state
    assert np.array_equal(transform(frame, again), transform(frame, state))


def test_features_are_named_once_each():
    frame = pd.DataFrame({"k": ["(other)"] * 9 + ["z"], "k=(other)": range(10)})
    features = fit(frame, ("k", "categorical"), ("k=(other)", "numeric"))["features"]
    assert len(set(features)) == len(features) == 3


def test_folds_agree_on_their_features_without_sharing_rows():
    one = pd.DataFrame({"k": ["a"] * 5 + ["b"] * 5 + ["c"]})
    two = pd.DataFrame({"k": ["a"] * 5 + ["c"] * 5 + [None]})
    first, second = align([fit(one, ("k", "categorical")), fit(two, ("k", "categorical"))])
    assert first["features"] == second["features"] == ["k=a", "k=b", "k=c", "k=(other)", "k=(missing)"]
    asked = pd.DataFrame({"k": ["a", "b", "c", None]})
    assert transform(asked, first).argmax(axis=1).tolist() == [0, 1, 3, 3]
    assert transform(asked, second).tolist() == [[1, 0, 0, 0, 0], [0] * 5, [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    alone = fit(one, ("k", "categorical"))
    kept = [first["features"].index(name) for name in alone["features"]]
    assert np.array_equal(transform(asked, first)[:, kept], transform(asked, alone))
