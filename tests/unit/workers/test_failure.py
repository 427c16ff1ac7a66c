from __future__ import annotations

import pytest
from fakes import job

from hpsearch.workers.failure import lost_by
from hpsearch.workers.pool import Lost


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad\nworse"), "ValueError: bad"),
        (ValueError("\n  bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (SystemExit(1), "SystemExit: 1"),
        (SystemExit(), "SystemExit"),
        (KeyError("x"), "KeyError: 'x'"),
        (MemoryError("x" * 5000), "MemoryError: " + "x" * 300),
    ],
)
def test_an_exception_becomes_one_line(error: BaseException, reason: str) -> None:
    assert lost_by(job(3), error) == Lost((3, 0, 0), reason, died=False)
