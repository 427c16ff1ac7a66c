from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.training.refit import median_epochs, refit_epochs, refit_job, refit_settings
from hpsearch.training.trainer import Settings


@pytest.mark.parametrize(
    ("best_epochs", "train_rows", "all_rows", "epochs"),
    [
        ([10, 40, 20], [80, 80, 80], 100, 16),
        ([10, 20], [80, 80], 100, 12),  # the median of an even count lies between two
        ([7], [100], 100, 7),
        ([1, 1], [10, 10], 100, 1),
        # Folds in the order of time: 200, 240 and 300 rows were passed.
        ([10, 6, 5], [20, 40, 60], 80, 3),
    ],
)
def test_as_many_gradient_steps_are_taken_as_in_the_middle(
    best_epochs: list[int], train_rows: list[int], all_rows: int, epochs: int
) -> None:
    assert refit_epochs(best_epochs, train_rows, all_rows) == epochs


@given(st.lists(st.integers(1, 500), min_size=1, max_size=9), st.integers(1, 10**6), st.integers(0, 10**6))
def test_more_rows_never_take_more_epochs(best_epochs: list[int], train: int, more: int) -> None:
    epochs = refit_epochs(best_epochs, [train] * len(best_epochs), train + more)
    assert 1 <= epochs <= max(1, round(median(best_epochs)))


@pytest.mark.parametrize(("best_epochs", "epochs"), [([40, 10, 20], 20), ([10, 21], 16), ([1], 1)])
def test_each_row_is_passed_as_often_as_in_the_middle(best_epochs: list[int], epochs: int) -> None:
    assert median_epochs(best_epochs) == epochs


def test_each_training_needs_its_rows() -> None:
    with pytest.raises(ValueError, match="shorter"):
        refit_epochs([1, 2], [10], 100)


def test_the_job_is_the_configuration_s_for_other_epochs() -> None:
    configuration = {"hidden_layers": 0, "epochs": 60}
    job = refit_job(configuration, 16, 5, 2)
    assert job.configuration == {"hidden_layers": 0, "epochs": 16}
    assert (job.split, job.seed, job.token) == (0, 5, (2, 0, 0))
    assert configuration["epochs"] == 60


def test_the_settings_are_the_study_s_but_for_what_is_kept() -> None:
    settings = refit_settings(Settings("rmse", "huber", "none", 7, 0.5, "keras"))
    assert settings == Settings("rmse", "huber", "none", 7, 0.5, "keras", "mean")
