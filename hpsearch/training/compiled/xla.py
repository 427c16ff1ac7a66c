"""How XLA compiles in this process, and where it keeps what it compiled for the next one."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache as cached
from importlib.metadata import version
from pathlib import Path


def configure_xla(cache: Path) -> None:
    """Compile fast, and keep programs under `cache` for other processes and later launches.

    Call it before TensorFlow is imported, which is when XLA reads the cache's place; later it changes nothing. What the
    user has set in XLA_FLAGS and TF_XLA_FLAGS stands.
    """
    # Level 1 of LLVM takes a fifth less time than the default, and the steps take the same.
    _add("XLA_FLAGS", "--xla_backend_optimization_level", "1")
    # Sums over a batch of 64 rows or more in one kernel instead of two: a tenth less to compile, the same steps.
    _add("XLA_FLAGS", "--xla_disable_hlo_passes", "tree_reduction_rewriter")
    folder = machine_folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a store that cannot be written costs compiling again, not the trial
    # A program of two hidden layers loads in 0.07 s instead of compiling in 0.5 s. XLA writes a file, then renames it.
    _add("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory", str(folder))
    _add("TF_XLA_FLAGS", "--tf_xla_persistent_cache_device_types", "CPU,GPU")


def machine_folder(cache: Path) -> Path:
    """Return the folder under `cache` of the programs that this machine can run and this code would make.

    A store may lie on a disk that other machines see, and outlives an update.
    """
    machine = f"{platform.machine()}-{_digest(_features().encode())}"
    return cache / f"tensorflow-{version('tensorflow')}-{machine}-{_code()}"


def program_cache(dataset: Path) -> Path:
    """Return where the programs of a prepared data set's store lie, given the data set's folder."""
    return dataset.parent / "programs"


def _add(variable: str, flag: str, value: str) -> None:
    given = os.environ.get(variable, "")
    if flag not in given:
        os.environ[variable] = f"{given} {flag}={value}".strip()


@cached
def _features() -> str:
    try:
        return next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return platform.processor()


@cached
def _code() -> str:
    """Name the sources of this package: a kept program was traced from them."""
    return _digest(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
