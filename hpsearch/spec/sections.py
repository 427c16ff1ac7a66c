"""The sections of a study file, as one strict, frozen model. The core uses these objects as they are.

Anything that decides results is compared when a study is resumed (`spec/compare.py`); only what is in `FREE` there
may change between launches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from hpsearch.errors import as_written, suggestion
from hpsearch.metrics import LOSSES, METRICS, TaskType
from hpsearch.space.domain import Domain
from hpsearch.space.hypermodel import OWN, hypermodel_space
from hpsearch.space.space import Space, build_space
from hpsearch.space.table import ROWS
from hpsearch.spec.budget import EPOCHS_ARE_A_BUDGET, with_budget
from hpsearch.spec.memory_size import parse_memory
from hpsearch.spec.model_section import ModelSection
from hpsearch.spec.rows import row_field
from hpsearch.spec.section import Section
from hpsearch.spec.strategies import KERAS_TUNER, PRUNERS, SAMPLERS, Options, strategy_faults, strategy_schema
from hpsearch.spec.values import DataPath, Duration, Whole, check_workers, fault, faults


class FoldsSection(Section):
    """k-fold cross-validation of the rows that are not test rows."""

    folds: Whole = Field(ge=2, le=100, description="number of folds")


def _share_or_folds(given: Any) -> Any:
    share = isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1
    if given is None or share or isinstance(given, dict | FoldsSection):
        return given
    raise fault(f"{as_written(given)} is neither a share between 0 and 1, such as 0.2, nor {{folds: 5}}; write one")


def _auto_or_flag(given: Any) -> Any:
    if given is None or isinstance(given, bool) or given == "auto":
        return given
    raise fault(f"{as_written(given)} is not allowed; write auto, true or false")


class SplitSection(Section):
    """How rows are divided into train, validation and test."""

    test: float | None = Field(None, ge=0, lt=1, description="share of all rows kept for the test (default 0.2)")
    validation: Annotated[float | FoldsSection | None, BeforeValidator(_share_or_folds)] = Field(
        None, description="share of the rows that remain (default 0.2), or {folds: k}"
    )
    shuffle: bool | None = Field(None, description="shuffle rows before they are split (default true)")
    stratify: Annotated[Literal["auto"] | bool | None, BeforeValidator(_auto_or_flag)] = Field(
        None, description="keep class shares in each part; auto: for classes (default)"
    )
    seed: Whole = Field(0, ge=0, lt=2**32, description="seed of the split, apart from the search's")
    column: str | None = Field(None, description="a column that names each row's part: train, validation (val), test")

    def conflicts(self) -> list[tuple[str, str]]:
        """Return what a column that names the parts leaves no room for."""
        given = [name for name in ("test", "validation", "shuffle", "stratify") if getattr(self, name) is not None]
        if self.column is None or not given:
            return []
        return [("column", f"'column' brings its own split; remove {', '.join(given)}")]


class DataSection(Section):
    """Where the rows come from and what its columns are."""

    csv: DataPath | None = Field(
        None, min_length=1, description="path of a CSV file (also .gz), relative to the study file"
    )
    parquet: DataPath | None = Field(
        None, min_length=1, description="path of a Parquet file, relative to the study file"
    )
    sklearn: Literal["diabetes", "breast_cancer", "wine", "digits", "iris"] | None = Field(
        None, description="a data set that scikit-learn brings"
    )
    target: str | None = Field(None, description="column to predict (with sklearn: 'target')")
    task: TaskType | None = Field(None, description="inferred from the target, and said, when absent")
    features: list[str] | None = Field(None, min_length=1, description="columns to use (default: all but the target)")
    drop: list[str] = Field(default_factory=list, description="columns not to use")
    categorical: list[str] = Field(default_factory=list, description="columns to treat as categories")
    numeric: list[str] = Field(default_factory=list, description="columns to treat as numbers")
    na_values: list[str] = Field(default_factory=list, description="texts that mean 'missing' (the empty cell always)")
    separator: str = Field(",", min_length=1, max_length=1, description="CSV field separator")
    decimal: str = Field(".", min_length=1, max_length=1, description="CSV decimal mark")
    encoding: str = Field("utf-8", description="CSV text encoding")
    split: SplitSection = Field(default_factory=SplitSection, description="train, validation, test")
    time_ordered: str | None = Field(None, description="column to sort by: later rows validate and test earlier ones")

    def conflicts(self) -> list[tuple[str, str]]:
        """Return what is missing, said twice, or excludes something else."""
        found = []
        sources = [name for name in ("csv", "parquet", "sklearn") if getattr(self, name) is not None]
        if len(sources) != 1:
            two = f"found {' and '.join(sources)}, keep one" if sources else "found none, add csv: FILE"
            found.append(("", f"data needs exactly one of csv, parquet, sklearn; {two}"))
        if self.sklearn is None and self.target is None:
            found.append(("target", "the column to predict is missing; add target: NAME"))
        if self.features is not None and self.drop:
            found.append(("drop", "'features' and 'drop' say the same thing twice; keep one"))
        both = sorted(set(self.categorical) & set(self.numeric))
        if both:
            names = ", ".join(map(as_written, both[:10]))
            found.append(("numeric", f"{names} cannot be both categorical and numeric; keep one"))
        if self.time_ordered and (self.split.column or self.split.shuffle or self.split.stratify is True):
            found.append(("time_ordered", "time order excludes split.column, shuffle and stratify; remove one"))
        return found

    @property
    def target_name(self) -> str:
        """The target's column name."""
        return self.target or "target"


class PrepareSection(Section):
    """How columns become numbers; fitted on the training rows only."""

    dates: Literal["expand", "drop"] = Field("expand", description="date columns: into year, month, day, weekday, hour")
    missing: Literal["impute", "drop"] = Field("impute", description="fill missing cells, or leave out such rows")
    numeric: Literal["standard", "quantile", "minmax", "robust", "none"] = Field("standard", description="scaling")
    categorical: Literal["onehot"] = Field("onehot", description="encoding of categories")
    min_frequency: Whole = Field(
        5, ge=1, le=1_000_000_000, description="categories seen in fewer training rows share one column"
    )
    target: Literal["standard", "none"] = Field("standard", description="scaling of a regression target")


class SpaceSection(Section):
    """The rows of the table that a study fixes, narrows or lists; the others keep their default range."""

    hidden_layers: Annotated[Domain | None, row_field("hidden_layers")] = None
    neurons: Annotated[Domain | None, row_field("neurons")] = None
    activation: Annotated[Domain | None, row_field("activation")] = None
    optimizer: Annotated[Domain | None, row_field("optimizer")] = None
    dropout: Annotated[Domain | None, row_field("dropout")] = None
    weight_decay: Annotated[Domain | None, row_field("weight_decay")] = None
    l2: Annotated[Domain | None, row_field("l2")] = None
    learning_rate: Annotated[Domain | None, row_field("learning_rate")] = None
    batch_size: Annotated[Domain | None, row_field("batch_size")] = None
    epochs: Annotated[Domain | None, row_field("epochs")] = None
    per_layer: SkipJsonSchema[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _lift_per_layer(cls, given: Any) -> Any:
        neurons = given.get("neurons") if isinstance(given, dict) else None
        if not isinstance(neurons, dict) or "per_layer" not in neurons:
            return given
        rest = {key: value for key, value in neurons.items() if key != "per_layer"}
        lifted = {key: value for key, value in given.items() if key != "neurons"}
        return lifted | {"per_layer": neurons["per_layer"]} | ({"neurons": rest} if rest else {})

    def conflicts(self) -> list[tuple[str, str]]:
        """Return the rows that no net of this study has, for want of a hidden layer."""
        if self.hidden_layers is None or self.hidden_layers.nearest(99) != 0:
            return []
        named = [name for name in self.domains() if ROWS[name].needs_hidden]
        return [(name, f"no net has {name}, as hidden_layers is 0; remove it, or allow a layer") for name in named]

    def build(self) -> Space:
        """Return the space these rows make."""
        return build_space(self.domains(), per_layer=self.per_layer)

    def domains(self) -> dict[str, Domain]:
        """Return the rows the study names, as domains."""
        return {name: getattr(self, name) for name in ROWS if getattr(self, name) is not None}


class EarlyStoppingSection(Section):
    """When to stop a trial whose objective no longer improves."""

    patience: Whole = Field(10, ge=1, le=1_000_000, description="epochs without improvement")
    min_delta: float = Field(0.0, ge=0, description="what counts as improvement, in the objective's units")


class NamedOptions(Section):
    """A sampler or pruner by name, with its options (`spec/strategies.py`)."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


def _named(given: object) -> object:
    """Read `tpe`, or `{name: tpe, n_startup_trials: 20}`."""
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, dict) and "options" not in given:
        name = {"name": given["name"]} if "name" in given else {}
        return name | {"options": {key: value for key, value in given.items() if key != "name"}}
    if isinstance(given, dict | NamedOptions):
        return given
    raise fault(f"{as_written(given)} is neither a name nor a mapping; write NAME, or {{name: NAME, OPTION: VALUE}}")


def _checked(kind: str, known: dict[str, Options]) -> AfterValidator:
    def check(given: NamedOptions) -> NamedOptions:
        found = strategy_faults(kind, known, given.name, given.options)
        if found:
            raise faults(found)
        return given

    return AfterValidator(check)


def _one_of(what: str, known: Iterable[str]) -> BeforeValidator:
    names = tuple(known)

    def check(given: Any) -> Any:
        if given is not None and given not in names:
            raise fault(f"{as_written(given)} is no {what}{suggestion(str(given), names)}")
        return given

    return BeforeValidator(check)


def _memory(given: Any) -> Any:
    try:
        return parse_memory(given)
    except ValueError as error:
        raise fault(str(error)) from None


_LOSS_NAMES = [loss for names in LOSSES.values() for loss in names]
Sampler = Annotated[
    NamedOptions, BeforeValidator(_named), _checked("sampler", SAMPLERS), WithJsonSchema(strategy_schema(SAMPLERS))
]
Pruner = Annotated[
    NamedOptions, BeforeValidator(_named), _checked("pruner", PRUNERS), WithJsonSchema(strategy_schema(PRUNERS))
]
MetricName = Annotated[str | None, _one_of("metric", METRICS), WithJsonSchema({"enum": [*METRICS, None]})]
LossName = Annotated[str | None, _one_of("loss", _LOSS_NAMES), WithJsonSchema({"enum": [*_LOSS_NAMES, None]})]


class SearchSection(Section):
    """What is searched for, how, and for how long."""

    objective: MetricName = Field(None, description="metric of the validation rows (default by task: rmse, log_loss)")
    trials: Whole = Field(50, ge=1, le=1_000_000, description="trials in all, over every launch")
    timeout: Duration | None = Field(None, description="time a launch may take, as 10min")
    sampler: Sampler = Field(
        default_factory=lambda: NamedOptions(name="tpe"), description="which configuration is next"
    )
    pruner: Pruner = Field(
        default_factory=lambda: NamedOptions(name="median"), description="which trials are stopped early"
    )
    early_stopping: EarlyStoppingSection | None = Field(
        default_factory=EarlyStoppingSection, description="null turns it off"
    )
    loss: LossName = Field(None, description="regression: mse, mae, huber; classes: cross-entropy")
    class_weight: Literal["balanced", "none"] = Field("none", description="weigh classes by their rarity")
    start_with: list[dict[str, Any]] = Field(default_factory=list, description="configurations to try first")
    seed: Whole = Field(0, ge=0, lt=2**32, description="seed of the search and of every trial")
    workers: Annotated[Literal["auto", "inline"] | int, BeforeValidator(check_workers)] = Field(
        "auto", description="training processes (auto: one a core)"
    )
    worker_memory: Annotated[
        Literal["auto"] | int, BeforeValidator(_memory), WithJsonSchema({"type": ["integer", "string"]})
    ] = Field("auto", description="memory a worker may hold, as 2GB (auto: a fair share of the machine's)")
    trainer: Literal["auto", "compiled", "keras"] = Field("auto", description="what trains the nets")
    trial_timeout: Duration | None = Field(None, description="time a trial may take")
    keep_models: Whole = Field(3, ge=1, le=1000, description="how many of the best trials keep their weights")
    stop_at: float | None = Field(None, description="objective good enough to stop the search")

    @model_validator(mode="before")
    @classmethod
    def _keras_tuner_does_not_prune(cls, given: Any) -> Any:
        """Leave pruning off beside keras-tuner's tuners, which have none, unless the file asks for it."""
        sampler = given.get("sampler") if isinstance(given, dict) else None
        name = sampler.get("name") if isinstance(sampler, dict) else getattr(sampler, "name", sampler)
        theirs = isinstance(name, str) and name.startswith(KERAS_TUNER)
        return given if not theirs or "pruner" in given else given | {"pruner": "none"}

    def conflicts(self) -> list[tuple[str, str]]:
        """Return a pruner beside a sampler that decides by itself how long trials train."""
        if self.sampler.name != EPOCHS_ARE_A_BUDGET or self.pruner.name == "none":
            return []
        return [("pruner", f"{self.sampler.name} decides how long a trial trains; remove pruner, or set it to none")]


class WinnerSection(Section):
    """How the winner is found among the best trials, once luck is taken out."""

    finalists: Whole = Field(5, ge=1, le=100, description="best configurations that are trained again")
    seeds: Whole = Field(5, ge=2, le=100, description="new seeds that each is trained from")
    prefer: Literal["cheapest", "score"] = Field(
        "cheapest", description="of those that cannot be told from the best: the smallest net, or the best mean"
    )
    ensemble: Whole | None = Field(
        None, ge=2, le=20, description="average the nets of so many finalists, if that beats the winner alone"
    )
    baselines: bool = Field(True, description="compare with a constant, a linear model and gradient boosting")

    def conflicts(self) -> list[tuple[str, str]]:
        """Return an ensemble that has too few finalists to choose from."""
        if self.ensemble is None or self.ensemble <= self.finalists:
            return []
        message = f"an ensemble of {self.ensemble} needs as many finalists, there are {self.finalists}; raise finalists"
        return [("ensemble", message)]


class _Also:
    """Puts a word that a validator reads into a field's JSON Schema."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core)
        return {"anyOf": [*schema.pop("anyOf", [schema]), {"const": self._word}]}


def _no_winner(given: Any) -> Any:
    """Read `none`, which turns it off."""
    return None if given == "none" else given


SLUG = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


def check_name(name: object) -> str:
    """Return a study name unchanged if it is a slug, else raise."""
    if not isinstance(name, str) or not re.fullmatch(SLUG, name):
        rule = "use 1 to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
        raise fault(f"{as_written(name)} is no study name; {rule}")
    return name


class StudySpec(Section):
    """A study: its data, how they are prepared, the space, the search. Only `data` is required."""

    name: Annotated[str, BeforeValidator(check_name)] = Field("study", description="default: the file's name")
    description: str = Field("", max_length=5000, description="the question, in a sentence; shown in MLflow")
    data: DataSection
    prepare: PrepareSection = Field(default_factory=PrepareSection)
    space: SpaceSection = Field(default_factory=SpaceSection, description="the hyperparameter table")
    model: ModelSection | None = Field(None, description="a keras-tuner hypermodel in the place of the table's nets")
    search: SearchSection = Field(default_factory=SearchSection)
    winner: Annotated[WinnerSection | None, BeforeValidator(_no_winner), _Also("none")] = Field(
        default_factory=WinnerSection, description="how the winner is found; none: the best trial is delivered"
    )
    folder: SkipJsonSchema[Path] = Field(
        default_factory=Path.cwd, exclude=True, description="what relative data paths start from"
    )

    def conflicts(self) -> list[tuple[str, str]]:
        """Return what a hypermodel decides, and the study file therefore cannot."""
        if self.model is None:
            return []
        brings = "the hypermodel brings its own"
        found = [
            (f"space.{name}", f"{brings}; remove it, or narrow a parameter of the hypermodel in model.space")
            for name in self.space.domains()
            if name not in OWN
        ]
        if self.search.loss is not None:
            found.append(("search.loss", f"{brings} loss, compiled; remove it"))
        if self.search.trainer == "compiled":
            found.append(("search.trainer", "the compiled trainer knows the table's nets alone; remove trainer"))
        return found

    def build_space(self) -> Space:
        """Return what is searched. Raises DomainError where `model.space` does not fit what was discovered."""
        if self.model is None:
            space = self.space.build()
        elif self.model.parameters is None:
            raise RuntimeError("the space of a hypermodel is not known before it is discovered")
        else:
            space = hypermodel_space(self.model.parameters, self.model.space, self.space.domains())
        return with_budget(space) if self.search.sampler.name == EPOCHS_ARE_A_BUDGET else space
