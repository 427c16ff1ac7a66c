"""A configuration's net, whoever builds it: the table, or a hypermodel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.data.dataset import Signature
from hpsearch.model import build_model
from hpsearch.space.space import Configuration
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Hypermodel

if TYPE_CHECKING:
    import keras


def net_of(
    configuration: Configuration, signature: Signature, seed: int, loss: str, hypermodel: Hypermodel | None
) -> keras.Model:
    """Return the untrained net, compiled. loss: of the table's nets; a hypermodel compiles its own.

    Raises HypermodelError where the hypermodel's file is not what it was, or builds no such net.
    """
    import_keras()
    if hypermodel is None:
        return build_model(configuration, signature, seed, loss)
    from hpsearch.training.hypermodel.ask import Asked
    from hpsearch.training.hypermodel.build import build_net
    from hpsearch.training.hypermodel.load import load_hypermodel

    return build_net(load_hypermodel(hypermodel, signature), Asked(configuration), signature, seed)
