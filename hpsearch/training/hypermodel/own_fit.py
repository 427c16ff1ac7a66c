"""A hypermodel's own `fit`, an epoch at a time: it runs in a thread that is held between two epochs.

keras-tuner hands `HyperModel.fit` callbacks and takes what it returns. Here one of the callbacks holds the thread at
the end of each epoch until the driver wants the next, so that such trials are pruned, stopped and timed like any other.
A `fit` that calls no callbacks is one epoch: its last.
"""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.training.epochs import FitEnded
from hpsearch.training.keras_fit import Predictor
from hpsearch.training.trainer import Weights

if TYPE_CHECKING:
    import keras
    import keras_tuner

Measured = tuple[dict[str, float], NDArray[np.float32]]


def fits_itself(hypermodel: keras_tuner.HyperModel) -> bool:
    """Tell whether a hypermodel overrides `fit`."""
    import keras_tuner

    return getattr(hypermodel.fit, "__func__", None) is not keras_tuner.HyperModel.fit


def fit_arguments(hypermodel: keras_tuner.HyperModel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those keyword arguments that the hypermodel's `fit` takes."""
    parameters = inspect.signature(hypermodel.fit).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return dict(given)
    return {name: value for name, value in given.items() if name in parameters}


class OwnFit:
    """A net on its way through the epochs of its hypermodel's `fit` (a `Fit` of `training/epochs.py`)."""

    def __init__(
        self, build: Callable[[], tuple[keras.Model, Callable[[list[Any]], Any]]], validation_x: NDArray[np.float32]
    ) -> None:
        """build: called in the thread; makes the net, and what trains it when given callbacks."""
        self._build = build
        self._validation_x = validation_x
        self._told: queue.SimpleQueue[Measured | _End] = queue.SimpleQueue()
        self._go = threading.Semaphore(0)
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._model: keras.Model | None = None
        self._predict: Predictor | None = None
        self._epochs = 0
        self.whole = False
        """it called no callback: its one epoch is all of the training"""

    def epoch(self, step: int) -> Measured:
        """Let the thread run to the end of its next epoch."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hypermodel-fit", daemon=True)
            self._thread.start()
        elif not self._thread.is_alive():
            raise FitEnded
        else:
            self._go.release()
        told = self._told.get()
        if not isinstance(told, _End):
            self._epochs += 1
            return told
        self._thread.join()
        if told.error is not None:
            raise told.error
        if self._epochs:
            raise FitEnded
        self.whole = True
        return told.returned, self._predicted()

    def weights(self) -> Weights:
        """Return the net's weights as they are, as copies."""
        assert self._model is not None
        weights: Weights = self._model.get_weights()
        return weights

    def parameters(self) -> int:
        """Return how many weights the net has; 0 before it is built."""
        return 0 if self._model is None else int(self._model.count_params())

    def close(self) -> None:
        """End the thread, which stands at the end of an epoch, if it runs."""
        self._stopped = True
        if self._thread is not None:
            self._go.release()
            self._thread.join()

    def _run(self) -> None:
        try:
            self._model, fit = self._build()
            returned = fit([self._holding_callback()])
            self._told.put(_End(returned=_means(returned)))
        except _Stop:
            self._told.put(_End())
        except BaseException as error:  # noqa: BLE001  it is raised again where the epochs are asked for
            self._told.put(_End(error=error))

    def _predicted(self) -> NDArray[np.float32]:
        import tensorflow as tf

        if self._predict is None:
            self._predict = Predictor(self._model)
        return self._predict(tf.constant(self._validation_x))

    def _at_epoch_end(self, logs: Mapping[str, Any] | None) -> None:
        if not self._stopped:
            self._told.put((_numbers(logs or {}), self._predicted()))
            self._go.acquire()
        if self._stopped:
            raise _Stop

    def _holding_callback(self) -> Any:
        import keras

        at_epoch_end = self._at_epoch_end

        class Hold(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
            def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
                at_epoch_end(logs)

            def __deepcopy__(self, memo: Any) -> Any:
                return self  # it holds this thread, in whatever list it is copied

        return Hold()


class _Stop(BaseException):
    """Ends a `fit` from inside; no `except Exception` of a person's code catches it."""


class _End:
    def __init__(self, returned: dict[str, float] | None = None, error: BaseException | None = None) -> None:
        self.returned = returned or {}
        self.error = error


def _means(returned: Any) -> dict[str, float]:
    """Return what a `fit` returned of its training rows: the last epoch's of a History, a dict as it is."""
    history = getattr(returned, "history", None)
    if isinstance(history, dict):
        return _numbers({name: values[-1] for name, values in history.items() if len(values)})
    return _numbers(returned) if isinstance(returned, dict) else {}


def _numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return what logs say of the training rows."""
    return {
        name: float(value)
        for name, value in logs.items()
        if not name.startswith("val_") and name != "learning_rate" and value is not None and np.ndim(value) == 0
    }
