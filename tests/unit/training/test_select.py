from __future__ import annotations

from typing import Literal

import pytest

from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Settings


@pytest.mark.parametrize("name", ["auto", "keras"])
def test_keras_trains_where_nothing_faster_can(name: Literal["auto", "keras"]) -> None:
    assert isinstance(make_trainer(Settings("rmse", "mse", trainer=name)), KerasTrainer)
