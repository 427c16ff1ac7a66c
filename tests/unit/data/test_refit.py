from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpsearch.data import refit
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.data.refit import prepare_refit
from hpsearch.data.transform import transform
from hpsearch.errors import DataError
from hpsearch.spec.sections import StudySpec

Study = Callable[..., StudySpec]


@pytest.mark.parametrize(
    "split", [{}, {"validation": {"folds": 3}}, {"shuffle": False, "test": 0.3}], ids=["holdout", "folds", "in order"]
)
def test_all_rows_but_the_test_rows_train(study: Study, tmp_path: Path, split: dict[str, Any]) -> None:
    spec = study(sklearn="diabetes", split=split)
    made = prepare_refit(spec, prepare_dataset(spec, tmp_path))
    frame, _, parts = load_table(spec)
    assert made.splits == 1
    train = np.load(made.folder / "split-0" / "rows_train.npy")
    assert train.tolist() == np.setdiff1d(np.arange(len(frame)), parts.test).tolist()
    rows = made.split(0)
    back = np.asarray(rows.train.y) * rows.target_scale + rows.target_center
    np.testing.assert_allclose(back, frame["target"].to_numpy()[train], rtol=1e-6)


def test_folds_in_the_order_of_time_leave_no_row_out(csv: Any, study: Study, tmp_path: Path) -> None:
    _, folder = csv("t,x,y\n" + "".join(f"{(n * 7) % 60},{n % 9},{n}.5\n" for n in range(60)))
    spec = study(None, folder, csv="rows.csv", target="y", time_ordered="t", split={"validation": {"folds": 3}})
    made = prepare_refit(spec, prepare_dataset(spec, tmp_path / "cache"))
    assert made.rows == {"train": 48, "validation": 12, "test": 12, "total": 60}


def test_the_preparation_is_fitted_on_these_rows_alone_and_prepares_the_test_rows(study: Study, tmp_path: Path) -> None:
    spec = study(sklearn="diabetes")
    made = prepare_refit(spec, prepare_dataset(spec, tmp_path))
    rows = made.split(0)
    np.testing.assert_allclose(np.asarray(rows.train.x).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.asarray(rows.train.x).std(axis=0), 1, atol=1e-5)
    frame, _, parts = load_table(spec)
    assert rows.target_center == pytest.approx(np.delete(frame["target"].to_numpy(), parts.test).mean())
    np.testing.assert_array_equal(transform(frame.iloc[parts.test], made.preparation()), made.test().x)


def test_the_validation_rows_are_those_of_the_first_split(study: Study, tmp_path: Path) -> None:
    spec = study(sklearn="iris", split={"validation": {"folds": 3}})
    data = prepare_dataset(spec, tmp_path)
    made = prepare_refit(spec, data)
    ours, theirs = (np.load(d.folder / "split-0" / "rows_validation.npy") for d in (made, data))
    assert ours.tolist() == theirs.tolist()
    assert made.split(0).validation.rows == len(theirs)


def test_a_category_that_has_become_frequent_has_an_input_of_its_own(csv: Any, study: Study, tmp_path: Path) -> None:
    kinds = ["rare" if n % 12 == 0 else "usual" for n in range(72)]
    parts = ["train" if n < 48 else "val" if n < 60 else "test" for n in range(72)]
    _, folder = csv(
        "k,part,y\n" + "".join(f"{k},{part},{n}.5\n" for n, (k, part) in enumerate(zip(kinds, parts, strict=True)))
    )
    spec = study({"min_frequency": 5}, folder, csv="rows.csv", target="y", split={"column": "part"})
    data = prepare_dataset(spec, tmp_path / "cache")
    made = prepare_refit(spec, data)
    assert data.signature.features == ("k=usual", "k=(other)")
    assert made.signature.features == ("k=rare", "k=usual")
    assert made.signature.inputs == made.split(0).train.x.shape[1] == made.test().x.shape[1]


def test_the_study_s_own_data_stay_as_they_are(study: Study, tmp_path: Path) -> None:
    spec = study(sklearn="iris")
    data = prepare_dataset(spec, tmp_path)
    before = {path: path.read_bytes() for path in data.folder.rglob("*") if path.is_file()}
    made = prepare_refit(spec, data)
    assert {path: path.read_bytes() for path in data.folder.rglob("*") if path.is_file()} == before
    assert made.digest != data.digest
    assert prepare_dataset(spec, tmp_path) == data


def test_it_is_prepared_once(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = study(sklearn="iris")
    data = prepare_dataset(spec, tmp_path)
    first = prepare_refit(spec, data)
    monkeypatch.setattr(refit, "load_table", None)
    assert prepare_refit(spec, data) == first


def test_two_at_once_leave_one_whole_folder(study: Study, tmp_path: Path) -> None:
    spec = study(sklearn="iris")
    data = prepare_dataset(spec, tmp_path)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: prepare_refit(spec, data), range(4)))
    assert all(one == made[0] for one in made)
    assert sorted(path.name for path in tmp_path.iterdir()) == [data.folder.name, f"{data.folder.name}-refit"]


def test_rows_that_are_not_the_study_s_any_more_are_refused(study: Study, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0) * 2.5})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    spec = study(folder=tmp_path, csv="rows.csv", target="y")
    data = prepare_dataset(spec, tmp_path / "cache")
    frame.assign(x=1 - frame["x"]).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match=r"rows.csv: field 'data': the rows are not those of the study any more"):
        prepare_refit(spec, data)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [data.folder.name]
