"""How XLA compiles in this process, and where it keeps what it compiled for the next one."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from functools import cache as cached
from importlib.metadata import version
from pathlib import Path

from hpsearch.training.compiled.shape import Shape


def configure_xla(cache: Path) -> None:
    """Compile fast, and keep programs under `cache` for other processes and later launches.

    Call it before TensorFlow is imported, which is when XLA reads the cache's place; later it changes nothing. What the
    user has set in XLA_FLAGS and TF_XLA_FLAGS stands.
    """
    # Level 1 of LLVM takes a fifth less time than the default, and the steps take the same.
    _add("XLA_FLAGS", "--xla_backend_optimization_level", "1")
    folder = cache / _machine()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a store that cannot be written costs compiling again, not the trial
    # A program of two hidden layers loads in 0.1 s instead of compiling in 0.5 s. XLA writes a file, then renames it.
    _add("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory", str(folder))
    _add("TF_XLA_FLAGS", "--tf_xla_persistent_cache_device_types", "CPU,GPU")


def is_kept(cache: Path, shape: Shape) -> bool:
    """Tell whether a process of this machine has compiled the shape's program into `cache`."""
    return _mark(cache, shape).exists()


def mark_kept(cache: Path, shape: Shape) -> None:
    """Tell other workers and later launches that the shape's program is in `cache`; XLA's own names do not say it."""
    mark = _mark(cache, shape)
    with suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _mark(cache: Path, shape: Shape) -> Path:
    return cache / _machine() / f"{hashlib.sha256(repr(shape).encode()).hexdigest()[:16]}.shape"


def forget_programs(cache: Path) -> None:
    """Delete the programs kept under `cache` for this machine: of a damaged one XLA says only that it is damaged."""
    for pattern in ("*.pb", "*.shape"):
        for kept in (cache / _machine()).glob(pattern):
            kept.unlink(missing_ok=True)


def program_cache(dataset: Path) -> Path:
    """Return where the programs of a prepared data set's store lie, given the data set's folder."""
    return dataset.parent / "programs"


def _add(variable: str, flag: str, value: str) -> None:
    given = os.environ.get(variable, "")
    if flag not in given:
        os.environ[variable] = f"{given} {flag}={value}".strip()


@cached
def _machine() -> str:
    """Name what a program depends on: a store may lie on a disk that other machines see."""
    try:
        features = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        features = platform.processor()
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    return f"tensorflow-{version('tensorflow')}-{platform.machine()}-{digest}"
