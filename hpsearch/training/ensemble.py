"""What the average of several nets is worth on validation rows, from their weights alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.errors import TrialFailed
from hpsearch.space.space import Configuration
from hpsearch.training.compiled.predict import predict
from hpsearch.training.nets import net_of
from hpsearch.training.quiet import import_keras
from hpsearch.training.scores import score
from hpsearch.training.trainer import Hypermodel, Weights

Member = tuple[Configuration, Weights]
"""A net: how it is built, and what it learned."""


def ensemble_value(
    members: Sequence[Member], data: Dataset, split: int, objective: str, hypermodel: Hypermodel | None = None
) -> float:
    """Return the objective, in the target's own units, of the members' mean prediction of a split's validation rows.

    members: trained on this split, one at least. hypermodel: what builds the nets, if not the table. Raises
    TrialFailed where the rows do not define the objective.
    """
    rows, task = data.split(split), data.signature.task
    truth: NDArray[np.floating] = np.asarray(rows.validation.y, np.float64)
    mean = mean_prediction(members, data, split, hypermodel)
    if task == "regression":
        truth, mean = (y.astype(np.float64) * rows.target_scale + rows.target_center for y in (truth, mean))
    values = score(task, truth, mean)
    if objective not in values:
        raise TrialFailed(f"the validation rows do not define {objective}")
    return values[objective]


def mean_prediction(
    members: Sequence[Member], data: Dataset, split: int, hypermodel: Hypermodel | None = None
) -> NDArray[np.floating]:
    """Return what `model.average_models` of the members says of a split's validation rows: (rows,) or (rows, classes).

    Regression in scaled units, as the nets have it; for classes the mean of their probabilities.
    """
    import_keras()
    x, task = np.asarray(data.split(split).validation.x), data.signature.task
    if hypermodel is None:
        outputs = [predict(weights, str(given.get("activation", "linear")), task, x) for given, weights in members]
    else:
        outputs = [_of_a_net(hypermodel, member, data, x) for member in members]
    mean: NDArray[np.floating] = np.mean(outputs, axis=0)
    return mean


def _of_a_net(hypermodel: Hypermodel, member: Member, data: Dataset, x: NDArray[np.float32]) -> NDArray[np.float32]:
    configuration, weights = member
    model = net_of(configuration, data.signature, 0, "", hypermodel)
    model.set_weights(weights)
    prediction: NDArray[np.float32] = np.asarray(model.predict(x, batch_size=4096, verbose=0))
    return prediction[:, 0] if prediction.shape[1] == 1 else prediction
