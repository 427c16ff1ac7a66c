"""A launch as it is seen in the terminal: a bar that moves, or a line a trial where nothing can move."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpsearch.app.display import Display
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.report.text import configuration_text, duration, number
from hpsearch.search.book import rank

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def make_display(console: Console) -> Display:
    """Return the bar for a terminal, lines for anything else."""
    return Bar(console) if console.is_terminal else Lines(console)


class _Tally:
    """What both show: counts, the best trial, the time left."""

    def __init__(self, info: StudyInfo, trials: int, records: Sequence[TrialRecord]) -> None:
        self.info = info
        self.trials = trials
        self.records = list(records)
        self._began = time.monotonic()
        self._before = self.done()

    def done(self) -> int:
        return sum(record.state != "interrupted" for record in self.records)

    def state(self, state: str) -> int:
        return sum(record.state == state for record in self.records)

    def best(self) -> TrialRecord | None:
        ranked = rank(self.records, self.info.direction)
        return ranked[0] if ranked else None

    def counts(self) -> str:
        best = self.best()
        ends = [f"{self.state(state)} {state}" for state in ("pruned", "failed") if self.state(state)]
        value = [] if best is None or best.value is None else [f"best {number(best.value)}"]
        return ", ".join([f"{self.done()}/{self.trials}", *ends, *value])

    def time_left(self) -> str:
        here = self.done() - self._before
        if here == 0:
            return ""
        seconds = (time.monotonic() - self._began) / here * max(self.trials - self.done(), 0)
        return f"about {duration(seconds)} left"


class Lines:
    """One line a trial."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tally: _Tally | None = None

    def note(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text)

    def begin(self, info: StudyInfo, trials: int, workers: int, records: Sequence[TrialRecord]) -> None:
        """Say what is about to run."""
        self._tally = _Tally(info, trials, records)
        self._console.print(opening(info, trials, workers, self._tally.done()))

    def trial_started(self, record: TrialRecord) -> None:
        """Say nothing: a trial is told when it ends."""

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Say nothing."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Print how a trial went."""
        assert self._tally is not None
        tally = self._tally
        tally.records.append(record)
        best = tally.best()
        mark = " (best so far)" if best is not None and best.number == record.number else ""
        self._console.print(f"[{tally.done()}/{tally.trials}] {trial_line(record, tally.info)}{mark}")

    def end(self) -> None:
        """Say nothing."""


class Bar:
    """A bar with trials done, pruned and failed, the best so far and the time left; a trial's line above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tally: _Tally | None = None
        self._running: dict[int, str] = {}
        self._progress: Progress | None = None

    def note(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._console.print(text)

    def begin(self, info: StudyInfo, trials: int, workers: int, records: Sequence[TrialRecord]) -> None:
        """Show the bar."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        self._tally = _Tally(info, trials, records)
        self._console.print(opening(info, trials, workers, self._tally.done()))
        if self._tally.done() >= trials:
            return
        self._progress = Progress(
            BarColumn(bar_width=16),
            TextColumn("{task.fields[counts]}", markup=False, table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.fields[left]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self._console,
        )  # fmt: skip
        self._task = self._progress.add_task(info.name, total=trials, counts="", left="")
        self._progress.start()
        self._update()

    def trial_started(self, record: TrialRecord) -> None:
        """Count a running trial."""
        if record.copy_of is None:
            self._running[record.number] = "starting"
            self._update()

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Show how far a running trial is."""
        self._running[number] = f"epoch {epoch.step}"
        self._update()

    def trial_ended(self, record: TrialRecord) -> None:
        """Move the bar; print a new best."""
        assert self._tally is not None
        self._running.pop(record.number, None)
        self._tally.records.append(record)
        best = self._tally.best()
        if best is not None and best.number == record.number:
            self._console.print(f"new best: {trial_line(record, self._tally.info)}")
        elif record.state in ("failed", "interrupted"):
            self._console.print(trial_line(record, self._tally.info))
        self._update()

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._running.clear()
        if self._progress is not None:
            self._update()
            self._progress.stop()

    def _update(self) -> None:
        tally, progress = self._tally, self._progress
        assert tally is not None
        assert progress is not None
        running = ", ".join(f"trial {n} {where}" for n, where in sorted(self._running.items()))
        left = ", ".join(text for text in (tally.time_left() if running else "", running) if text)
        progress.update(self._task, completed=tally.done(), counts=tally.counts(), left=left)


def opening(info: StudyInfo, trials: int, workers: int, done: int) -> str:
    """Return the line that opens a launch."""
    if done >= trials:
        return f"study '{info.name}': all {trials} trials are done; add some with --more"
    goes_on = f", {done} done in earlier launches" if done else ""
    places = f"{workers} worker{'s' if workers != 1 else ''}"
    return f"study '{info.name}': {info.direction} val_{info.objective} in {trials} trials{goes_on}; {places}"


def trial_line(record: TrialRecord, info: StudyInfo) -> str:
    """Return a trial in a line: number, how it ended, its value, its configuration."""
    value = "" if record.value is None else f" {info.objective} {number(record.value)}"
    reason = f" ({record.reason})" if record.reason and record.state not in ("pruned", "completed") else ""
    state = record.reason if record.state == "pruned" else record.state
    if record.copy_of is not None:
        state = f"{record.state}, known from trial {record.copy_of}"
    took = f", {record.seconds:.1f} s" if record.copy_of is None else ""
    return f"trial {record.number}: {state}{reason}{value}{took} | {configuration_text(record.configuration)}"
