"""Which hyperparameters a trial really reads, and whether a hypermodel declares the same ones each time."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, ValuesView
from typing import Any

import keras_tuner
from keras_tuner.errors import FatalValueError

from hpsearch.space.domain import Value


class NotedValues(dict[str, Value]):
    """The values of a trial's hyperparameters, with those that were read in `read`.

    keras-tuner counts a parameter as active from the first trial on that met it: `units_2` of a net of one layer has a
    value there. What nobody reads decides nothing.
    """

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, noted."""
        self.read.add(name)
        return super().get(name, default)

    def items(self) -> ItemsView[str, Value]:  # type: ignore[override]  # of dict's own class of views
        """Return all of them, noted."""
        self.read.update(super().keys())
        return super().items()

    def values(self) -> ValuesView[Value]:  # type: ignore[override]  # of dict's own class of views
        """Return all of them, noted."""
        self.read.update(super().keys())
        return super().values()

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def copy(self) -> dict[str, Value]:
        """Return all of them, noted."""
        return dict(self.items())


def note(hp: Any) -> NotedValues:
    """Have the values of a trial's `HyperParameters` noted as they are read."""
    hp.values = noted = NotedValues(dict(hp.values.items()))
    return noted


def read_so_far(hp: Any) -> set[str] | None:
    """Return the names that were read; None where nobody noted, or none was."""
    values = hp.values
    return ({name for name in values.read if name in values} or None) if isinstance(values, NotedValues) else None


def stop_noting(hp: Any) -> set[str] | None:
    """Put plain values back; return the names that were read, None where nobody noted, or none was."""
    read = read_so_far(hp)
    if isinstance(hp.values, NotedValues):
        hp.values = dict(dict.items(hp.values))
    return read


class _Recording(keras_tuner.HyperParameters):
    """Hyperparameters that remember how each one was declared."""

    def __init__(self, hp: Any) -> None:
        super().__init__()
        self.merge(hp)
        self.values = dict(hp.values)
        self.declared: dict[str, str] = {}

    def _retrieve(self, hp: Any) -> Any:
        configuration = hp.get_config()
        key = f"{hp.name} {json.dumps(configuration.pop('conditions'), default=str)}"
        self.declared[key] = json.dumps(configuration, sort_keys=True, default=str)
        return super()._retrieve(hp)


def check_same_space(hypermodel: Any, hp: Any) -> None:
    """Build twice from the same values; raise FatalValueError where the second time declares other hyperparameters."""
    first, second = _Recording(hp), _Recording(hp)
    hypermodel.build(first)
    hypermodel.build(second)
    differing = sorted(
        {
            key.partition(" ")[0]
            for key in first.declared.keys() | second.declared.keys()
            if first.declared.get(key) != second.declared.get(key)
        }
    )
    if differing:
        raise FatalValueError(
            f"the hypermodel changes its space from call to call: built twice from the same values, it declares "
            f"{', '.join(differing)} differently; names, ranges and choices must depend on hyperparameters alone"
        )
