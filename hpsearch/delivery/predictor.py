"""Raw rows in, predictions out: what a model package does, inside hpsearch and without it.

A package carries a copy of this file with those it needs (`CARRIED`), so that it predicts where only Keras, NumPy and
pandas are installed. There the other files are those that stand beside it and every error is a ValueError.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import sys
import warnings
import zlib
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import version
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CARRIED = ("predictor", "transform", "archive", "weights", "manifest", "quiet", "formula")
"""The modules a package brings along: this one, and those it takes from beside it."""

SCHEMA = 1
"""The layout of `package.json` that this code reads."""

_NEEDED = ("model.keras", "preparation.json", "package.json")
_CANNOT_READ = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, OSError)
"""What Keras raises for a net that it cannot build, or weights that do not fit it."""
_LARGEST_JSON = 64 * 2**20
"""Bytes: a preparation of 100,000 categories has some 5 MB."""
_ABOUT: dict[str, type | tuple[type, ...]] = {
    "task": str, "target": str, "columns": list, "class_names": list, "metadata": dict, "versions": dict,
    "threshold": (float, int, type(None)),
}  # fmt: skip


class _FromSource(SourceFileLoader):
    """Runs what stands in the file, which the manifest vouches for, never what `__pycache__` says of it."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source anew."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _beside(name: str) -> ModuleType:
    """Load the module file next to this one, under a name of its own: two packages may be open in one process."""
    path = Path(__file__).with_name(f"{name}.py")
    own = f"{__name__}:{path}"
    spec = importlib.util.spec_from_file_location(own, path, loader=_FromSource(own, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING or __name__ == "hpsearch.delivery.predictor":
    from hpsearch.data import formula, transform
    from hpsearch.delivery import archive, manifest, weights
    from hpsearch.errors import DataError, PackageError
    from hpsearch.training import quiet
else:
    transform, archive, weights, manifest, quiet, formula = (_beside(name) for name in CARRIED[1:])
    DataError = PackageError = ValueError


@dataclass(frozen=True)
class Predictor:
    """A trained net with its preparation. Make one with `load`, or from its parts while they are in memory."""

    model: Any
    """a Keras model: prepared inputs (rows, inputs) -> (rows, outputs)"""
    preparation: dict[str, Any]
    """how raw rows become inputs (`transform.py`)"""
    about: dict[str, Any]
    """what `package.json` holds: task, target, columns, class_names, threshold, versions, metadata, ..."""

    @classmethod
    def load(cls, folder: Path | str) -> Predictor:
        """Load a package, after its manifest, its schema and the layers of its net are found in order.

        No code of the package runs: Keras's safe mode is on and the archive may only name Keras's own layers.
        Raises PackageError (outside hpsearch ValueError) where something is wrong.
        """
        folder = Path(folder)
        verify_package(folder)
        keras = quiet.import_keras()
        try:
            model = keras.models.load_model(folder / "model.keras", compile=False, safe_mode=True)
        except _CANNOT_READ as error:
            about = read_json(folder / "package.json")
            made, first_line = about["versions"]["keras"], str(error).strip().partition("\n")[0]
            raise PackageError(
                f"{folder}: Keras {keras.__version__} cannot read model.keras, made with Keras {made} "
                f"({first_line}); install that version"
            ) from error
        return cls(model, read_json(folder / "preparation.json"), read_json(folder / "package.json"))

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the predictions for raw rows, under the rows' own index.

        frame: the source's columns in any order; further ones are ignored with a warning; missing cells and categories
        that training never saw are handled as the preparation says. Regression gives one column `prediction`, in the
        target's units; classes give `prediction` (the label's text) and a column `probability_<label>` for each class.
        Raises DataError (outside hpsearch ValueError) naming the column, or the row and the column.
        """
        return self._frame(self.outputs(self._inputs(frame)), frame.index)

    def read_csv(self, path: Path | str) -> pd.DataFrame:
        """Return the rows of a CSV file (also .gz), read as the training rows were. Raises DataError."""
        options = self.csv_options()
        try:
            _check_even(Path(path), options.get("sep", ","), options.get("encoding", "utf-8"))
            frame: pd.DataFrame = pd.read_csv(path, **options)
        except (OSError, EOFError, ValueError, csv.Error, zlib.error) as error:
            message = str(error).strip()
            raise DataError(f"{path} cannot be read as CSV: {message}; give a CSV file with a header line") from error
        return self.as_trained(frame)

    def csv_options(self) -> dict[str, Any]:
        """Return the options of pandas' `read_csv` that read cells as those of the training rows were read.

        `metadata["csv"]` of the package may give `sep`, `decimal`, `encoding`. What pandas still decides by the cells
        that stand together, `as_trained` puts right.
        """
        # A category such as 00123 or 7.0 was kept as text; among numbers alone it would become 123 or 7.
        texts = {
            column["name"]: "str"
            for column in self.preparation["columns"]
            if column["kind"] == "categorical" and not all(map(_is_a_number, column["index"]))
        }
        return {
            "index_col": False, "dtype": texts, "keep_default_na": False, "low_memory": False,
            "na_values": ["", *self.preparation.get("na_values", ())], **self.about["metadata"].get("csv", {}),
        }  # fmt: skip

    def as_trained(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows that `csv_options` read, each cell as it would be among cells that training knew.

        One cell that is no number makes pandas leave a column's decimal marks as they are, and one that is neither
        true nor false leaves `true` where training had True.
        """
        decimal = self.about["metadata"].get("csv", {}).get("decimal", ".")
        for column in self.preparation["columns"]:
            name = column["name"]
            if name not in frame.columns or not isinstance(frame[name].dtype, pd.StringDtype):
                continue
            if column["kind"] == "numeric" and decimal != ".":
                frame[name] = frame[name].str.replace(decimal, ".", regex=False)
            elif column["kind"] == "categorical" and column["index"].keys() <= {"True", "False"}:
                frame[name] = frame[name].replace(_BOOLEANS)
        return frame

    def outputs(self, x: NDArray[np.float32], rows: int = 65536) -> NDArray[np.float32]:
        """Return what the net says to prepared inputs, float32 (rows, outputs), computed `rows` at a time."""
        parts = [np.asarray(self.model(x[at : at + rows], training=False)) for at in range(0, max(len(x), 1), rows)]
        return np.concatenate(parts)

    def _inputs(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        try:
            missing, extra = transform.check_columns(frame, self.preparation)
            x = None if missing else transform.transform(frame, self.preparation)
        except ValueError as error:
            raise DataError(f"the rows cannot be predicted: {error}; correct them (a cell may be empty)") from error
        if x is None:
            raise DataError(_missing_message(missing, self.about["columns"], frame))
        if extra:
            ignored = ", ".join(map(repr, extra))
            warnings.warn(f"the model does not know column {ignored}, which is ignored", stacklevel=3)
        return x

    def _frame(self, outputs: NDArray[np.float32], index: pd.Index[Any]) -> pd.DataFrame:
        if self.about["task"] == "regression":
            return pd.DataFrame({"prediction": transform.inverse_target(outputs[:, 0], self.preparation)}, index=index)
        if self.about["task"] == "binary":
            positive = outputs[:, 0].astype(np.float64)
            probabilities = np.column_stack([1 - positive, positive])
            chosen = (positive > self.about["threshold"]).astype(np.int64)
        else:
            probabilities = outputs.astype(np.float64)
            chosen = probabilities.argmax(axis=1)
        labels = transform.inverse_target(chosen, self.preparation)
        columns = {f"probability_{name}": probabilities[:, at] for at, name in enumerate(self.about["class_names"])}
        return pd.DataFrame({"prediction": labels, **columns}, index=index)


def _check_even(path: Path, separator: str, encoding: str) -> None:
    """Raise ValueError for a row that has not as many cells as the header: pandas would fill it up or cut it."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        columns = 0
        while (line := reader.line_num + 1) and (cells := next(reader, None)) is not None:
            blank = not cells or (len(cells) == 1 and not cells[0].strip(" \t"))
            columns = columns or len(cells) * (not blank)
            if not blank and len(cells) != columns:
                raise ValueError(f"line {line}: {len(cells)} fields where the header has {columns}")


def verify_package(folder: Path) -> None:
    """Raise PackageError unless a folder is a whole, unchanged package that this version reads.

    Nothing of it is loaded or run: files against the manifest, then schema and Keras's version, then what the archive
    may name and hold.
    """
    if not folder.is_dir():
        raise PackageError(f"{folder} is no folder; a model package is one that holds {manifest.MANIFEST}")
    faults = manifest.manifest_faults(folder)
    faults = faults or [f"{name}: not there" for name in _NEEDED if name not in manifest.manifest_files(folder)]
    if faults:
        raise PackageError(
            f"{folder} is no whole model package: {'; '.join(faults)}. Copy it again from where it came from, "
            "or export it again (hpsearch export STUDY DIR)"
        )
    about = read_json(folder / "package.json")
    _check_about(folder, about)
    faults = archive.archive_faults(folder / "model.keras") or weights.weight_faults(folder / "model.keras")
    if faults:
        raise PackageError(
            f"{folder}/model.keras is not loaded: {'; '.join(faults)}. A package holds dense nets of Keras's own "
            "layers, as hpsearch writes them; do not use one from elsewhere"
        )


def _check_about(folder: Path, about: dict[str, Any]) -> None:
    """Raise PackageError where the package was made for other code, or another Keras, than there is."""
    schema = about.get("schema")
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        raise PackageError(
            f"{folder} has package schema {schema}, this code reads {SCHEMA}; use the predictor.py in it, or "
            + ("install a newer hpsearch" if newer else "export it again (hpsearch export STUDY DIR)")
        )
    wrong = [name for name, kind in _ABOUT.items() if not isinstance(about.get(name), kind)]
    if wrong or not isinstance(about["versions"].get("keras"), str):
        raise PackageError(f"{folder}/package.json has no {', '.join(wrong) or 'versions.keras'}; export it again")
    made, here = about["versions"]["keras"], version("keras")
    major = made.partition(".")[0]
    if major != here.partition(".")[0]:
        raise PackageError(
            f"{folder} was made with Keras {made}, and Keras {here} is installed: another major version reads nets "
            f"otherwise; python3 -m pip install 'keras=={major}.*', or run the study again"
        )
    state = read_json(folder / "preparation.json")
    if not all(isinstance(state.get(name), list) for name in ("features", "columns")) or "target" not in state:
        raise PackageError(f"{folder}/preparation.json has no features, columns or target; export it again")


def harmless_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which no text is one that a spreadsheet would run, in cells or names of columns."""
    texts = frame.select_dtypes(exclude="number").columns
    guarded = frame.assign(**{name: frame[name].map(formula.harmless) for name in texts})
    return guarded.rename(columns=formula.harmless)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises PackageError where there is none."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"more than {_LARGEST_JSON:,} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"{path} cannot be read ({error}); export the package again") from error
    if not isinstance(value, dict):
        raise PackageError(f"{path} holds no object; export the package again")
    return value


_BOOLEANS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
"""How pandas names the truth values it reads."""


def _is_a_number(category: str) -> bool:
    """Tell whether a category is what its number would be called, however a cell spells that: 7, 7.0 and 07 are 7."""
    try:
        return bool(transform.category_name(float(category)) == category)
    except ValueError:
        return False


def _missing_message(missing: tuple[str, ...], columns: list[str], frame: pd.DataFrame) -> str:
    found = ", ".join(map(str, frame.columns)) or "none"
    return (
        f"column {', '.join(map(repr, missing))} is missing; found: {found}; the model needs {', '.join(columns)}, "
        "in any order (a cell may be empty, a column may not be absent)"
    )
