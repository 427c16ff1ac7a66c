"""Finds what a hypermodel searches, in a process of its own: `python -m hpsearch.training.hypermodel.discover ...`.

The driver needs no TensorFlow so, and a file that hangs, ends its process or eats the memory costs a child.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import open_dataset
from hpsearch.errors import HpsearchError
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Hypermodel


def main(file: str, name: str, dataset: str, answer: str) -> None:
    """Write what was found, or why nothing was, as JSON: `explore.explore`'s keys, or "error"."""
    import_keras(threads=1)
    Path(answer).write_text(json.dumps(_found(Path(file), name, Path(dataset)), allow_nan=False))


def _found(file: Path, name: str, dataset: Path) -> dict[str, Any]:
    from hpsearch.training.hypermodel.explore import explore
    from hpsearch.training.hypermodel.load import load_hypermodel

    data = open_dataset(dataset)
    try:
        hypermodel = load_hypermodel(Hypermodel(file, name), data.signature)
    except HpsearchError as error:
        return {"error": str(error)}
    except BaseException as error:  # noqa: BLE001  whatever a person's file does when it is run, SystemExit too
        traceback.print_exc()
        return {"error": f"it cannot be imported: {_told(error, file)}"}
    try:
        return explore(hypermodel, data)
    except HpsearchError as error:
        traceback.print_exc()
        return {"error": str(error)}
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        return {"error": f"it cannot be built: {_told(error, file)}"}


def _told(error: BaseException, file: Path) -> str:
    """Return an error with the last line of the person's file that led to it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    first = next(iter(str(error).strip().splitlines()), "")[:300]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}{': ' if first else ''}{first}{where}"


if __name__ == "__main__":
    main(*sys.argv[1:])
