from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hpsearch.workers.memory import fair_share, held, in_words, machine_memory


def test_workers_share_what_the_driver_leaves_and_never_less_than_one_needs() -> None:
    whole = machine_memory()
    assert 0 < 2 * fair_share(2) < whole
    assert fair_share(10_000) == 10**9


@pytest.mark.parametrize(
    ("lines", "files"),
    [
        ("0::/job/step\n", {"sys/fs/cgroup/job/step/memory.max": "max\n", "sys/fs/cgroup/job/memory.max": "3000\n"}),
        ("0::/job/step\n", {"sys/fs/cgroup/memory.max": "3000\n"}),  # a container's own view, mounted at the top
        (
            "7:pids:/x\n4:cpu,memory:/job\n0::/\n",
            {
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "3000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/pids/x/memory.limit_in_bytes": "10\n",
            },
        ),
    ],
    ids=["version 2, of the folder above", "version 2, of the whole mount", "version 1"],
)
def test_a_cgroup_that_allows_less_than_the_machine_has_counts(
    tmp_path: Path, lines: str, files: dict[str, str]
) -> None:
    for name, text in ({"proc/self/cgroup": lines} | files).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine_memory(tmp_path) == 3000


def test_a_machine_without_cgroups_has_its_own_memory(tmp_path: Path) -> None:
    assert machine_memory(tmp_path) == psutil.virtual_memory().total


def test_what_is_mapped_from_a_file_is_not_held(tmp_path: Path) -> None:
    size = 100_000_000
    with (tmp_path / "array").open("w+b") as file:
        file.truncate(size)
        before = held(os.getpid())
        with mmap.mmap(file.fileno(), size, mmap.MAP_SHARED) as mapped:
            mapped[::4096] = b"\1" * len(range(0, size, 4096))
            assert held(os.getpid()) < before + size // 2
    kept = b"\1" * size
    assert held(os.getpid()) > before + size // 2
    del kept


def test_a_process_that_is_gone_holds_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert held(process.pid) == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(2 * 10**9, "2 GB"), (2_147_000_000, "2.15 GB"), (350_400_000, "350 MB"), (3_000_000, "3 MB")],
)
def test_sizes_are_told_as_a_study_file_writes_them(size: int, text: str) -> None:
    assert in_words(size) == text
