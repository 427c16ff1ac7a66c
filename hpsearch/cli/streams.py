"""Standard streams that cannot end a study: closed from the start, or by whoever read them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_LOST = (errno.EPIPE, errno.EIO)
"""What writing to a pipe without a reader, and to a terminal that is gone, ends with."""


def open_streams() -> None:
    """Open those of the three standard streams that are closed on /dev/null: a file of a study must not be one."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(descriptor), "r" if name == "stdin" else "w"))


@contextmanager
def lasting_output() -> Iterator[None]:
    """Let what nobody can read any more be lost while this lasts, rather than end what is under way."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Lasting(stream)) for stream in before)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before


class _Lasting:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Send all that follows to /dev/null, what is buffered too."""
        if error.errno not in _LOST:
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
