"""What waited for MLflow, sent: the launches begun, the trials from the records, then the rest in its order.

MLflow may have done a thing whose answer was lost, and a crash may come between any two calls. So whatever is sent is
looked for first: a launch by its token, a trial and a finalist by their numbers, a point by metric and step. Files,
tags and params are written over by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from hpsearch.fault_injection import crash_point
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.finalists import finalist_key
from hpsearch.tracking.items import LAUNCH, LAUNCH_TAG, FinalistKey, Item, Points, RunEnd, RunStart
from hpsearch.tracking.reconcile import RunFound
from hpsearch.tracking.repair import repair
from hpsearch.tracking.spool import Spool, Waiting
from hpsearch.tracking.store import MlflowStore, failures, is_refusal


def catch_up(
    store: MlflowStore,
    spool: Spool,
    info: StudyInfo,
    owner: str,
    token: str,
    records: Callable[[], Sequence[TrialRecord]],
    at_work: Collection[str],
) -> Iterator[str]:
    """Send what waits and make MLflow equal to the records, a bit each step; yield a line for each repair.

    token: of this launch. The rest as for `repair`. Raises one of `store.failures` where MLflow fails again; then all
    still waits, and doing it again doubles nothing.
    """
    store.answer()
    waiting = spool.read()
    launches = {each: _launch_run(store, each, waiting) for each in (token, *(one.launch for one in waiting))}
    store.forget(LAUNCH)
    if own := launches[token]:
        store.adopt_launch(own)
    homes, ending = {}, set()
    for one in waiting:
        launch = launches[one.launch]
        if launch and one.trial is not None:
            homes[one.trial] = launch
        if launch and any(isinstance(item, RunEnd) and item.key == LAUNCH for item in one.items):
            ending.add(launch)
    yield from repair(store, info, owner, records(), at_work, homes, ending)
    sender = _Sender(store)
    for one in waiting:
        if launch := launches[one.launch]:
            yield from sender.send(one, launch)
        elif one.items:
            yield "what waited for a launch is left out: somebody removed its run"
    if spool.damaged:
        yield f"{spool.damaged} lines of {spool.path} were damaged, and are lost"
    crash_point("spool-sent")
    spool.clear()


def _launch_run(store: MlflowStore, token: str, waiting: Sequence[Waiting]) -> str | None:
    """Return the run of a launch, begun now if it never was; None where somebody has removed it."""
    known = store.launch_run(token)
    if known is not None:
        return known
    starts = (item for one in waiting for item in one.items if isinstance(item, RunStart))
    for start in starts:
        if start.tags.get(LAUNCH_TAG) == token:
            begun = store.begin(start)
            crash_point("spool-launch-begun")
            return begun
    return None


class _Sender:
    """Writes what waited, but for what MLflow has of it already."""

    def __init__(self, store: MlflowStore) -> None:
        self._store = store
        self._finalists: defaultdict[FinalistKey | None, list[RunFound]] | None = None

    def send(self, waiting: Waiting, launch: str) -> Iterator[str]:
        """Send what waited to its launch; yield a line for what MLflow will never take."""
        first = waiting.items[0] if waiting.items else None
        if isinstance(first, RunStart) and first.kind == "finalist":
            yield from self._try(lambda: self._send_finalist(waiting.items, launch))
            return
        for item in waiting.items:
            yield from self._try(partial(self._send_item, item, launch))

    def _try(self, write: Callable[[], None]) -> Iterator[str]:
        try:
            write()
        except KeyError as error:
            yield f"what waited for trial {error} is left out: it has no run"
        except failures() as error:
            if not is_refusal(error):
                raise
            yield f"what waited is left out, as MLflow refuses it: {error}"

    def _send_item(self, item: Item, launch: str) -> None:
        run_id = launch if item.key == LAUNCH else self._store.find(item.key)
        if isinstance(item, Points):
            item = Points(item.key, self._store.lacking(run_id, item.points))
        self._store.write_to(run_id, item)

    def _send_finalist(self, items: Sequence[Item], launch: str) -> None:
        """Write a training of a finalist, unless there is a whole run of it; a torn one gives way."""
        if self._finalists is None:
            self._finalists = defaultdict(list)
            for run in self._store.runs("finalist"):
                self._finalists[finalist_key(run)].append(run)
        start, end = items[0], items[-1]
        assert isinstance(start, RunStart)
        assert isinstance(end, RunEnd)
        held = self._finalists[start.key]  # type: ignore[index]
        if any(run.status == end.status for run in held):
            return
        for run in held:
            self._store.delete(run.run_id)
        self._store.write(items, launch)
