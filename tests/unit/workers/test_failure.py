from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import job, write_dataset

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.failure import epochs_of, lost_by, sound
from hpsearch.workers.pool import Lost

SIGNATURE = Signature("regression", 2, ("a", "b"), ("a", "b"), "y")


class ResourceExhaustedError(Exception):
    """TensorFlow's is known by this name, without an import of TensorFlow."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad\nworse"), "ValueError: bad"),
        (ValueError("\n  bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (SystemExit(1), "SystemExit: 1"),
        (SystemExit(), "SystemExit"),
        (KeyError("x"), "KeyError: 'x'"),
        (OSError("x" * 5000), "OSError: " + "x" * 300),
        (MemoryError("no"), "out of memory: 3 weights, batch 0"),
        (ResourceExhaustedError("no"), "out of memory: 3 weights, batch 0"),
    ],
)
def test_an_exception_becomes_one_line(error: BaseException, reason: str) -> None:
    assert lost_by(job(3), error, SIGNATURE) == Lost((3, 0, 0), reason, died=False)


def test_of_a_hypermodels_net_that_memory_failed_the_batch_alone_is_told() -> None:
    searched = replace(job(3), configuration={"units": 7, "batch_size": 16, "epochs": 2})
    assert lost_by(searched, MemoryError("no"), SIGNATURE).reason == "out of memory: batch 16"


def test_what_is_right_passes_and_its_numbers_become_plain() -> None:
    given = Epoch((3, 0, 0), 1, {"a": np.float32(0.5), "b": np.array(2), "c": "0.5", "d": None, "e": True, "f": 3})
    said = sound(job(3), given)
    assert said == Epoch((3, 0, 0), 1, {"a": 0.5, "b": 2.0, "f": 3.0})
    assert {type(value) for value in said.metrics.values()} == {float}
    weights = [np.zeros(3, np.float32)]
    assert sound(job(3), Outcome((3, 0, 0), "completed", weights=weights)).weights is weights  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "the trainer gave 'NoneType', which is neither an Epoch nor an Outcome"),
        ("0.5", "the trainer gave 'str', which is neither an Epoch nor an Outcome"),
        (Epoch((4, 0, 0), 1, {}), "the trainer gave an Epoch that is not one of its job"),
        (Epoch((3, 0, 0), "1", {}), "the trainer gave an Epoch that is not one of its job"),  # type: ignore[arg-type]
        (Outcome((3, 1, 0), "completed"), "the trainer gave an Outcome that is not one of its job"),
        (Outcome((3, 0, 0), "done"), "the trainer gave an Outcome that is not one of its job"),  # type: ignore[arg-type]
        (Outcome((3, 0, 0), "failed", 7), "the trainer gave an Outcome that is not one of its job"),  # type: ignore[arg-type]
        (Outcome((3, 0, 0), "completed", metrics=3), "the trainer gave an Outcome that is not one of its job"),  # type: ignore[arg-type]
        (Outcome((3, 0, 0), "completed", weights=["w"]), "the trainer gave an Outcome that"),  # type: ignore[list-item]
    ],
)
def test_what_is_wrong_loses_the_job(said: object, reason: str) -> None:
    lost = sound(job(3), said)
    assert isinstance(lost, Lost)
    assert lost.token == (3, 0, 0)
    assert lost.reason.startswith(reason)


def test_a_trainer_that_is_no_generator_fails_like_one(tmp_path: Path) -> None:
    class Plain:
        def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
            raise ValueError("at once")

    epochs = epochs_of(Plain(), job(3), write_dataset(tmp_path))
    with pytest.raises(ValueError, match="at once"):
        next(epochs)
