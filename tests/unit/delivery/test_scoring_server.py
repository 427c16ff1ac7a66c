from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpsearch.delivery.predictor import Predictor
from hpsearch.delivery.scoring_server import check_host, curl_command, serve_package, typical_row
from hpsearch.errors import DeliveryError, PackageError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_a_host_that_others_reach_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"asks nobody for a password; serve at 127\.0\.0\.1"):
        check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_alone_is_allowed(host: str) -> None:
    check_host(host)


def test_a_damaged_package_is_refused_before_anything_starts(packages: dict[str, Any], tmp_path: Path) -> None:
    package = Path(shutil.copytree(packages["binary"].folder, tmp_path / "package"))
    (package / "served.csv").touch()
    (package / "predictor.py").write_text("print('mine')")
    with pytest.raises(PackageError, match=r"predictor\.py: sha256 expected"):
        serve_package(package, tmp_path / "aside", tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_the_command_is_one_that_a_shell_takes_apart_again() -> None:
    rows = pd.DataFrame(
        {"it's": ["a 'b' $(c)"], "temp °C": [0.1 + 0.2], "n": [7], "gap": [None], "nan": [float("nan")]}
    )
    program, address, option, header, data, body = shlex.split(curl_command("http://127.0.0.1:5001", rows))
    assert (program, address) == ("curl", "http://127.0.0.1:5001/invocations")
    assert (option, header, data) == ("-H", "Content-Type: application/json", "-d")
    expected = {"it's": "a 'b' $(c)", "temp °C": pytest.approx(0.3, abs=1e-12), "n": 7, "gap": None, "nan": None}
    assert json.loads(body) == {"dataframe_records": [expected]}


def test_a_typical_row_is_one_that_the_model_predicts(made: Any) -> None:
    row = typical_row(made.preparation)
    assert row.to_dict("records") == [{"temp": 15.0, "season": "fall", "code": "007", "day": "2012-01-01"}]
    assert len(Predictor.load(made.folder).predict(row)) == 1
