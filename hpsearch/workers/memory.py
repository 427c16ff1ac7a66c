"""What a worker holds of the machine's memory, and what it may hold."""

from __future__ import annotations

from pathlib import Path

import psutil

LEAST = 10**9
"""Bytes that a worker is always left by `fair_share`: with less it trains nothing."""


def fair_share(places: int) -> int:
    """Return the bytes that each of some workers may hold, a tenth (1 GB at least) being left to the driver."""
    whole = machine_memory()
    return max((whole - max(LEAST, whole // 10)) // max(places, 1), LEAST)


def machine_memory(root: Path = Path("/")) -> int:
    """Return the bytes that this process and its workers may use: the machine's, or what a Linux cgroup leaves them."""
    return min([psutil.virtual_memory().total, *_cgroup_limits(root)])


def held(pid: int) -> int:
    """Return the bytes that a process keeps from others, 0 where it is gone.

    Resident memory without what it shares with files: the prepared arrays and TensorFlow's own code, which are mapped,
    are there once for all workers (0.43 of the 0.73 GB that a warm worker shows), and the kernel can drop them.
    """
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(info.rss - getattr(info, "shared", 0))


def in_words(size: int) -> str:
    """Return bytes as a person reads them: `2 GB`, `350 MB`."""
    unit, name = (10**9, "GB") if size >= 10**9 else (10**6, "MB")
    return f"{size / unit:.3g} {name}"


def _cgroup_limits(root: Path) -> list[int]:
    """Return the limits of this process's cgroup and those above it, in either version of Linux's cgroups."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, inside = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
        top = root / "sys/fs/cgroup" / version[0]
        at = top / inside.strip("/")
        found += [_limit(folder / version[1]) for folder in (at, *at.parents) if folder.is_relative_to(top)]
    return [limit for limit in found if limit is not None]


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # there is none: no file, or the word 'max'
        return None
