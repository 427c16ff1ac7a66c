from __future__ import annotations

import pytest

from hpsearch.metrics import LOSSES
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS
from hpsearch.training.compiled.refusal import Refused, refuse_unknown

CONFIGURATION = {
    "hidden_layers": 2, "neurons_1": 4, "neurons_2": 4, "activation": "relu", "dropout": 0.1, "optimizer": "adam",
    "weight_decay": 0.1, "l2": 0.1, "learning_rate": 0.1, "batch_size": 16, "epochs": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"activation": "swish2"}, "no activation 'swish2'"),
        ({"optimizer": "lion"}, "no optimizer 'lion'"),
        ({"batch_norm": True}, "no hyperparameter 'batch_norm'"),
        ({"neurons_last": 3}, "no hyperparameter 'neurons_last'"),
    ],
)
def test_what_no_program_can_train_is_refused_by_name(change: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        refuse_unknown({**CONFIGURATION, **change}, "mse")


def test_a_foreign_loss_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no loss 'poisson'"):
        refuse_unknown(CONFIGURATION, "poisson")


def test_the_whole_table_is_taken() -> None:
    for loss in (loss for losses in LOSSES.values() for loss in losses):
        refuse_unknown(CONFIGURATION, loss)
    for name in ACTIVATIONS:
        refuse_unknown({**CONFIGURATION, "activation": name}, "mse")
    for name in OPTIMIZERS:
        refuse_unknown({**CONFIGURATION, "optimizer": name}, "mse")
