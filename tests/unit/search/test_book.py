from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from disks import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord
from hpsearch.search.book import Book, load_weights, rank, save_weights, weights_path
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import append_record


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


def completed(number: int, value: float, rate: float | None = None, **other: object) -> TrialRecord:
    configuration = {"hidden_layers": 0, "learning_rate": number / 10 if rate is None else rate}
    return TrialRecord(number, configuration, "completed", value=value, **other)  # type: ignore[arg-type]


def ended(number: int, state: str, reason: str = "", **other: object) -> TrialRecord:
    return TrialRecord(number, {"hidden_layers": 0, "learning_rate": 1.0}, state, reason, **other)  # type: ignore[arg-type]


def test_a_book_opened_again_is_the_same(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 2)
    for number, value in enumerate([3.0, 1.0, 2.0]):
        book.add(completed(number, value))
    again = Book(folder, "minimize", 2)
    assert again.records == book.records
    assert again.best() == completed(1, 1.0)


def test_the_budget_pays_for_all_that_ended_but_interrupted_trials(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 2)
    for number, state in enumerate(["completed", "pruned", "failed", "interrupted"]):
        book.add(ended(number, state))
    assert book.counted() == 3


@pytest.mark.parametrize(("state", "known"), [("completed", 0), ("pruned", 0), ("failed", 0), ("interrupted", None)])
def test_a_configuration_is_known_once_it_was_trained_to_an_end_of_its_own(
    folder: StudyFolder, state: str, known: int | None
) -> None:
    book = Book(folder, "minimize", 2)
    book.add(ended(0, state))
    found = book.known({"learning_rate": 1, "hidden_layers": 0})
    assert (found.number if found else None) == known


def test_the_trial_that_was_trained_is_known_not_its_copies(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 2)
    book.add(completed(0, 1.0, rate=0.5))
    book.add(completed(1, 1.0, rate=0.5, copy_of=0))
    found = Book(folder, "minimize", 2).known({"hidden_layers": 0, "learning_rate": 0.5})
    assert found is not None
    assert found.number == 0


def test_interruptions_are_counted_over_a_trial_and_its_retries_by_cause(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 2)
    book.add(ended(3, "interrupted", "worker died: signal 9"))
    book.add(ended(4, "interrupted", "the launch ended: timeout", retry_of=3))
    book.add(ended(5, "interrupted", "worker died: signal 9", retry_of=3))
    book.add(ended(6, "interrupted", "worker died: signal 9"))
    assert book.attempts(3, "") == 3
    assert book.attempts(3, "worker died") == 2
    assert book.attempts(5, "worker died") == 1


values = st.lists(st.floats(-10, 10), min_size=1, max_size=12)


@given(values, st.sampled_from(["minimize", "maximize"]), st.integers(1, 4))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_weights_of_the_best_are_kept_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], direction: str, keep: int
) -> None:
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    book = Book(folder, direction, keep)  # type: ignore[arg-type]
    for number, value in enumerate(values):
        book.add(completed(number, value), [np.full(1, number, np.float32)])
        sign = 1 if direction == "minimize" else -1
        best = sorted(range(number + 1), key=lambda n: (sign * values[n], n))[:keep]
        assert {path.name for path in folder.weights.iterdir()} == {f"trial-{n}.npz" for n in best}
    for number in best:
        assert load_weights(weights_path(folder, number))[0] == np.float32(number)


def test_a_copy_takes_no_place_among_the_kept_weights(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 2)
    book.add(completed(0, 1.0), [np.zeros(1, np.float32)])
    for number in (1, 2, 3):
        book.add(completed(number, 1.0, rate=0.0, copy_of=0))
    book.add(completed(4, 2.0), [np.zeros(1, np.float32)])
    assert {path.stem for path in folder.weights.iterdir()} == {"trial-0", "trial-4"}


def test_weights_of_the_second_best_go_only_once_the_better_trial_is_in_the_history(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 1)
    book.add(completed(0, 2.0), [np.zeros(1000, np.float32)])
    line = folder.history.stat().st_size
    weights = weights_path(folder, 0).stat().st_size
    folder.history.write_bytes(folder.history.read_bytes() + b" " * (2 * weights) + b"\n")
    with full_disk(line + 2 * weights + 10), pytest.raises(StoreError):
        book.add(completed(1, 1.0), [np.zeros(1000, np.float32)])
    assert weights_path(folder, 0).exists()


def test_trials_that_are_not_completed_leave_no_weights(folder: StudyFolder) -> None:
    Book(folder, "minimize", 3).add(ended(0, "pruned"), [np.zeros(1, np.float32)])
    assert not folder.weights.exists()


def test_of_equal_trials_the_earlier_is_the_best() -> None:
    records = [completed(2, 1.0), completed(1, 1.0), completed(0, 5.0), ended(3, "failed"), completed(4, float("nan"))]
    assert [record.number for record in rank(records, "minimize")] == [1, 2, 0]
    assert [record.number for record in rank(records, "maximize")] == [0, 1, 2]


def test_a_book_without_a_completed_trial_has_no_best(folder: StudyFolder) -> None:
    book = Book(folder, "minimize", 3)
    book.add(ended(0, "failed"))
    assert book.best() is None


def test_a_torn_last_line_is_cut_off_when_the_book_is_opened(folder: StudyFolder) -> None:
    append_record(folder.history, completed(0, 1.0))
    folder.history.write_bytes(folder.history.read_bytes() + b'{"number": 1, "conf')
    book = Book(folder, "minimize", 3)
    book.add(completed(1, 2.0))
    assert list(Book(folder, "minimize", 3).records) == [0, 1]


def test_weights_come_back_in_order_and_without_pickle(tmp_path: Path) -> None:
    weights = [np.arange(n, dtype=np.float32).reshape(1, n) for n in range(1, 13)]
    save_weights(tmp_path / "w.npz", weights)
    for before, after in zip(weights, load_weights(tmp_path / "w.npz"), strict=True):
        np.testing.assert_array_equal(before, after)
    np.savez(tmp_path / "evil.npz", w0=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_weights(tmp_path / "evil.npz")
