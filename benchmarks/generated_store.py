"""Stores of studies that nobody trained: every file that a search and its comparison leave, as they leave them."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

from hpsearch.data.prepared import prepare_dataset
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.search.finalists import TrainingResult, append_result, choose, plan_trainings, summarize, write_verdict
from hpsearch.search.folder import StudyFile, StudyFolder, new_uid, write_whole
from hpsearch.search.history import to_line
from hpsearch.search.rewrite import at_share, write_journal
from hpsearch.search.settings import settle
from hpsearch.search.verdict import judge
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec, make_spec
from hpsearch.training.seeds import derive_seed

SCORES = ("rmse", "mae", "loss", "r2")
"""Of training and of validation rows: eight metrics an epoch."""
EPOCHS = 30
CREATED = "2026-01-01T00:00:00+00:00"


def generate_study(store: Path, name: str, trials: int, epochs: int = EPOCHS, *, journal: bool = True) -> StudyFolder:
    """Write a finished study of so many trials of the default space: journal, history, finalists, verdict.

    It has no weights and no package. Nine of ten trials completed, the others failed. journal: it takes most of the
    time, and nobody who only reads opens it.
    """
    table = store / "data" / "table.csv"
    if not table.exists():
        _write_table(table)
    spec = make_spec({
        "name": name,
        "data": {"csv": str(table), "target": "y"},
        "space": {"epochs": epochs},
        "search": {"trials": trials, "sampler": "random", "pruner": "none"},
    })  # fmt: skip
    data = prepare_dataset(spec, store / "cache")
    settled = settle(spec, data)
    objective, task = settled.objective, data.signature.task
    info = StudyInfo(name, new_uid(), objective.name, objective.direction, task, data.digest)
    folder = StudyFolder(store / "studies" / name)
    folder.path.mkdir(parents=True, mode=0o700)
    seed = spec.search.seed
    records = {number: _record(number, settled.space, seed, epochs) for number in range(trials)}
    write_whole(folder.history, b"".join(to_line(record.to_json()) for record in records.values()))
    if journal:
        write_journal(folder.journal, records, trials - 1, info, spec.search, settled.space, settled.steps)
    _compare(folder, spec, info, list(records.values()))
    values = spec.model_dump(mode="json")
    folder.write(StudyFile(info, values, str(spec.folder), f"name: {name}\n", str(data.folder), trials, CREATED))
    return folder


def _write_table(path: Path, rows: int = 200) -> None:
    draw = random.Random(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "y"])
        for _ in range(rows):
            a, b, c = (draw.gauss(0, 1) for _ in range(3))
            writer.writerow([f"{value:.4f}" for value in (a, b, c, 3 * a - b + draw.gauss(0, 0.1))])


def _record(number: int, space: Space, seed: int, epochs: int) -> TrialRecord:
    draw = random.Random(number)
    configuration = space.active({p.name: at_share(p.domain, draw.random()) for p in space})
    rate = math.log10(float(configuration["learning_rate"]))
    floor = 1 + (rate + 2.5) ** 2 + abs(draw.gauss(0, 0.5))
    history = tuple(
        EpochRecord(0, step, _metrics(floor + 5 * math.exp(-0.2 * step), draw)) for step in range(1, epochs + 1)
    )
    best = min(history, key=lambda epoch: epoch.metrics["val_rmse"])
    failed = number % 10 == 9
    return TrialRecord(
        number, configuration, "failed" if failed else "completed", "diverged at epoch 3" if failed else "",
        None if failed else best.metrics["val_rmse"], best.step, best.metrics, history, 1000 + number, CREATED,
        round(draw.uniform(1, 9), 3), derive_seed(seed, number, 0), 1 + number % 2, "compiled",
    )  # fmt: skip


def _metrics(error: float, draw: random.Random) -> dict[str, float]:
    found = {}
    for part in ("train", "val"):
        rmse = error + draw.gauss(0, 0.05)
        found |= {f"{part}_rmse": rmse, f"{part}_mae": rmse * 0.7, f"{part}_loss": rmse**2, f"{part}_r2": 1 - rmse / 9}
    return found


def _compare(folder: StudyFolder, spec: StudySpec, info: StudyInfo, records: list[TrialRecord]) -> None:
    section = spec.winner
    assert section is not None
    best = choose(records, info.direction, section.finalists)
    values = {record.number: record.value or 0.0 for record in best}
    results = {}
    for training in plan_trainings(best, spec.search.seed, section.seeds, info.splits):
        draw = random.Random(training.seed)
        metrics = _metrics(values[training.trial] + 0.1, draw)
        result = TrainingResult(*training.key, "completed", "", 20, metrics, 1000, 2.0)
        append_result(folder.finalists, result)
        results[training.key] = result
    retrained, _ = summarize(best, results, f"val_{info.objective}")
    write_verdict(folder, judge(retrained, info.direction, prefer=section.prefer))
