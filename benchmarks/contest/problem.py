"""What all contenders are given: the rows as hpsearch prepares them, the space, and configurations drawn from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna

from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import HpsearchError
from hpsearch.space.domain import Choices, Domain, IntRange
from hpsearch.space.optuna import to_distributions
from hpsearch.space.space import Configuration, Space, widths
from hpsearch.spec import StudySpec, load_spec, make_spec

SHIPPED = Path(__file__).parents[2] / "studies" / "bike_demand_full.yaml"
SHIPPED_ROWS = {"train": 11_122, "validation": 2_781}


@dataclass(frozen=True)
class Problem:
    """Prepared rows on disk and how they came about.

    data: the `data` section of a study file, its path absolute. arrays: folder of x_train.npy, y_train.npy,
    x_validation.npy, y_validation.npy; y is scaled, target_scale is in the target's units.
    """

    data: dict[str, Any]
    arrays: Path
    digest: str
    rows: dict[str, int]
    inputs: int
    target_scale: float

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the results should know of the data."""
        return {
            "source": Path(str(self.data["csv"])).name, "target": self.data["target"], "rows": self.rows,
            "inputs": self.inputs, "digest": self.digest[:12],
        }  # fmt: skip


def prepare_problem(csv: Path | None, target: str | None, folder: Path) -> Problem:
    """Prepare the shipped bike-sharing set, or a CSV file, under `folder`.

    Raises SystemExit for a table that cannot be used, or whose target makes no regression.
    """
    if (csv is None) != (target is None):
        raise SystemExit("--csv and --target go together: give both, or neither for the shipped bike-sharing set")
    shipped = csv is None
    try:
        spec = (
            load_spec(SHIPPED) if csv is None else make_spec({"data": {"csv": str(csv.absolute()), "target": target}})
        )
        data = prepare_dataset(spec, folder)
    except HpsearchError as error:
        raise SystemExit(str(error)) from None
    if data.signature.task != "regression":
        raise SystemExit(
            f"{data.signature.target} makes a {data.signature.task} task; the peers are set up for numbers"
        )
    rows = {part: data.rows[part] for part in ("train", "validation", "test")}
    if shipped and {part: rows[part] for part in SHIPPED_ROWS} != SHIPPED_ROWS:
        raise SystemExit(f"the shipped set is split into {rows}, not {SHIPPED_ROWS}: figures cannot be compared")
    inputs, scale = data.signature.inputs, data.split(0).target_scale
    return Problem(_data_section(spec), data.folder / "split-0", data.digest, rows, inputs, scale)


def draw_configurations(space: Space, count: int, seed: int) -> list[Configuration]:
    """Return configurations as a study's random sampler draws them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    distributions = to_distributions(space)
    return [space.active(study.ask(fixed_distributions=distributions).params) for _ in range(count)]


def spread_subset(configurations: Sequence[Configuration], count: int) -> list[int]:
    """Return the places of `count` configurations that stand for all, in the list's order.

    Systematic samples (Madow and Madow 1944): sorted by number of steps and size of the net, every n-th is taken. Of
    those with different starts it is the one whose mean number of steps, and then mean size, is nearest to the list's.
    """
    shares = [int(configuration["epochs"]) / int(configuration["batch_size"]) for configuration in configurations]
    sizes = [_size(configuration) for configuration in configurations]
    order = sorted(range(len(shares)), key=lambda place: (shares[place], sizes[place]))
    stride = len(order) / min(count, len(order))
    starts = [stride * (start + 0.5) / _STARTS for start in range(_STARTS)]
    samples = [[order[int(start + k * stride)] for k in range(min(count, len(order)))] for start in starts]

    def distance(sample: list[int]) -> tuple[float, float]:
        off = [abs(fmean(values[place] for place in sample) / fmean(values) - 1) for values in (shares, sizes)]
        return round(off[0], 2), off[1]

    nearest = min(samples, key=distance)
    return sorted(nearest)


_STARTS = 50


def steps(configuration: Configuration, rows: int, epochs: int | None = None) -> int:
    """Return the gradient steps that so many epochs (all of them when absent) of a configuration take."""
    trained = int(configuration["epochs"]) if epochs is None else epochs
    return trained * math.ceil(rows / int(configuration["batch_size"]))


def plain_space(space: Space) -> list[dict[str, Any]]:
    """Return the parameters as plain values, for programs that do not import hpsearch.

    Each has name, layer (from 1, where there is one for each layer) and either choices, or whole, low, high, step, log.
    """
    return [{"name": p.name, "layer": p.layer} | _plain(p.domain) for p in space]


def _plain(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Choices):
        return {"choices": list(domain.choices)}
    whole = isinstance(domain, IntRange)
    return {"whole": whole, "low": domain.low, "high": domain.high, "step": domain.step, "log": domain.log}


def _data_section(spec: StudySpec) -> dict[str, Any]:
    section: dict[str, Any] = spec.data.model_dump(mode="json", exclude_defaults=True)
    return section | {"csv": str((spec.folder / section["csv"]).absolute())}


def _size(configuration: Configuration) -> int:
    layers = widths(configuration)
    return sum(a * b for a, b in zip(layers, (*layers[1:], 1), strict=True))
