from __future__ import annotations

import pytest

from hpsearch.spec import make_spec
from hpsearch.spec.memory_size import parse_memory


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("auto", "auto"), ("2GB", 2 * 10**9), ("2 gb", 2 * 10**9), ("2G", 2 * 10**9), ("1.5GB", 1_500_000_000),
        ("500MB", 5 * 10**8), ("2GiB", 2**31), ("300000kB", 3 * 10**8), ("1TB", 10**12),
        (2_000_000_000, 2 * 10**9), (2e9, 2 * 10**9), ("2000000000", 2 * 10**9),
    ],
)  # fmt: skip
def test_a_size_is_read_as_bytes(given: object, size: int | str) -> None:
    assert parse_memory(given) == size


@pytest.mark.parametrize(
    "given",
    ["much", "2 GBs", "-2GB", "2,5GB", "", "i", "2ib", "9" * 40, True, None, [2], -1, float("nan"), "1e9", "½GB"],
)
def test_what_is_no_size_is_refused_with_how_to_write_one(given: object) -> None:
    with pytest.raises(ValueError, match="is no size of memory; write auto, 2GB, 500MB or a number of bytes"):
        parse_memory(given)


@pytest.mark.parametrize("given", [2, "2", "99MB", "0GB", "999999999TB"])
def test_a_size_that_no_worker_can_have_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="which no worker can have; write 1GB or more, or auto"):
        parse_memory(given)


def test_a_limit_comes_back_from_the_file_that_is_written_of_it() -> None:
    values = {"data": {"sklearn": "iris"}, "search": {"worker_memory": "2GB"}}
    written = make_spec(values).model_dump(mode="json", exclude_defaults=True)
    assert make_spec(written).search.worker_memory == 2 * 10**9
