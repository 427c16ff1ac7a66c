"""The command line: in this process where that shows the same, and as the installed program where it does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NOISE = re.compile(r"(?i:tensorflow|onednn|cuda|absl|alembic|traceback)|INFO|WARNING|Warning:|\[I 20|it/s\]|mlflow\.")
"""What libraries print on their own."""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return what was printed, which is JSON and nothing else."""
        return json.loads(self.out)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call the command line in this process; what reaches the file descriptors counts."""

    def called(*arguments: str | Path) -> Said:
        from hpsearch.cli import main

        monkeypatch.setattr(sys, "argv", ["hpsearch", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out, err)

    return called


def program(*arguments: str | Path, folder: Path | None = None, **environment: str) -> Said:
    """Run the installed `hpsearch` in a process of its own."""
    ended = subprocess.run(
        [Path(sys.executable).with_name("hpsearch"), *arguments],
        capture_output=True, text=True, check=False, cwd=folder, env=os.environ | environment, timeout=240,
    )  # fmt: skip
    return Said(ended.returncode, ended.stdout, ended.stderr)
