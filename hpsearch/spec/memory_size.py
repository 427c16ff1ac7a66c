"""Sizes of memory as a study file writes them."""

from __future__ import annotations

import re

from hpsearch.errors import as_written

LEAST = 10**8
"""Bytes; Python and NumPy alone hold a tenth of this, TensorFlow three times as much."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def parse_memory(given: object) -> int | str:
    """Return bytes from a number of them or a text (`2GB`, `500 MB`, `1.5GiB`); `auto` as it is. Raises ValueError."""
    if given == "auto":
        return "auto"
    text = given if isinstance(given, str) else ""
    if isinstance(given, int | float) and not isinstance(given, bool):
        text = f"{given:.0f}" if 0 < given < 1e18 else ""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?)\s*([kmgt]?i?)b?", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{as_written(given)} is no size of memory; write auto, 2GB, 500MB or a number of bytes")
    size = int(float(found[1]) * _UNITS[found[2]])
    if not LEAST <= size < 10**18:
        raise ValueError(f"{as_written(given)} is {size:,} bytes, which no worker can have; write 1GB or more, or auto")
    return size
