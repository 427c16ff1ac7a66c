"""The programs of this process: one for each shape, compiled when first needed."""

from __future__ import annotations

from hpsearch.training.compiled.program import Program, build_program
from hpsearch.training.compiled.shape import Shape


class Programs:
    """Compiled programs by shape."""

    def __init__(self) -> None:
        self._built: dict[Shape, Program] = {}

    def serve(self, exact: Shape, epochs: int) -> Program:
        """Return a program that holds a trial of this shape."""
        if exact not in self._built:
            self._built[exact] = build_program(exact)
        return self._built[exact]
