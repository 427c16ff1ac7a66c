from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.training.seeds import derive_seed, row_order

seeds = st.integers(0, 2**32 - 1)


def test_a_derived_seed_is_the_same_in_every_process_and_version() -> None:
    assert [derive_seed(0, 0, 0), derive_seed(7, 12, 3), derive_seed(7, 12, 3, "final")] == [
        1553995233,
        3208684713,
        980752463,
    ]


@given(seeds, st.integers(0, 10**6), st.integers(0, 99))
def test_a_derived_seed_has_32_bits(study_seed: int, trial: int, split: int) -> None:
    assert 0 <= derive_seed(study_seed, trial, split) < 2**32


def test_each_trial_split_and_purpose_has_a_seed_of_its_own() -> None:
    made = {
        derive_seed(1, trial, split, purpose) for trial in range(200) for split in range(5) for purpose in ("", "a")
    }
    assert len(made) == 2000


@given(seeds, st.integers(1, 1000), st.integers(1, 500))
def test_a_row_order_is_a_permutation(seed: int, epoch: int, rows: int) -> None:
    order = row_order(seed, epoch, rows)
    assert order.dtype == np.int32
    assert np.array_equal(np.sort(order), np.arange(rows))


def test_a_row_order_is_the_same_in_every_process_and_version() -> None:
    assert row_order(3, 1, 8).tolist() == [0, 6, 2, 1, 3, 7, 4, 5]


def test_each_epoch_has_an_order_of_its_own() -> None:
    assert len({tuple(row_order(3, epoch, 20)) for epoch in range(1, 51)}) == 50


def test_every_row_is_first_about_equally_often() -> None:
    first = np.bincount([row_order(5, epoch, 4)[0] for epoch in range(1, 2001)], minlength=4)
    assert first.min() > 430  # expected 500, standard deviation 19
