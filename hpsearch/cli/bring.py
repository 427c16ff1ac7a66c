"""What other libraries searched: `import-keras-tuner`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, Store, StudyFile, console, print_json


def import_keras_tuner(
    project: Annotated[Path, typer.Argument(help="A keras-tuner project: directory/project_name.", metavar="DIR")],
    study: StudyFile,
    metric: Annotated[str | None, typer.Option(help="Its metric that is the study's objective.")] = None,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Begin a study with a keras-tuner project's trials."""
    from hpsearch.app.import_keras_tuner import import_keras_tuner as bring

    imported = bring(project, study, metric=metric, store=store)
    carried, out = imported.carried, console()
    if as_json:
        values = {"study": imported.study, "kept": carried.kept, "left": dict(carried.left), "again": carried.again}
        print_json(values)
        return
    out.print(f"study '{imported.study}': {carried.kept} trial{'s' if carried.kept != 1 else ''} imported")
    for reason, count in carried.left.items():
        out.print(f"  {count} left out: {reason}")
    if carried.again is not None:
        out.print(
            f"  trial {carried.again}, the best, is trained again first: keras-tuner's weights are not taken over"
        )
    if imported.trouble:
        out.print(f"  MLflow could not be written ({imported.trouble}); the next launch writes what is missing")
    out.print(f"go on with it: hpsearch run {study}")
