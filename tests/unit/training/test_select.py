from __future__ import annotations

from typing import Literal

import pytest

from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Settings


@pytest.mark.parametrize(
    ("name", "kind"), [("auto", CompiledTrainer), ("compiled", CompiledTrainer), ("keras", KerasTrainer)]
)
def test_a_study_gets_the_trainer_it_asks_for(name: Literal["auto", "compiled", "keras"], kind: type) -> None:
    assert isinstance(make_trainer(Settings("rmse", "mse", trainer=name)), kind)
