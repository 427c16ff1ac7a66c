"""When the study is wrong and not its configurations: the same again and again, and nothing that goes well between."""

from __future__ import annotations

from collections import Counter

from hpsearch.errors import StudyAborted
from hpsearch.search.failures import kind_of
from hpsearch.workers.pool import OUT_OF_MEMORY

DEATHS_IN_A_ROW = 3
"""Dead workers in a row, of more than one configuration, that end a launch. (One alone may well be deadly.)"""
ERRORS_OF_A_KIND = 3
"""Errors of one kind, with no success between, that end a launch."""

_KEPT = "what was found is kept, put the cause right{} and run again"


class StopRule:
    """Hears how jobs end, and raises StudyAborted when there is no sense in going on."""

    def __init__(self) -> None:
        self._deaths: list[int] = []
        self._errors: Counter[str] = Counter()

    def lived(self) -> None:
        """Hear of a job that its worker survived."""
        self._deaths.clear()

    def succeeded(self) -> None:
        """Hear of a job that ended as it should."""
        self._deaths.clear()
        self._errors.clear()

    def died(self, configuration: int, reason: str) -> None:
        """Hear of a worker that died while it trained a configuration, which is known by a number."""
        self._deaths.append(configuration)
        if len(self._deaths) >= DEATHS_IN_A_ROW and len(set(self._deaths)) > 1:
            raise StudyAborted(f"{len(self._deaths)} workers in a row died ({reason}); {_KEPT.format(' (memory?)')}")

    def erred(self, reason: str) -> None:
        """Hear of an error; errors of the same class whose messages differ only in numbers are of one kind."""
        kind = kind_of(reason)
        self._errors[kind] += 1
        if self._errors[kind] < ERRORS_OF_A_KIND:
            return
        how = " (raise search.worker_memory, or allow smaller nets)" if reason.startswith(OUT_OF_MEMORY) else ""
        raise StudyAborted(
            f"{ERRORS_OF_A_KIND} trainings failed with the same error and none went well between ({reason}); "
            + _KEPT.format(how)
        )
