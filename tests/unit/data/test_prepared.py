from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from hpsearch.data import prepared
from hpsearch.data.prepared import dataset_digest, load_table, prepare_dataset
from hpsearch.data.transform import inverse_target, transform
from hpsearch.errors import DataError, StoreError


def test_the_shipped_study_is_prepared(study, tmp_path):
    dataset = prepare_dataset(study(), tmp_path)
    split = dataset.split(0)
    assert dataset.rows == {"train": 11122, "validation": 2781, "test": 3476, "total": 17379}
    assert split.train.x.shape == (11122, dataset.signature.inputs)
    assert split.train.x.dtype == split.train.y.dtype == np.float32
    assert "weathersit=(missing)" in dataset.signature.features
    assert dataset.signature.outputs == 1
    assert dataset.notes[0] == "task: regression, inferred from 869 distinct whole numbers in 'cnt'"


def test_training_inputs_and_target_are_standardised_and_others_by_the_same_numbers(study, tmp_path):
    dataset = prepare_dataset(study(), tmp_path)
    split = dataset.split(0)
    temp = dataset.signature.features.index("temp")
    assert split.train.x[:, temp].mean() == pytest.approx(0, abs=1e-5)
    assert split.train.x[:, temp].std() == pytest.approx(1, abs=1e-5)
    frame, _, parts = load_table(study())
    train = frame["cnt"].to_numpy()[parts.folds[0][0]]
    assert split.target_center == pytest.approx(train.mean())
    assert split.target_scale == pytest.approx(train.std())
    back = split.validation.y * split.target_scale + split.target_center
    np.testing.assert_allclose(back, frame["cnt"].to_numpy()[parts.folds[0][1]], atol=1e-3)


def test_nothing_is_fitted_on_rows_that_do_not_train(csv, tmp_path, study):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=100), "k": ["a", "b"] * 50, "y": rng.normal(size=100)})
    frame["part"] = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    states = []
    for folder, odd in ((tmp_path / "one", 0.0), (tmp_path / "two", 1e4)):
        folder.mkdir()
        frame.assign(x=frame["x"] + odd * (frame.index >= 60)).to_csv(folder / "rows.csv", index=False)
        spec = study(folder=folder, csv="rows.csv", target="y", split={"column": "part"})
        states.append(prepare_dataset(spec, tmp_path / "cache").preparation())
    assert states[0] == states[1]


def test_it_is_prepared_once(study, tmp_path, monkeypatch):
    dataset = prepare_dataset(study(), tmp_path)
    monkeypatch.setattr(prepared, "read_table", None)
    assert prepare_dataset(study(), tmp_path) == dataset
    assert [path.name for path in tmp_path.iterdir()] == [dataset.digest[:16]]


def test_two_at_once_leave_one_whole_folder(study, tmp_path):
    spec = study(sklearn="iris")
    with ThreadPoolExecutor(4) as pool:
        datasets = list(pool.map(lambda _: prepare_dataset(spec, tmp_path), range(4)))
    assert all(dataset == datasets[0] for dataset in datasets)
    assert [path.name for path in tmp_path.iterdir()] == [datasets[0].digest[:16]]


def test_the_digest_follows_all_that_decides_the_arrays(study):
    digests = {
        dataset_digest(study(sklearn="iris")),
        dataset_digest(study(sklearn="wine")),
        dataset_digest(study(sklearn="iris", drop=["sepal width (cm)"])),
        dataset_digest(study(sklearn="iris", split={"seed": 1})),
        dataset_digest(study({"numeric": "minmax"}, sklearn="iris")),
    }
    assert len(digests) == 5
    assert dataset_digest(study(sklearn="iris")) in digests


def test_folds_share_their_features(study, tmp_path):
    spec = study(csv="data/bike_sharing.csv.gz", target="cnt", split={"validation": {"folds": 3}})
    dataset = prepare_dataset(spec, tmp_path)
    assert dataset.splits == 3
    widths = {dataset.split(n).train.x.shape[1] for n in range(3)} | {dataset.test(n).x.shape[1] for n in range(3)}
    assert widths == {dataset.signature.inputs}
    assert not np.array_equal(dataset.test(0).x, dataset.test(1).x)


def test_eight_rows_are_enough(study, tmp_path):
    dataset = prepare_dataset(study(csv="data/line.csv", target="y"), tmp_path)
    assert dataset.rows == {"train": 4, "validation": 2, "test": 2, "total": 8}


def test_raw_rows_of_a_part_can_be_found_again(study, tmp_path):
    spec = study(sklearn="iris")
    dataset = prepare_dataset(spec, tmp_path)
    frame, columns, parts = load_table(spec)
    assert np.array_equal(np.load(dataset.folder / "test_rows.npy"), parts.test)
    assert np.array_equal(np.load(dataset.folder / "split-0" / "rows_train.npy"), parts.folds[0][0])
    about = json.loads((dataset.folder / "columns.json").read_text())
    assert tuple(map(tuple, about["columns"])) == columns.columns
    state = dataset.preparation()
    assert np.array_equal(transform(frame.iloc[parts.test], state), dataset.test().x)
    assert inverse_target(dataset.test().y, state).tolist() == frame["target"].iloc[parts.test].tolist()


def test_rows_with_missing_cells_are_left_out_on_request_and_counted(study):
    spec = study({"missing": "drop"}, csv="data/bike_sharing.csv.gz", target="cnt")
    frame, columns, _ = load_table(spec)
    assert not frame.isna().any(axis=None)
    assert columns.notes[-1] == "2,063 of 17,379 rows have a missing cell and are left out"


def test_rows_without_target_are_left_out_with_them(csv, study):
    _, folder = csv("x,y\n" + "".join(f"{n},{'' if n % 3 == 0 else n + 0.5}\n" for n in range(30)))
    assert len(load_table(study({"missing": "drop"}, folder, csv="rows.csv", target="y"))[0]) == 20
    with pytest.raises(DataError, match="'y' is missing in 10 of 30 rows"):
        load_table(study(None, folder, csv="rows.csv", target="y"))


def test_no_row_left_is_an_error(csv, study):
    _, folder = csv("a,b,y\n1,,1.5\n,2,2.5\n3,,3.5\n,4,9.5\n")
    with pytest.raises(DataError, match=r"rows.csv: field 'prepare.missing': all 4 rows have a missing cell"):
        load_table(study({"missing": "drop"}, folder, csv="rows.csv", target="y"))


def test_time_order_is_by_value_not_by_text(csv, study):
    days = [f"2011-{1 + n % 12:02}-{1 + n // 12:02}" for n in range(60)]
    _, folder = csv("day,x,y\n" + "".join(f"{day},{n},{n * 1.5}\n" for n, day in enumerate(days)))
    frame, _, parts = load_table(study(None, folder, csv="rows.csv", target="y", time_ordered="day"))
    train, validation = (frame["day"].iloc[rows] for rows in parts.folds[0])
    assert train.max() < validation.min()
    assert validation.max() < frame["day"].iloc[parts.test].min()


def test_a_time_that_is_none_is_refused(csv, study):
    _, folder = csv("day,x,y\n" + "".join(f"day {n},{n},{n * 1.5}\n" for n in range(60)))
    with pytest.raises(
        DataError, match=r"'day' holds 'day 0' \(line 2, 3, 4 and 57 more\), neither a number nor a date"
    ):
        load_table(study(None, folder, csv="rows.csv", target="y", time_ordered="day"))


TINY = "part,x,y\n" + "".join(f"train,{n}e-30,{n}.5e-30\n" for n in range(1, 40)) + "validation,1e-30,1.5e-30\n\n"


def test_a_number_beyond_float32_once_scaled_is_named_by_its_line(csv, tmp_path, study):
    _, folder = csv(TINY + "validation,1e15,2e-30\n")
    spec = study(None, folder, csv="rows.csv", target="y", split={"column": "part"})
    with pytest.raises(DataError, match=r"rows.csv: field 'data.csv': line 43, column 'x': .* is too large"):
        prepare_dataset(spec, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_target_beyond_float32_once_scaled_is_refused(csv, tmp_path, study):
    _, folder = csv(TINY + "validation,1e-30,2e15\n")
    spec = study(None, folder, csv="rows.csv", target="y", split={"column": "part"})
    with pytest.raises(DataError, match="'y' holds numbers beyond the range of float32"):
        prepare_dataset(spec, tmp_path / "cache")


def test_columns_that_lose_all_their_categories_are_said(csv, tmp_path, study):
    _, folder = csv("k,x,y\n" + "".join(f"name {n},{n},{n}.5\n" for n in range(40)))
    notes = prepare_dataset(study(None, folder, csv="rows.csv", target="y"), tmp_path / "cache").notes
    assert notes[-1] == "column 'k': each category has fewer than 5 training rows; all share one"


def test_a_cache_that_cannot_be_written_is_named(study, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=f"{tmp_path}{os.sep}file: prepared data cannot be written"):
        prepare_dataset(study(sklearn="iris"), tmp_path / "file")
