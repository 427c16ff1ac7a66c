"""A study in which everything that a person can name is an attack on whoever shows, stores or runs it."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

CANARY = "canary-was-here"
"""What every payload would make: no file may ever bear this name."""

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
FORMULA = "=cmd|'/c calc'!A1"
CLEAR = "\x1b[2J\x1b]0;owned\x07"
"""Clears the terminal and retitles it."""

COLUMNS = (
    SCRIPT, IMAGE, FORMULA, "../../x", "/etc/passwd", f"$(touch {CANARY})", f"`touch {CANARY}`;touch {CANARY}", "-rf",
    "two\nlines", f"{CLEAR}clear", "javascript:alert(1)", "</script><!--", "$\\frac{1}$", "{{7*7}}", "{0.__class__}",
    "%s%n", "\N{PARTY POPPER} \N{ZERO WIDTH JOINER}", "\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "x" * 10_000,
)  # fmt: skip
CITIES = ("Rome", SCRIPT, FORMULA, f"{CLEAR}city", "@SUM(A1)", "y" * 10_000)
CLASSES = (FORMULA, IMAGE, f"{CLEAR}no")
TARGET = "<b onmouseover=alert(1)>label</b>"

STUDY: dict[str, Any] = {
    "name": "hostile",
    "description": f"{SCRIPT} {CLEAR} [click](javascript:alert(1)) {FORMULA}",
    "data": {"csv": "$(touch canary-was-here).csv", "target": TARGET},
    "space": {
        "hidden_layers": 1, "neurons": 4, "activation": "relu", "optimizer": "adam", "dropout": 0.0,
        "learning_rate": [0.1, 0.05], "batch_size": 32, "epochs": 3,
    },
    "search": {"trials": 2, "sampler": "grid", "early_stopping": None, "workers": 1},
    "winner": "none",
}  # fmt: skip


def write_rows(path: Path, rows: int = 120) -> None:
    """Write rows whose label follows from the second column."""
    draw = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, TARGET])
        for row in range(rows):
            x = draw.random()
            numbers = [f"{draw.random():.3f}" for _ in COLUMNS[2:]]
            writer.writerow([CITIES[row % len(CITIES)], f"{x:.3f}", *numbers, CLASSES[int(x * 3)]])
