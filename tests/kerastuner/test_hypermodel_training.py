"""Nets of a hypermodel are trained, stopped, kept and packaged as the table's are."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Dataset
from hpsearch.delivery.archive import ALLOWED
from hpsearch.delivery.package import write_package
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import HypermodelError, PackageError
from hpsearch.model import average_models
from hpsearch.space.domain import Value
from hpsearch.training.ensemble import ensemble_value, mean_prediction
from hpsearch.training.nets import net_of
from hpsearch.training.refit import refit_settings
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Epoch, Hypermodel, Job, Outcome, Settings

from . import hypermodels
from .prepared import FILE, prepared

pytestmark = pytest.mark.xdist_group("keras-tuner")

LOOP: Mapping[str, Value] = {"layers": 2, "units_0": 4, "units_1": 2, "rate": 0.01, "batch_size": 64, "epochs": 2}
WIDE: Mapping[str, Value] = {"width": 8, "batch_size": 64, "epochs": 2}
OWN: Mapping[str, Value] = {"rate": 0.01, "batch_size": 64, "epochs": 3}


def settings(name: str, *asks: str, objective: str = "rmse", loss: str = "mse") -> Settings:
    return Settings(objective, loss, hypermodel=Hypermodel(FILE, name, asks=asks))


def trained(given: Settings, configuration: Mapping[str, Value], data: Dataset) -> tuple[list[Epoch], Outcome]:
    epochs, running = [], make_trainer(given).train(Job(0, 0, 0, 7, configuration), data)
    while True:
        try:
            epochs.append(next(running))
        except StopIteration as end:
            return epochs, end.value


@pytest.fixture
def data() -> Dataset:
    return prepared("regression")


def test_equal_seeds_train_equal_nets_whose_weights_say_what_was_measured(data: Dataset) -> None:
    given = settings("loop")
    (epochs, one), (_, other) = trained(given, LOOP, data), trained(given, LOOP, data)
    assert (one.state, one.trainer, one.parameters) == ("completed", "keras", 57)
    assert one.metrics == other.metrics
    assert one.metrics["val_rmse"] == min(epoch.metrics["val_rmse"] for epoch in epochs)
    assert "train_loss" in one.metrics
    assert one.weights is not None
    value = ensemble_value([(LOOP, one.weights)], data, 0, "rmse", given.hypermodel)
    assert value == pytest.approx(one.metrics["val_rmse"], rel=1e-5)


def test_a_functional_net_with_a_state_of_its_own_goes_into_a_package(data: Dataset, tmp_path: Path) -> None:
    given = settings("Normalized")
    _, outcome = trained(given, WIDE, data)
    assert outcome.weights is not None
    assert {"train_mae", "val_rmse"} <= outcome.metrics.keys()
    nets = [net_of(WIDE, data.signature, seed, "", given.hypermodel) for seed in (0, 1)]
    nets[0].set_weights(outcome.weights)
    x = np.asarray(data.test().x)
    for model in (nets[0], average_models(nets)):
        folder = write_package(
            tmp_path / model.name, model=model, preparation=data.preparation(), signature=data.signature,
            metadata={}, configuration=WIDE,
        )  # fmt: skip
        assert np.allclose(Predictor.load(folder).outputs(x), model(x, training=False), rtol=1e-5, atol=1e-6)
    members = [(WIDE, net.get_weights()) for net in nets]
    averaged = average_models(nets)(np.asarray(data.split(0).validation.x))
    assert np.allclose(mean_prediction(members, data, 0, given.hypermodel), averaged[:, 0], rtol=1e-4, atol=1e-5)


def test_a_layer_that_no_package_holds_is_named_when_one_is_written(data: Dataset, tmp_path: Path) -> None:
    where = Hypermodel(FILE, "own_layer")
    model = net_of({"rate": 0.1, "batch_size": 32, "epochs": 1}, data.signature, 0, "", where)
    with pytest.raises(PackageError, match="Doubled"):
        write_package(
            tmp_path / "package", model=model, preparation=data.preparation(), signature=data.signature, metadata={},
            configuration={},
        )  # fmt: skip
    assert not (tmp_path / "package").exists()


def test_all_that_an_archive_may_hold_is_keras_s_own() -> None:
    for module in ("keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"):
        found = [getattr(importlib.import_module(module), name) for name in ALLOWED[module]]
        assert {one.__module__.partition(".")[0] for one in found} == {"keras"}


def test_a_hypermodel_s_own_fit_is_held_between_two_epochs(data: Dataset) -> None:
    running = make_trainer(settings("OwnFit", "batch_size")).train(Job(0, 0, 0, 7, OWN), data)
    assert [next(running).step, next(running).step] == [1, 2]
    held = [thread for thread in threading.enumerate() if thread.name == "hypermodel-fit"]
    assert len(held) == 1
    running.close()
    assert not held[0].is_alive()


def test_its_own_fit_is_followed_to_the_last_epoch_and_ended(data: Dataset) -> None:
    given = settings("OwnFit", "batch_size")
    epochs, outcome = trained(given, OWN, data)
    assert [epoch.step for epoch in epochs] == [1, 2, 3]
    assert (outcome.state, outcome.trainer, outcome.parameters) == ("completed", "hypermodel", 49)
    assert {"train_loss", "val_rmse"} <= outcome.metrics.keys()
    assert not [thread for thread in threading.enumerate() if thread.name == "hypermodel-fit"]
    assert trained(given, OWN, data)[1].metrics == outcome.metrics


def test_a_fit_that_ends_early_ends_the_job_also_when_the_last_epochs_are_averaged(data: Dataset) -> None:
    for given in (settings("StopsItself"), refit_settings(settings("StopsItself"))):
        epochs, outcome = trained(given, OWN | {"epochs": 30}, data)
        assert [epoch.step for epoch in epochs] == [1, 2]
        assert outcome.weights is not None
        assert outcome.metrics


def test_a_fit_that_calls_no_callback_is_one_epoch_the_last(data: Dataset) -> None:
    epochs, outcome = trained(settings("OwnLoop"), OWN, data)
    assert [epoch.step for epoch in epochs] == [3]
    assert (outcome.state, outcome.best_epoch, outcome.reason) == ("completed", 3, "")
    assert "train_loss" in outcome.metrics
    assert outcome.weights is not None


@pytest.mark.parametrize("name", ["huge", "loop"])
def test_a_trial_that_cannot_be_trained_fails_with_its_reason(data: Dataset, name: str) -> None:
    given = {"rate": 0.1, "batch_size": 64, "epochs": 1} | ({"huge": "true"} if name == "huge" else {"layers": 1})
    _, outcome = trained(settings(name), given, data)
    expected = {
        "huge": "out of memory",
        "loop": "the hypermodel asked for 'units_0', which no build for such values",
    }
    assert outcome.state == "failed"
    assert outcome.reason.startswith(expected[name])


def test_what_a_fit_raises_is_the_job_s(data: Dataset) -> None:
    with pytest.raises(ValueError, match="nothing to train"):
        trained(settings("FitRaises", "batch_size"), OWN, data)
    with pytest.raises(HypermodelError, match="not compiled"):
        trained(settings("uncompiled"), OWN, data)


def test_a_fit_is_given_the_epochs_of_the_job() -> None:
    taken: dict[str, Any] = {"epochs": 1, "callbacks": [], "validation_data": ()}
    from hpsearch.training.hypermodel.own_fit import fit_arguments

    assert fit_arguments(hypermodels.OwnLoop(), taken) == {"epochs": 1, "validation_data": ()}
    assert fit_arguments(hypermodels.OwnFit(), taken) == taken
