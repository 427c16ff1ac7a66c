"""Trains the nets of a hypermodel: with Keras's `fit`, as the table's nets, or with the hypermodel's own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.training.class_weight import balanced_weights
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.epochs import Fit, train_epochs
from hpsearch.training.hypermodel.load import load_hypermodel
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.quiet import import_keras
from hpsearch.training.release import released_graphs
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings

if TYPE_CHECKING:
    import keras
    import keras_tuner

    from hpsearch.training.hypermodel.own_fit import OwnFit


class HypermodelTrainer:
    """Trains one job at a time."""

    def __init__(self, settings: Settings) -> None:
        assert settings.hypermodel is not None
        self._settings = settings
        self._where = settings.hypermodel
        self._loaded: tuple[Signature, keras_tuner.HyperModel] | None = None
        self._keras = KerasTrainer(settings, self._net)

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends and return the outcome (see `trainer.Trainer`)."""
        import_keras()
        from hpsearch.training.hypermodel.own_fit import fits_itself

        if fits_itself(self._hypermodel(data)):
            return (yield from self._train_itself(job, data))
        return (yield from self._keras.train(job, data))

    def _hypermodel(self, data: Dataset) -> keras_tuner.HyperModel:
        if self._loaded is None or self._loaded[0] != data.signature:
            self._loaded = (data.signature, load_hypermodel(self._where, data.signature))
        return self._loaded[1]

    def _net(self, job: Job, data: Dataset) -> keras.Model:
        from hpsearch.training.hypermodel.ask import Asked
        from hpsearch.training.hypermodel.build import build_net

        return build_net(self._hypermodel(data), Asked(job.configuration), data.signature, job.seed)

    def _train_itself(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        from hpsearch.training.hypermodel.own_fit import OwnFit

        arrays = data.split(job.split)
        fit = OwnFit(self._making(job, data), np.asarray(arrays.validation.x))
        last = int(job.configuration["epochs"])

        def start() -> tuple[Fit, EpochMetrics]:
            return fit, EpochMetrics(data.signature.task, arrays, self._settings)

        with released_graphs(), _closed(fit):
            epochs = train_epochs(job, data, self._settings, "hypermodel", start, fit.parameters)
            while True:
                try:
                    epoch = next(epochs)
                except StopIteration as end:
                    outcome: Outcome = end.value
                    whole = fit.whole and outcome.best_epoch == 1
                    return replace(outcome, best_epoch=last) if whole else outcome
                yield replace(epoch, step=last) if fit.whole else epoch

    def _making(self, job: Job, data: Dataset) -> Callable[[], tuple[keras.Model, Callable[[list[Any]], Any]]]:
        from hpsearch.training.hypermodel.ask import Asked
        from hpsearch.training.hypermodel.build import build_net
        from hpsearch.training.hypermodel.own_fit import fit_arguments

        hypermodel, split, settings = self._hypermodel(data), data.split(job.split), self._settings

        def make() -> tuple[keras.Model, Callable[[list[Any]], Any]]:
            hp = Asked(job.configuration)
            model = build_net(hypermodel, hp, data.signature, job.seed)
            x, y = np.asarray(split.train.x), targets(split.train.y, data.signature)
            validation = (np.asarray(split.validation.x), targets(split.validation.y, data.signature))
            own = {name: int(job.configuration[name]) for name in ("epochs", "batch_size")}
            given: dict[str, Any] = {"validation_data": validation, "verbose": 0}
            given |= {name: value for name, value in own.items() if name not in self._where.asks}
            if settings.class_weight == "balanced" and data.signature.task != "regression":
                given["sample_weight"] = balanced_weights(np.asarray(split.train.y))

            def fit(callbacks: list[Any]) -> Any:
                arguments = fit_arguments(hypermodel, given | {"callbacks": callbacks})
                return hypermodel.fit(hp, model, x, y, **arguments)

            return model, fit

        return make


def targets(y: Any, signature: Signature) -> Any:
    """Return targets as a net is given them: (rows, 1), for several classes (rows,) of their indices."""
    y = np.asarray(y)
    return y.astype(np.int32) if signature.task == "multiclass" else y[:, None]


@contextmanager
def _closed(fit: OwnFit) -> Iterator[None]:
    try:
        yield
    finally:
        fit.close()
