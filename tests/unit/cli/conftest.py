from __future__ import annotations

from pathlib import Path

import pytest
from sample_studies import FLOWERS, write_study


@pytest.fixture
def study_file(tmp_path: Path) -> str:
    return str(write_study(tmp_path, FLOWERS))
