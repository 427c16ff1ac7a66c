from __future__ import annotations

import pytest

from hpsearch.app.display import Display, Fallbacks, Silent
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


class _Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_why_keras_trained_a_trial_is_noted_once() -> None:
    heard = _Heard()
    fallbacks = Fallbacks(heard)
    reason = "trained by Keras, since the compiled trainer cannot train it: XLA is missing"
    for number in (4, 5):
        fallbacks.trial_ended(TrialRecord(number, {"epochs": 1}, "completed", reason, 1.0))
    fallbacks.trial_ended(TrialRecord(6, {"epochs": 1}, "failed", "diverged at epoch 1"))
    fallbacks.trial_ended(TrialRecord(7, {"epochs": 1}, "completed", value=1.0))
    assert heard.notes == [f"trial 4 was {reason}"]
