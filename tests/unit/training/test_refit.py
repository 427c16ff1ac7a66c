from __future__ import annotations

import pytest

from hpsearch.training.refit import median_epochs, refit_job, refit_settings
from hpsearch.training.trainer import Settings


@pytest.mark.parametrize(("best_epochs", "epochs"), [([40, 10, 20], 20), ([10, 21], 16), ([1], 1)])
def test_each_row_is_passed_as_often_as_in_the_middle(best_epochs: list[int], epochs: int) -> None:
    assert median_epochs(best_epochs) == epochs


def test_the_job_is_the_configuration_s_for_other_epochs() -> None:
    configuration = {"hidden_layers": 0, "epochs": 60}
    job = refit_job(configuration, 16, 5, 2)
    assert job.configuration == {"hidden_layers": 0, "epochs": 16}
    assert (job.split, job.seed, job.token) == (0, 5, (2, 0, 0))
    assert configuration["epochs"] == 60


def test_the_settings_are_the_study_s_but_for_what_is_kept() -> None:
    settings = refit_settings(Settings("rmse", "huber", "none", 7, 0.5, "keras"))
    assert settings == Settings("rmse", "huber", "none", 7, 0.5, "keras", "mean")
