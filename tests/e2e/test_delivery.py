"""Every study that ships: its net in memory, its package, MLflow's pyfunc and the HTTP server say the same numbers."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pandas as pd
import psutil
import pytest
from connections import reaches
from sample_studies import new_store

import hpsearch
from hpsearch.app.discovered import discovered
from hpsearch.app.opened import open_study
from hpsearch.app.results import StudyResult
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.delivery.mlflow_model import save_model
from hpsearch.delivery.package import write_package
from hpsearch.delivery.predictor import Predictor
from hpsearch.model import build_model
from hpsearch.search.book import load_weights, weights_path
from hpsearch.search.settings import settle
from hpsearch.training.nets import net_of
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Job, Outcome

pytestmark = pytest.mark.xdist_group("delivery")

FILES = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))
SERVED = "bike_demand_full"
"""Numbers, categories, dates and missing cells: the one that is asked over HTTP too."""


@dataclass(frozen=True)
class Made:
    """A study's model in memory, and the package it became."""

    spec: hpsearch.StudySpec
    predictor: Predictor
    package: Path


def small(name: str) -> hpsearch.StudySpec:
    """Return a study that ships, with one trial of one epoch, which is delivered as it is."""
    (path,) = (file for file in FILES if file.stem == name)
    values: dict[str, Any] = hpsearch.load_spec(path).model_dump(mode="json", exclude_unset=True)
    values["space"] = values.get("space", {}) | {"epochs": 1}
    values["search"] = values.get("search", {}) | {"trials": 1, "timeout": None}
    return hpsearch.make_spec(values | {"name": name, "winner": "none"}, folder=path.parent)


def make(name: str, folder: Path) -> Made:
    """Train a study's default configuration as a trial would, and package it; without a search and its pictures."""
    spec = small(name)
    data = prepare_dataset(spec, folder / "cache")
    spec = discovered(spec, data)
    settled = settle(spec, data)
    configuration = settled.space.defaults()
    steps = make_trainer(settled.settings).train(Job(0, 0, 0, 7, configuration), data)
    weights = outcome_of(steps).weights
    assert weights is not None
    model = net_of(configuration, data.signature, 7, settled.settings.loss, settled.settings.hypermodel)
    model.set_weights(weights)
    package = write_package(
        folder / "package", model=model, preparation=data.preparation(0), signature=data.signature,
        metadata={"study": name}, configuration=configuration,
    )  # fmt: skip
    about = json.loads((package / "package.json").read_text())
    return Made(spec, Predictor(model, data.preparation(0), about), package)


def outcome_of(steps: Generator[Any, None, Outcome]) -> Outcome:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def rows_with_gaps(spec: hpsearch.StudySpec, count: int = 24) -> pd.DataFrame:
    """Return raw rows with cells missing, categories that training never saw, and columns shuffled."""
    frame, columns, _ = load_table(spec)
    draw = np.random.default_rng(0)
    rows = frame[list(columns.names)].sample(count, replace=True, random_state=1).reset_index(drop=True).astype(object)
    for name, kind in columns.columns:
        rows[name] = rows[name].where(draw.random(count) > 0.15, None)
        if kind == "categorical":
            rows.loc[draw.random(count) < 0.1, name] = "never seen"
    return rows[list(draw.permutation(rows.columns))]


def assert_same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning:mlflow", "ignore::FutureWarning:mlflow")
@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_memory_package_and_pyfunc_say_the_same_to_raw_rows_with_gaps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    made = make(name, tmp_path)
    rows = rows_with_gaps(made.spec)
    expected = made.predictor.predict(rows)
    numbers = expected.select_dtypes("number")
    assert np.isfinite(numbers).all(axis=None)
    assert (numbers.nunique() > 3).all()
    assert_same(Predictor.load(made.package).predict(rows), expected)
    import mlflow

    pyfunc = mlflow.pyfunc.load_model(str(save_model(tmp_path / "model", made.package, rows)))
    assert_same(pyfunc.predict(rows), expected)
    assert_same(pyfunc.predict(rows.assign(further=1)), expected)


class Asked:
    """`hpsearch serve` as a person starts it, and questions to it."""

    def __init__(self, place: Path) -> None:
        self.program = subprocess.Popen(
            [Path(sys.executable).with_name("hpsearch"), "serve", SERVED, "--port", "5986", "--store", place],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"MLFLOW_TRACKING_URI": ""},
            # A suite that runs in the background was told to ignore Ctrl-C, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        self._watchdog = threading.Timer(600, self.program.kill)
        self._watchdog.start()
        assert self.program.stdout is not None
        self.lines = [self.program.stdout.readline() for _ in range(3)]
        self.url = re.findall(r"http://\S+/invocations", self.lines[1])[0]

    def ask(self, data: str, **headers: str) -> tuple[int, Any]:
        given = {"Content-Type": "application/json"} | {name.replace("_", "-"): v for name, v in headers.items()}
        try:
            with build_opener(ProxyHandler({})).open(Request(self.url, data.encode(), given)) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return how the program ended and what it said of errors."""
        self.program.send_signal(signal.SIGINT)
        _, errors = self.program.communicate()
        self._watchdog.cancel()
        return self.program.returncode, errors


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> StudyResult:
    """A study as a person has run it."""
    place = new_store(tmp_path_factory.mktemp("served") / "store", mlflow_database)
    return hpsearch.run(small(SERVED), workers="inline", store=place)


@pytest.fixture(scope="module")
def server(served: StudyResult) -> Iterator[Asked]:
    asked = Asked(served.folder.path.parents[1])
    yield asked
    if asked.program.poll() is None:
        asked.end()


def as_json(rows: pd.DataFrame) -> str:
    return json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split", double_precision=15))})


def test_the_server_says_what_the_trials_own_net_does_to_raw_rows_with_gaps(server: Asked, served: StudyResult) -> None:
    study, trial = open_study(served), served.best
    assert trial is not None
    model = build_model(trial.configuration, study.data.signature, trial.seed, study.settled.settings.loss)
    model.set_weights(load_weights(weights_path(served.folder, trial.number)))
    rows = rows_with_gaps(study.spec)
    expected = Predictor(model, study.data.preparation(0), served.predictor().about).predict(rows)
    status, answer = server.ask(as_json(rows.assign(further="x")))
    assert status == 200
    assert_same(pd.DataFrame(answer["predictions"]), expected)


def test_the_command_that_it_prints_works_as_it_stands(server: Asked, served: StudyResult) -> None:
    program, address, _, _, _, data = shlex.split(server.lines[2])
    assert (program, address) == ("curl", server.url)
    status, answer = server.ask(data)
    (row,) = json.loads(data)["dataframe_records"]
    expected = served.predictor().predict(pd.DataFrame([row]))
    assert status == 200
    assert answer["predictions"] == [{"prediction": pytest.approx(expected["prediction"][0], rel=1e-6)}]


@pytest.mark.parametrize(("change", "message"), [
    (lambda rows: rows.drop(columns="hum"), "hum"),
    (lambda rows: rows.assign(hum="wet"), "row 1, column 'hum': 'wet' is no finite number"),
])  # fmt: skip
def test_rows_that_cannot_be_predicted_are_a_clients_error_without_a_stack_trace(
    server: Asked, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    status, answer = server.ask(as_json(change(rows_with_gaps(small(SERVED)))))
    assert status == 400
    assert message in answer["message"]
    assert "stack_trace" not in answer
    assert "Traceback" not in answer["message"]


@pytest.mark.parametrize(("data", "headers", "status"), [
    ("{", {}, 400),
    ("[]", {}, 400),
    ("hum\n1\n", {"Content_Type": "text/plain"}, 415),
    ("{}", {"Host": "evil.example"}, 403),
])  # fmt: skip
def test_what_is_no_request_for_predictions_is_refused(
    server: Asked, data: str, headers: dict[str, str], status: int
) -> None:
    code, answer = server.ask(data, **headers)
    assert code == status
    assert "stack_trace" not in answer


def test_it_listens_to_this_machine_alone_and_ctrl_c_ends_it_and_its_child(server: Asked) -> None:
    (child,) = psutil.Process(server.program.pid).children()
    # A server that listens on every address would answer at 127.0.0.2 too.
    assert reaches("127.0.0.1", server.url)
    assert not reaches("127.0.0.2", server.url)
    assert server.end() == (0, "")
    assert not psutil.pid_exists(child.pid)
