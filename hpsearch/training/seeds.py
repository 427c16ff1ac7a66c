"""Seeds and row orders as pure functions: a trial that is run again, anywhere, is the same trial."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def derive_seed(study_seed: int, trial: int, split: int, purpose: str = "") -> int:
    """Return a 32-bit seed that depends on nothing but the arguments, on any machine and version.

    `purpose` tells apart seeds that one (trial, split) needs for different things.
    """
    text = f"{study_seed}/{trial}/{split}/{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def row_order(seed: int, epoch: int, rows: int) -> NDArray[np.int32]:
    """Return the order in which an epoch (counted from 1) takes the training rows: a permutation of 0..rows-1.

    It sorts raw PCG64 words, whose stream NumPy promises to keep, as it does not for `Generator.permutation` (NEP 19).
    """
    words = np.random.PCG64(np.random.SeedSequence((seed, epoch))).random_raw(rows)
    return np.argsort(words, kind="stable").astype(np.int32)
