from __future__ import annotations

import pytest

from hpsearch.app.display import Display, Silent
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord


def test_silence_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    shown: Display = Silent()
    record = TrialRecord(0, {"epochs": 1}, "completed", value=1.0)
    shown.note("a note")
    shown.begin(StudyInfo("s", "0" * 16, "rmse", "minimize", "regression", "d"), 3, 1, [])
    shown.trial_started(record)
    shown.epoch(0, EpochRecord(0, 1, {"val_rmse": 1.0}))
    shown.trial_ended(record)
    shown.end()
    assert capfd.readouterr() == ("", "")
