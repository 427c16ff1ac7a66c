"""What a test can say of a PNG."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imread


def pixels(png: bytes) -> np.ndarray:
    """Return (height, width, 3) in 0..1."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return imread(io.BytesIO(png))[:, :, :3]


def area_of(png: bytes, colour: str) -> int:
    """Return how many pixels have exactly that colour."""
    return int((np.abs(pixels(png) - np.array(to_rgb(colour))).max(axis=2) < 1.5 / 255).sum())
