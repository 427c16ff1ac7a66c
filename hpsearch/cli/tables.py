"""Results as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hpsearch.app.results import Damaged
from hpsearch.report.text import configuration_text, duration, number
from hpsearch.report.verdict import baseline_sentence, looks_sentence, verdict_sentences
from hpsearch.search.meanings import MEANINGS
from hpsearch.space.domain import describe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hpsearch.app.eda import Exploration
    from hpsearch.app.results import StudyResult
    from hpsearch.records import TrialRecord
    from hpsearch.search.advice import Advice
    from hpsearch.search.verdict import Verdict
    from hpsearch.spec import StudySpec


MOST_FAILURES = 5
"""Kinds of failures that are told one by one."""


def print_result(console: Console, result: StudyResult) -> None:
    """Print what a launch came to: the finalists or the best trials, the test rows, where to look next."""
    states = ", ".join(f"{count} {state}" for state, count in result.states().items() if count)
    console.print(f"\n{result.done()} of {result.file.trials} trials done: {states}{_why(result)}")
    _print_failures(console, result)
    if result.best is None:
        console.print("no trial completed yet")
        return
    _print_leaders(console, result, 5)
    if result.ending != "interrupted":
        _print_test(console, result)
    name = result.name
    console.print(f"\nevery run in MLflow:  hpsearch ui {name}")
    if result.link:
        console.print(f"  then open           {result.link}")
    console.print(f"read all about it:    hpsearch report {name}")
    console.print(f"use the model:        hpsearch predict {name} rows.csv -o predictions.csv")


def _why(result: StudyResult) -> str:
    reasons = {"interrupted": "interrupted; run the same command to go on", "timeout": "the time is over"}
    reasons |= {"exhausted": "every configuration was tried", "good enough": "stop_at is reached"}
    return f" ({reasons[result.ending]})" if result.ending in reasons else ""


def _print_failures(console: Console, result: StudyResult) -> None:
    """Print why trials failed, a line a kind."""
    groups = result.failure_groups()
    for group in groups[:MOST_FAILURES]:
        console.print(f"failed: {group.describe()}")
    if rest := sum(len(group.trials) for group in groups[MOST_FAILURES:]):
        console.print(f"failed: {rest} more, for other reasons")


def _print_best_trials(console: Console, result: StudyResult, top: int) -> None:
    from rich.table import Table

    ranked = result.ranked()[:top]
    table = Table(
        title=f"the best of '{result.name}'", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in ("trial", f"val_{result.info.objective}", "epoch", "weights", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for record in ranked:
        table.add_row(
            str(record.number), _value(record), str(record.best_epoch), f"{record.parameters:,}",
            f"{record.seconds:.1f}", configuration_text(record.configuration),
        )  # fmt: skip
    print_table(console, table)


def _print_leaders(console: Console, result: StudyResult, top: int) -> None:
    """Print the finalists and the verdict; without one the best trials, and that luck is in their values."""
    verdict = result.verdict
    if verdict is None:
        _print_best_trials(console, result, top)
        if len(result.ranked()) > 1:
            console.print(
                f"the best of many is partly luck; to train them again and compare: hpsearch verify {result.name}"
            )
        return
    _print_finalists(console, result, verdict)
    console.print("")
    for sentence in verdict_sentences(verdict, result.info, result.records):
        console.print(sentence)


def _print_finalists(console: Console, result: StudyResult, verdict: Verdict) -> None:
    from rich.table import Table

    records = {record.number: record for record in result.records}
    value = f"val_{result.info.objective}"
    title = f"the finalists of '{result.name}', each trained again {verdict.finalists[0].n} times (★ the winner)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("trial", "", value, "±", "in the search", "p-value"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("standing", no_wrap=True)
    for column in ("weights", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for one in verdict.finalists:
        p_value = "-" if one.p_value is None else number(one.p_value, 2)
        table.add_row(
            str(one.trial), "★" if one.trial == verdict.winner else "", number(one.mean), number(one.sd, 2),
            number(one.searched), p_value, one.standing, f"{one.parameters:,}", f"{one.seconds:.1f}",
            configuration_text(records[one.trial].configuration),
        )  # fmt: skip
    print_table(console, table)


def _print_test(console: Console, result: StudyResult) -> None:
    evaluation = result.evaluation
    if evaluation is None:
        if result.file.load_spec().data.split.test != 0:
            console.print("\nthe test rows stay locked until the winner is named")
        return
    intervals = evaluation["intervals"]
    metrics = ", ".join(
        f"{name} {number(value)}"
        + (f" [{number(intervals[name][0])}, {number(intervals[name][1])}]" if name in intervals else "")
        for name, value in evaluation["metrics"].items()
        if value is not None
    )
    console.print(f"\non the {evaluation['rows']:,} test rows (95 % intervals): {metrics}")
    told = (baseline_sentence(evaluation, result.info.objective), looks_sentence(int(evaluation["looks"])))
    for sentence in told:
        if sentence:
            console.print(sentence)


def print_study(console: Console, result: StudyResult, top: int) -> None:
    """Print a study's state, best trials, importances and time."""
    info = result.info
    states = ", ".join(f"{count} {state}" for state, count in result.states().items() if count) or "none yet"
    console.print(
        f"study '{info.name}': {info.task}, {info.direction} val_{info.objective}; begun {_when(result.file.created)}"
    )
    if info.description:
        console.print(info.description)
    console.print(f"trials: {result.done()} of {result.file.trials} done ({states})")
    _print_failures(console, result)
    _print_times(console, result)
    if result.best is not None:
        console.print("")
        _print_leaders(console, result, top)
        _print_test(console, result)
    known = result.insights
    if known is None:
        console.print(f"\nwhat mattered takes some seconds to work out: hpsearch report {result.name}")
        return
    of = f", of the first {known.trials:,} trials" if known.trials < len(result.records) else ""
    for method, values in known.importances.items():
        shown = ", ".join(f"{name} {value:.0%}" for name, value in list(values.items())[:6])
        console.print(f"\nimportance by {method} ({MEANINGS[method]}{of}):\n  {shown}")
    _print_advice(console, known.advice)


def _print_advice(console: Console, advices: Sequence[Advice]) -> None:
    for place, advice in enumerate(advices):
        console.print("\nwhat to change next in the study file:" if place == 0 else "")
        console.print(f"  {advice.finding}")
        console.print(f"    {advice.section}:")
        for line in advice.line.splitlines():
            console.print(f"      {line}")


def _print_times(console: Console, result: StudyResult) -> None:
    spent = {state: sum(r.seconds for r in result.records if r.state == state) for state in result.states()}
    shown = [f"{state} {duration(seconds)}" for state, seconds in spent.items() if seconds]
    if shown:
        parts = f" ({', '.join(shown)})" if len(shown) > 1 else ""
        console.print(f"training time, all workers: {duration(sum(spent.values()))}{parts}")


def print_studies(console: Console, found: Sequence[StudyResult | Damaged]) -> None:
    """Print the studies of a store, and below them what is damaged."""
    results = [one for one in found if not isinstance(one, Damaged)]
    if not found:
        console.print("no studies here yet; start one with: hpsearch run STUDY.yaml")
        return
    rows = [
        (
            result.name, result.info.task, f"{result.done()}/{result.file.trials}",
            f"val_{result.info.objective} {_value(result.best)}" if result.best else "-",
            _when(result.file.created),
        )
        for result in results
    ]  # fmt: skip
    if rows:
        _print_rows(console, ("study", "task", "trials", "best", "begun"), rows)
    for one in found:
        if isinstance(one, Damaged):
            console.print(f"{one.name}: {one.reason}")


def print_best(console: Console, result: StudyResult) -> None:
    """Print the delivered model's configuration, a row each, and its evaluation."""
    trial = result.winner
    assert trial is not None
    verdict = result.verdict
    searched = f"val_{result.info.objective} {_value(trial)} in the search, at epoch {trial.best_epoch}"
    console.print(f"trial {trial.number} of '{result.name}': {searched}; {trial.parameters:,} weights")
    if verdict is not None:
        one = verdict.of(trial.number)
        again = f"{number(one.mean)} ± {number(one.sd, 2)} in {one.n} trainings on new seeds"
        console.print(f"{again}; delivered refitted on all rows but the test rows")
    for name, setting in trial.configuration.items():
        console.print(f"  {name}: {_cell(setting)}")
    text = result.folder.path / "evaluation.txt"
    if result.evaluation is not None and text.exists():
        console.print(f"\non the test rows:\n{text.read_text().rstrip()}")


def print_space(console: Console, spec: StudySpec) -> None:
    """Print the hyperparameter table as the study searches it."""
    space = spec.build_space()
    rows, last, seen = [], "", set()
    for parameter in space:
        row = parameter.row
        if row.name in seen:
            continue
        seen.add(row.name)
        layers = [p.layer for p in space if p.row is row and p.layer is not None]
        name = f"{row.name}_1 .. {row.name}_{layers[-1]}" if len(layers) > 1 else parameter.name
        rows.append(
            (row.group if row.group != last else "", name, describe(parameter.domain), row.meaning, row.used_by)
        )
        last = row.group
    _print_rows(console, ("group", "parameter", "range", "what it is", "used by"), rows)
    count = space.count()
    continuous = [parameter.name for parameter in space if parameter.domain.count() is None]
    verb = "is" if len(continuous) == 1 else "are"
    told = f"{count:,}" if count is not None else f"unlimited ({', '.join(continuous)} {verb} continuous)"
    console.print(f"\nconfigurations: {told}")


def print_profile(console: Console, found: Exploration) -> None:
    """Print what a look at the data shows."""
    from hpsearch.report.eda import eda_summary

    console.print(eda_summary(found.profile).rstrip())
    console.print(f"\nthe whole picture: {found.page}")
    console.print(found.skrub)


def print_table(console: Console, table: Table) -> None:
    """Print a table, in a file or a pipe without the blanks that rich puts after the last column."""
    if console.is_terminal:
        console.print(table, soft_wrap=False)
        return
    with console.capture() as captured:
        console.print(table, soft_wrap=False)
    console.print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _print_rows(console: Console, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    print_table(console, table)


def _when(moment: str) -> str:
    """Return an ISO 8601 moment in UTC as a person reads it: `2026-01-31 12:05 UTC`."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _value(record: TrialRecord) -> str:
    return "-" if record.value is None else number(record.value)
