"""A signal ends a launch gently, then soon, then at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from hpsearch.app.signals import Interrupted, Signals

THRICE = """
import os, signal
from hpsearch.app.signals import Interrupted, Signals

with Signals() as signals, signals.calling(lambda: print("gently", flush=True)):
    for _ in range(3):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Interrupted:
            print("soon", flush=True)
print("never")
"""


def test_the_first_signal_calls_what_ends_gently_and_its_number_is_kept() -> None:
    called = []
    with Signals() as signals, signals.calling(lambda: called.append(1)):
        os.kill(os.getpid(), signal.SIGHUP)
    assert called == [1]
    assert signals.number == signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_where_nothing_can_end_gently_is_raised(number: int) -> None:
    before = signal.getsignal(number)
    with Signals() as signals, pytest.raises(Interrupted) as raised:
        os.kill(os.getpid(), number)
    assert raised.value.number == signals.number == number
    assert signal.getsignal(number) is before


def test_a_third_signal_ends_the_process_on_the_spot() -> None:
    ended = subprocess.run([sys.executable, "-c", THRICE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (143, ["gently", "soon"], "")


def test_a_signal_that_was_ignored_from_the_start_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.number == 0
    finally:
        signal.signal(signal.SIGHUP, before)
