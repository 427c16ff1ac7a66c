"""What a hypermodel searches, found by building its nets again and again.

keras-tuner builds until every `conditional_scope` was active once. But most hypermodels have none: they ask for
`units_3` in a loop, and keras-tuner then gives each net, of one layer too, three more widths that it does not have
(keras-tuner #302, #465, #538, #1034). So here each parameter is tried at each of its values (long ranges at both ends),
the others as the hypermodel itself takes them; what is asked for at some values only, is there at those values only. A
parameter that is met by this is tried in turn, where it was met. In the end nets at random check what was found: a
condition that one of them contradicts is dropped, as keras-tuner has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.errors import HypermodelError, TrialFailed
from hpsearch.space.domain import Choices, Domain, Value
from hpsearch.space.hypermodel import hypermodel_space
from hpsearch.training.hypermodel.ask import Asked, as_asked, as_value
from hpsearch.training.hypermodel.build import build_net, check_outputs
from hpsearch.training.hypermodel.kinds import domain_of, found_as, tried_of
from hpsearch.training.hypermodel.own_fit import fit_arguments, fits_itself
from hpsearch.training.hypermodel.trainer import targets
from hpsearch.training.quiet import import_keras

MOST_BUILDS = 300
CHECKS = 10
"""Nets at random."""
_ROWS = 64
"""Training rows that a net, and a hypermodel's own `fit`, is tried with."""

Definition = tuple[str, tuple[tuple[str, tuple[Any, ...]], ...]]
"""A name and its conditions: what keras-tuner tells hyperparameters apart by."""


@dataclass
class _Known:
    """What all builds so far asked for."""

    definitions: dict[Definition, Any] = field(default_factory=dict)
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)
    needs: dict[str, dict[str, list[Value]]] = field(default_factory=dict)
    """parameter -> the parameter that decides -> the values at which it is there"""
    seen: list[dict[str, Value]] = field(default_factory=list)
    """what each build asked for, with its values as the study writes them"""
    in_fit: set[str] = field(default_factory=set)
    """parameters that only the hypermodel's own `fit` asks for"""
    builds: int = 0

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.definitions))

    def of(self, name: str) -> list[Any]:
        return [hp for (known, _), hp in self.definitions.items() if known == name]


class _Probe(Asked):
    """Answers as it is told, and else as the hypermodel itself takes a parameter; notes what was asked."""

    def __init__(self, given: Mapping[str, Value], known: _Known) -> None:
        super().__init__(given)
        self._known = known

    def _retrieve(self, hp: Any) -> Any:
        key = (hp.name, tuple((c.name, tuple(c.values)) for c in hp.conditions))
        before = self._known.definitions.setdefault(key, hp)
        if repr(before) != repr(hp):
            message = f"the space changes from call to call: {before} became {hp}; ask for it alike each time"
            raise HypermodelError(message)
        return super()._retrieve(hp)

    def _answer(self, hp: Any) -> Any:
        return as_asked(hp, self.configuration[hp.name]) if hp.name in self.configuration else hp.default


def explore(hypermodel: Any, data: Dataset) -> dict[str, Any]:
    """Return {"parameters": as `space/hypermodel.py` reads them, "layers": what the nets are made of}.

    Raises HypermodelError where it is none that a study can search.
    """
    known = _Known()
    met = _build(hypermodel, data, {}, known, first=True)
    waiting: list[tuple[dict[str, Value], list[str]]] = [({}, list(met))]
    while waiting and known.builds < MOST_BUILDS:
        point, names = waiting.pop(0)
        for name in names:
            waiting += _vary(hypermodel, data, known, point, name, met)
    _check(hypermodel, data, known)
    return {"parameters": _found(known), "layers": list(known.layers.values())}


def _vary(
    hypermodel: Any, data: Dataset, known: _Known, point: dict[str, Value], name: str, met: dict[str, Any]
) -> list[tuple[dict[str, Value], list[str]]]:
    """Try a parameter at its values; return what was met by it, and where."""
    tried, whole = tried_of(_domain(known, name))
    asked: dict[Value, dict[str, Any]] = {}
    following: list[tuple[dict[str, Value], list[str]]] = []
    for value in tried:
        if known.builds >= MOST_BUILDS:
            return following
        given = {**point, name: value}
        try:
            asked[value] = _build(hypermodel, data, given, known)
        except TrialFailed:
            whole = False
            continue
        new = [other for other in asked[value] if other not in met]
        met |= dict.fromkeys(new)
        if new:
            following.append((given, new))
    for other in {other for names in asked.values() for other in names} - {name}:
        at = [value for value in tried if other in asked.get(value, ())]
        if whole and len(at) < len(tried) and not any(hp.conditions for hp in known.of(other)):
            known.needs.setdefault(other, {}).setdefault(name, at)
    return following


def _check(hypermodel: Any, data: Dataset, known: _Known) -> None:
    """Drop the conditions of what a build asked for against them: one of those so far, or one of some at random."""
    for values in known.seen:
        for name in values:
            if any(values.get(parent) not in at for parent, at in known.needs.get(name, {}).items()):
                known.needs.pop(name)
    draw = np.random.default_rng(0)
    for _ in range(CHECKS if known.needs else CHECKS // 3):
        space = hypermodel_space(_found(known))
        configuration = space.active({p.name: _drawn(p.domain, draw) for p in space})
        try:
            asked = _build(hypermodel, data, configuration, known)
        except TrialFailed:
            continue
        for name in asked:
            if name not in configuration:
                known.needs.pop(name, None)


def _build(
    hypermodel: Any, data: Dataset, given: Mapping[str, Value], known: _Known, *, first: bool = False
) -> dict[str, Any]:
    """Build a net and return what was asked for, by name.

    The first one is tried with rows as well, and so are those given values that the hypermodel's own `fit` asks for.

    Raises TrialFailed where only this configuration is at fault.
    """
    keras = import_keras()
    known.builds += 1
    keras.utils.clear_session(free_memory=False)
    hp = _Probe(given, known)
    try:
        model = build_net(hypermodel, hp, data.signature, 0)
        _note_layers(model, known)
        if first or known.in_fit & given.keys():
            built = set(hp.values)
            _try(hypermodel, hp, model, data, first=first)
            known.in_fit |= set(hp.values) - built
    except HypermodelError:
        raise
    except TrialFailed as error:
        if first:
            raise HypermodelError(f"its own first net fails: {error.reason}") from None
        raise
    except Exception as error:
        message = f"build(hp) raised {type(error).__name__}: {_first_line(error)}"
        raise (HypermodelError(message) if first else TrialFailed(message)) from error
    known.seen.append({name: as_value(value) for name, value in hp.values.items()})
    return dict(hp.values)


def _try(hypermodel: Any, hp: _Probe, model: Any, data: Dataset, *, first: bool) -> None:
    split = data.split(0)
    x, y = (np.asarray(part[:_ROWS]) for part in (split.train.x, split.train.y))
    y = targets(y, data.signature)
    check_outputs(model, data.signature, x, y)
    if not fits_itself(hypermodel):
        return
    validation = (np.asarray(split.validation.x[:_ROWS]), targets(split.validation.y[:_ROWS], data.signature))
    given = {"validation_data": validation, "verbose": 0, "callbacks": []}
    own = {"epochs": 1, "batch_size": 32}
    try:
        try:
            hypermodel.fit(hp, model, x, y, **fit_arguments(hypermodel, given | own))
        except TypeError as error:
            rest = {name: value for name, value in own.items() if name not in hp.values}
            if "multiple values for keyword" not in str(error) or rest == own:
                raise
            hypermodel.fit(hp, model, x, y, **fit_arguments(hypermodel, given | rest))
    except Exception as error:
        hint = ""
        if "multiple values for keyword" in str(error):
            hint = "; call the hyperparameter by that name, or take the one that is handed over"
        message = f"fit raised {type(error).__name__}: {_first_line(error)}{hint}"
        raise (HypermodelError(message) if first else TrialFailed(message)) from error


def _note_layers(model: Any, known: _Known) -> None:
    try:
        config = json.loads(model.to_json())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise HypermodelError(f"a package cannot hold the net: {_first_line(error)}") from None
    config.pop("compile_config", None)
    for node in _nodes(config):
        part = {key: node.get(key) for key in ("module", "class_name", "registered_name")}
        inner = node.get("config")
        part["layer"] = str(inner.get("name", "")) if isinstance(inner, dict) else ""
        known.layers.setdefault(f"{part['module']}.{part['class_name']}.{part['registered_name']}", part)


def _nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if not value.keys().isdisjoint({"class_name", "module", "registered_name"}) else []
        return own + [node for inner in value.values() for node in _nodes(inner)]
    return [node for inner in value for node in _nodes(inner)] if isinstance(value, list) else []


def _found(known: _Known) -> list[dict[str, Any]]:
    for name in known.names():
        _domain(known, name)
    return [found_as(known.of(name)[0], _needs(known, name)) for name in known.names()]


def _needs(known: _Known, name: str) -> list[list[dict[str, Any]]]:
    """Return the conditions that the hypermodel states, or else those that were found."""
    stated = [hp.conditions for hp in known.of(name)]
    if any(stated):
        return [] if not all(stated) else [
            [{"parent": c.name, "values": [as_value(value) for value in c.values]} for c in conditions]
            for conditions in stated
        ]  # fmt: skip
    found = [{"parent": parent, "values": values} for parent, values in known.needs.get(name, {}).items()]
    return [found] if found else []


def _domain(known: _Known, name: str) -> Domain:
    domains = [domain_of(hp) for hp in known.of(name)]
    if any(domain != domains[0] for domain in domains):
        raise HypermodelError(f"'{name}' is asked for with two ranges, in two scopes; give each a name of its own")
    return domains[0]


def _drawn(domain: Domain, draw: np.random.Generator) -> Value:
    share = float(draw.random())
    if isinstance(domain, Choices):
        return domain.choices[int(share * len(domain.choices))]
    return domain.nearest(domain.low + (domain.high - domain.low) * share)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "")[:300]
