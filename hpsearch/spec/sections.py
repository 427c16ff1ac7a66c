"""The sections of a study file, as one strict, frozen model. The core uses these objects as they are.

Anything that decides results is compared when a study is resumed (`spec/compare.py`); only what is in `FREE` there
may change between launches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from hpsearch.errors import as_written, suggestion
from hpsearch.metrics import LOSSES, METRICS, TaskType
from hpsearch.space.domain import Domain, IntRange
from hpsearch.space.hypermodel import OWN, hypermodel_space
from hpsearch.space.parse import DomainError, parse_domain, write_domain
from hpsearch.space.space import Parameter, Space, build_space, members
from hpsearch.space.table import ROWS, Row
from hpsearch.spec.strategies import KERAS_TUNER, PRUNERS, SAMPLERS, Options, strategy_faults, strategy_schema


class Section(BaseModel):
    """What all sections share: unknown keys, silent conversions, NaN and later changes are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def conflicts(self) -> list[tuple[str, str]]:
        """Return (field, message) for fields that are right each by itself, but not together."""
        return []

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        found = self.conflicts()
        if found:
            raise _faults(found)
        return self


def _faults(found: list[tuple[str, str]]) -> PydanticCustomError:
    """A validation error whose texts are ours: (sub-field, message)."""
    return PydanticCustomError("hpsearch", "{text}", {"text": "; ".join(text for _, text in found), "faults": found})


def _fault(message: str) -> PydanticCustomError:
    return _faults([("", message)])


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]

_UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86400}


def parse_duration(given: object) -> float:
    """Return seconds from a number of seconds or a text: `90`, `90s`, `10min`, `1.5h`, `1h 30min`."""
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1e10:
        return float(given)
    text = given if isinstance(given, str) else ""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
    if parts and not re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)", "", text).strip() and all(u in _UNITS for _, u in parts):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if 0 < seconds < 1e10:
            return seconds
    raise _fault(f"{as_written(given)} is no duration; write a number of seconds or 30s, 10min, 1.5h")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


class FoldsSection(Section):
    """k-fold cross-validation of the rows that are not test rows."""

    folds: Whole = Field(ge=2, le=100, description="number of folds")


def _share_or_folds(given: Any) -> Any:
    share = isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1
    if given is None or share or isinstance(given, dict | FoldsSection):
        return given
    raise _fault(f"{as_written(given)} is neither a share between 0 and 1, such as 0.2, nor {{folds: 5}}; write one")


def _auto_or_flag(given: Any) -> Any:
    if given is None or isinstance(given, bool) or given == "auto":
        return given
    raise _fault(f"{as_written(given)} is not allowed; write auto, true or false")


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

    csv: str | None = Field(None, description="path of a CSV file (also .gz), relative to the study file")
    parquet: str | None = Field(None, description="path of a Parquet file, relative to the study file")
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
            found.append(("numeric", f"{', '.join(both)} cannot be both categorical and numeric; keep one"))
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


def _row(name: str) -> Any:
    """Return what makes a field of a row: how it is read, written, and described in the JSON Schema."""
    row = ROWS[name]

    def parse(given: object) -> Domain | None:
        try:
            return None if given is None else parse_domain(row, given)
        except DomainError as error:
            raise PydanticCustomError("hpsearch", "{text}", {"text": str(error), "faults": error.faults}) from None

    schema = _row_schema(row) | {"description": row.meaning}
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(
            parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda domain: None if domain is None else write_domain(domain)
            ),
        ),
        lambda _schema, _handler: schema,
    )


def _row_schema(row: Row) -> dict[str, Any]:
    value: dict[str, Any] = {"type": {"int": "integer", "float": "number", "category": "string"}[row.kind]}
    if row.kind == "category":
        value["enum"] = list(getattr(row.legal, "choices", ()))
    else:
        value |= {"minimum": getattr(row.legal, "low", None), "maximum": getattr(row.legal, "high", None)}
    listed = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    spans: dict[str, Any] = {"low": value, "high": value, "step": {"type": "number"}, "log": {"type": "boolean"}}
    if row.per_layer:
        spans["per_layer"] = {"type": "boolean"}
    ranged = {"type": "object", "properties": spans, "additionalProperties": False}
    chosen = {"type": "object", "properties": {"choices": listed}, "required": ["choices"]}
    return {"anyOf": [value, listed, chosen] if row.kind == "category" else [value, listed, ranged, chosen]}


class SpaceSection(Section):
    """The rows of the table that a study fixes, narrows or lists; the others keep their default range."""

    hidden_layers: Annotated[Domain | None, _row("hidden_layers")] = None
    neurons: Annotated[Domain | None, _row("neurons")] = None
    activation: Annotated[Domain | None, _row("activation")] = None
    optimizer: Annotated[Domain | None, _row("optimizer")] = None
    dropout: Annotated[Domain | None, _row("dropout")] = None
    weight_decay: Annotated[Domain | None, _row("weight_decay")] = None
    l2: Annotated[Domain | None, _row("l2")] = None
    learning_rate: Annotated[Domain | None, _row("learning_rate")] = None
    batch_size: Annotated[Domain | None, _row("batch_size")] = None
    epochs: Annotated[Domain | None, _row("epochs")] = None
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


def _hypermodel_name(given: Any) -> Any:
    if isinstance(given, str) and re.fullmatch(r".+\.py:[A-Za-z_][A-Za-z0-9_]*", given):
        return given
    raise _fault(f"{as_written(given)} names no hypermodel; write FILE.py:NAME, a HyperModel or a function build(hp)")


class ModelSection(Section):
    """A keras-tuner hypermodel in the place of the table's nets. Its file is run: name one that you trust."""

    hypermodel: Annotated[str, BeforeValidator(_hypermodel_name)] = Field(
        description="FILE.py:NAME of a HyperModel or a function build(hp), relative to the study file; it is run"
    )
    space: dict[str, Any] = Field(
        default_factory=dict, description="parameters of the hypermodel that the study fixes, narrows or lists"
    )
    digest: SkipJsonSchema[str | None] = None
    """sha256 of the file; with what follows it is written into `study.json` once the space is discovered"""
    parameters: SkipJsonSchema[list[dict[str, Any]] | None] = None
    """what was found (`space/hypermodel.py`)"""

    @property
    def file(self) -> str:
        """The file, as the study file writes it."""
        return self.hypermodel.rpartition(":")[0]


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
    raise _fault(f"{as_written(given)} is neither a name nor a mapping; write NAME, or {{name: NAME, OPTION: VALUE}}")


def _checked(kind: str, known: dict[str, Options]) -> AfterValidator:
    def check(given: NamedOptions) -> NamedOptions:
        found = strategy_faults(kind, known, given.name, given.options)
        if found:
            raise _faults(found)
        return given

    return AfterValidator(check)


def _one_of(what: str, known: Iterable[str]) -> BeforeValidator:
    names = tuple(known)

    def check(given: Any) -> Any:
        if given is not None and given not in names:
            raise _fault(f"{as_written(given)} is no {what}{suggestion(str(given), names)}")
        return given

    return BeforeValidator(check)


def _worker_count(given: Any) -> Any:
    count = _whole(given)
    if given in ("auto", "inline") or (isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= 1024):
        return count
    raise _fault(f"{as_written(given)} workers cannot be; give auto, inline or a number from 1 to 1024")


_LOSS_NAMES = [loss for names in LOSSES.values() for loss in names]
Sampler = Annotated[
    NamedOptions, BeforeValidator(_named), _checked("sampler", SAMPLERS), WithJsonSchema(strategy_schema(SAMPLERS))
]
Pruner = Annotated[
    NamedOptions, BeforeValidator(_named), _checked("pruner", PRUNERS), WithJsonSchema(strategy_schema(PRUNERS))
]
MetricName = Annotated[str | None, _one_of("metric", METRICS), WithJsonSchema({"enum": [*METRICS, None]})]
LossName = Annotated[str | None, _one_of("loss", _LOSS_NAMES), WithJsonSchema({"enum": [*_LOSS_NAMES, None]})]


EPOCHS_ARE_A_BUDGET = f"{KERAS_TUNER}hyperband"
"""The sampler that decides how long a trial trains, from one epoch to the most that the space has."""


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
    workers: Annotated[Literal["auto", "inline"] | int, BeforeValidator(_worker_count)] = Field(
        "auto", description="training processes (auto: one a core)"
    )
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
        raise _fault(f"{as_written(name)} is no study name; {rule}")
    return name


class StudySpec(Section):
    """A study: its data, how they are prepared, the space, the search. Only `data` is required."""

    name: Annotated[str, BeforeValidator(check_name)] = Field("study", description="default: the file's name")
    description: str = Field("", description="the question, in a sentence; shown in MLflow")
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
        return _with_budget(space) if self.search.sampler.name == EPOCHS_ARE_A_BUDGET else space


def _with_budget(space: Space) -> Space:
    def budget(parameter: Parameter) -> Parameter:
        if parameter.name != "epochs":
            return parameter
        most = max(int(value) for value in members(parameter.domain))
        return Parameter("epochs", IntRange(1, most), parameter.row, parameter.layer, parameter.needs)

    return Space(tuple(budget(parameter) for parameter in space))
