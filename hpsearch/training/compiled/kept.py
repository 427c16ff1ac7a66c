"""The programs kept on disk: what was traced, beside what XLA compiled of it (`xla.py`), for whoever comes next.

<folder>/<digest>.program   a line of JSON (the shape, and the SHA-256 of what follows), then the graph
<folder>/*.pb               XLA's own; its names do not say what is in them
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from hpsearch.training.compiled.shape import Shape


class KeptPrograms:
    """The programs in a folder that several processes read and write. folder: of `xla.machine_folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Shape | None] = {}

    def shapes(self) -> set[Shape]:
        """Return the shapes there are programs of, other processes' since the last call among them."""
        with suppress(OSError):
            names = {entry.name for entry in os.scandir(self._folder) if entry.name.endswith(".program")}
            self._read = {name: self._read[name] if name in self._read else self._shape(name) for name in names}
        return {shape for shape in self._read.values() if shape is not None}

    def graph(self, shape: Shape) -> bytes | None:
        """Return the graph of the shape's program, None where there is none or it is damaged."""
        try:
            head, graph = (self._folder / _name(shape)).read_bytes().split(b"\n", 1)
            return graph if json.loads(head)["sha256"] == hashlib.sha256(graph).hexdigest() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, shape: Shape, graph: bytes) -> None:
        """Write a program, whole or not at all. Call it when XLA has compiled it."""
        about = {"shape": asdict(shape), "sha256": hashlib.sha256(graph).hexdigest()}
        path = self._folder / _name(shape)
        part = path.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):  # a store that cannot be written costs compiling again, not the trial
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(json.dumps(about).encode() + b"\n" + graph)
            part.replace(path)

    def forget(self) -> None:
        """Delete all programs: of a damaged one XLA says only that it is damaged."""
        for pattern in ("*.pb", "*.program", "*.part"):
            for path in self._folder.glob(pattern):
                path.unlink(missing_ok=True)

    def _shape(self, name: str) -> Shape | None:
        try:
            with (self._folder / name).open("rb") as file:
                about = json.loads(file.readline())["shape"]
            return Shape(**about | {"widths": tuple(about["widths"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _name(shape: Shape) -> str:
    return f"{hashlib.sha256(repr(shape).encode()).hexdigest()[:16]}.program"
