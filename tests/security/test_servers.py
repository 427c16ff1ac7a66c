"""Who `ui` and `serve` let in, and what they bear."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from connections import reaches
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.delivery.payload import MOST_ROWS, payload_fault
from hpsearch.delivery.scoring_app import MOST_BYTES, MOST_REQUESTS, Limited
from hpsearch.errors import DeliveryError, StoreError
from hpsearch.tracking.server import EXPOSE, base_url, own_names
from hpsearch.tracking.ui import Ui, serve_ui

from .conftest import Attacked, Said
from .hostile_study import COLUMNS

pytestmark = pytest.mark.xdist_group("security")

Call = Callable[..., Said]
Answer = tuple[int, str]


def ask(url: str, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
    """Return status and body of the answer; a connection that is dropped (a full server) or refused is made again."""
    parts = urlsplit(url)
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    for left in reversed(range(20)):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except (ConnectionResetError, ConnectionRefusedError):
            if not left:
                raise
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError


# Exposed, and not.


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", "0", "127.1", ""])
@pytest.mark.parametrize("command", [["ui"], ["serve", "hostile"]], ids=["ui", "serve"])
def test_a_host_that_others_reach_is_refused_with_the_risk_and_the_flag(
    call: Call, attacked: Attacked, command: list[str], host: str
) -> None:
    log = attacked.store / f"{command[0]}.log"
    before = log.exists()
    said = call(*command, "--host", host, "--store", attacked.store)
    assert said.code == 2
    assert "can be reached from other machines" in said.err
    assert "nobody for a password" in said.err
    assert EXPOSE in said.err
    assert log.exists() is before


def test_the_flag_alone_exposes_nothing(call: Call) -> None:
    for command in ("ui", "serve"):
        assert EXPOSE in re.sub(r"\s+", "", call(command, "--help").out)
        assert "nobody is asked for a password" in " ".join(call(command, "--help").out.split())


def test_an_address_that_is_not_this_machines_is_told(attacked: Attacked) -> None:
    with pytest.raises(StoreError, match=r"nothing can listen on 192\.0\.2\.1"):
        serve_ui(attacked.store, 0, host="192.0.2.1", exposed=True)


def test_a_scorer_started_by_hand_is_no_way_round(tmp_path: Path) -> None:
    from hpsearch.delivery.scoring_app import main

    with pytest.raises(DeliveryError, match="can be reached from other machines"):
        main(str(tmp_path), "0.0.0.0", "0")


def test_an_exposed_server_knows_its_own_names_and_no_other() -> None:
    names = own_names("0.0.0.0")
    assert {"127.0.0.1", "localhost", socket.gethostname().lower()} <= names
    assert "evil.example" not in names
    assert own_names("127.0.0.1") == {"localhost", "127.0.0.1", "::1"}
    assert base_url("0.0.0.0", 1) == "http://127.0.0.1:1"
    assert base_url("::", 1) == "http://[::1]:1"


# MLflow's UI.


def test_the_flag_opens_the_ui_to_every_address_of_this_machine(exposed_ui: tuple[Ui, Path]) -> None:
    ui, _ = exposed_ui
    assert reaches("127.0.0.2", ui.url)  # as every address of this machine
    assert ask(ui.url, "POST", "/api/2.0/mlflow/experiments/search", '{"max_results": 1}')[0] == 200
    name = f"{socket.gethostname()}:{urlsplit(ui.url).port}"
    assert ask(ui.url, "GET", "/", Host=name)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:5000", "10.evil.example", "192.168.evil.example", "localhost.evil.example", ""],
)
def test_a_foreign_host_header_gets_403_of_the_ui(exposed_ui: tuple[Ui, Path], host: str) -> None:
    ui, _ = exposed_ui
    for path in ("/", "/api/2.0/mlflow/experiments/get?experiment_id=0", "/ajax-api/2.0/mlflow/runs/search"):
        assert ask(ui.url, "GET", path, Host=host)[0] in (400, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_post_from_a_page_of_another_origin_gets_403_of_the_ui(exposed_ui: tuple[Ui, Path], origin: str) -> None:
    ui, _ = exposed_ui
    status, _ = ask(ui.url, "POST", "/api/2.0/mlflow/experiments/create", '{"name": "x"}', Origin=origin)
    assert status == 403


def test_the_ui_has_no_job_runner_and_its_log_is_private(exposed_ui: tuple[Ui, Path]) -> None:
    _, place = exposed_ui
    commands = [part for child in psutil.Process().children(recursive=True) for part in child.cmdline()]
    assert commands
    assert not [part for part in commands if "huey" in part or "job" in part.lower() or "mlflow.db" in part]
    assert (place / "ui.log").stat().st_mode & 0o777 == 0o600


# The scorer, as `hpsearch serve` starts it.


class Serving:
    """`hpsearch serve`, and its scorer."""

    def __init__(self, attacked: Attacked) -> None:
        self.program = subprocess.Popen(
            [Path(sys.executable).with_name("hpsearch"), "serve", "hostile", "--port", "5977",
             "--store", attacked.store],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=attacked.folder,
            env=os.environ | {"MLFLOW_TRACKING_URI": ""},
        )  # fmt: skip
        self._watchdog = threading.Timer(400, self.program.kill)
        self._watchdog.start()
        assert self.program.stdout is not None
        self.lines = [self.program.stdout.readline() for _ in range(2)]
        self.url = re.findall(r"(http://\S+)/invocations", self.lines[1])[0]

    @property
    def scorer(self) -> psutil.Process:
        (child,) = psutil.Process(self.program.pid).children()
        return child

    def end(self) -> tuple[int, str]:
        _, errors = self.program.communicate()
        self._watchdog.cancel()
        return self.program.returncode, errors


@pytest.fixture(scope="module")
def serving(attacked: Attacked) -> Iterator[Serving]:
    serving = Serving(attacked)
    yield serving
    if serving.program.poll() is None:
        serving.program.terminate()
        serving.end()


def rows(count: int, **changed: Any) -> str:
    return json.dumps({"dataframe_records": [dict.fromkeys(COLUMNS, 0.5) | {COLUMNS[0]: "Rome"} | changed] * count})


def test_it_serves_this_machine_alone_and_says_so(serving: Serving) -> None:
    assert reaches("127.0.0.1", serving.url)
    assert not reaches("127.0.0.2", serving.url)
    assert "this machine only" in serving.lines[1]


def test_a_thousand_rows_are_predicted(serving: Serving) -> None:
    wide = dict.fromkeys(COLUMNS[:-1], 0.5) | {COLUMNS[0]: "Rome", COLUMNS[-1]: None}
    table = {"columns": list(wide), "data": [list(wide.values())] * 1000}
    status, answer = ask(serving.url, "POST", "/invocations", json.dumps({"dataframe_split": table}))
    assert status == 200, answer[:300]
    assert len(json.loads(answer)["predictions"]) == 1000


@pytest.mark.parametrize(("body", "status", "message"), [
    (b" " * (MOST_BYTES + 1), 413, "at most 16777216 are taken"),
    (b"[" + b"1," * (5 * 2**20) + b"1]", 400, "no JSON object"),
    (json.dumps({"dataframe_records": [{}] * (MOST_ROWS + 1)}).encode(), 413, "100,001 rows; at most 100,000"),
    (json.dumps({"dataframe_records": [{str(n): 0} for n in range(20_000)]}).encode(), 413, "20,000 columns in "),
])  # fmt: skip
def test_what_is_too_much_is_refused_and_the_next_is_answered(
    serving: Serving, body: bytes, status: int, message: str
) -> None:
    """Sixteen megabytes and more, ten megabytes, rows, columns."""
    try:
        code, answer = ask(serving.url, "POST", "/invocations", body)
    except (BrokenPipeError, ConnectionResetError):  # it does not read what it refuses
        code, answer = status, message
    assert (code, message in answer) == (status, True)
    assert ask(serving.url, "GET", "/ping")[0] == 200


BAD = [
    "", "{", "null", "[]", "3", '"text"', "{}", '{"rows": []}', '{"inputs": [1]}', '{"instances": [{"a": 1}]}',
    '{"dataframe_records": null}', '{"dataframe_records": {}}', '{"dataframe_records": [1]}',
    '{"dataframe_records": [{"a": [1]}]}', '{"dataframe_records": [{"a": {"b": 1}}]}', '{"dataframe_records": []}',
    '{"dataframe_records": [{}]}', '{"dataframe_records": [{"a": NaN}]}', '{"dataframe_records": [{"a": -Infinity}]}',
    '{"dataframe_records": [{"a": 1' + "0" * 400 + "}]}",
    '{"dataframe_split": []}', '{"dataframe_split": {"columns": ["a"]}}',
    '{"dataframe_split": {"columns": ["a", "a"], "data": []}}',
    '{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
    '{"dataframe_split": {"columns": [1], "data": [[1]]}}', '{"dataframe_split": {"columns": ["a"], "data": [1]}}',
    '{"dataframe_split": {"columns": ["a"], "data": [[1]], "index": [1, 2]}}', "[" * 100_000, "\x00", "\\ud800",
    '{"messages": [{"role": "user"}]}', '{"dataframe_records": [], "params": {"a": 1}}',
    rows(1, **{COLUMNS[1]: "text"}), rows(1, **{COLUMNS[1]: 1e308}), rows(1).replace("0.5", "1e999"),
    rows(1, **{COLUMNS[1]: "\ud800"}),
]  # fmt: skip


def test_every_bad_payload_is_the_clients_error_without_a_stack_trace(serving: Serving) -> None:
    for body in BAD:
        status, answer = ask(serving.url, "POST", "/invocations", body.encode("utf-8", "surrogatepass"))
        assert 400 <= status < 500, (body[:80], status, answer[:300])
        assert "stack_trace" not in answer
        assert "Traceback" not in answer
        assert "site-packages" not in answer
        assert "unexpected error" not in answer, (body[:80], answer[:300])
        assert json.loads(answer)["message"]


def test_a_bad_cell_is_told_with_its_row_and_its_column(serving: Serving) -> None:
    status, answer = ask(serving.url, "POST", "/invocations", rows(1, **{"-rf": "text"}))
    assert status == 400
    assert "row 1, column '-rf': 'text' is no finite number" in json.loads(answer)["message"]


@pytest.mark.parametrize(("headers", "status"), [
    ({"Host": "evil.example"}, 403), ({"Host": "["}, 403), ({"Host": "127.0.0.1.evil.example"}, 403),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://["}, 403),
    ({"Content_Type": "text/csv"}, 415), ({"Content_Type": "application/vnd.apache.parquet"}, 415),
    ({"Content_Type": "text/plain"}, 415), ({"Origin": "http://localhost:3000"}, 200),
])  # fmt: skip
def test_who_asks_from_elsewhere_or_in_another_way_is_refused(
    serving: Serving, headers: dict[str, str], status: int
) -> None:
    assert ask(serving.url, "POST", "/invocations", rows(1), **headers)[0] == status


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/invocations"), ("PUT", "/invocations"), ("DELETE", "/ping"),
    ("GET", "/../etc/passwd"),
])  # fmt: skip
def test_there_is_nothing_else_to_ask_for(serving: Serving, method: str, path: str) -> None:
    assert ask(serving.url, method, path)[0] in (404, 405)


def test_one_request_too_many_gets_503_and_the_server_recovers(serving: Serving) -> None:
    port = urlsplit(serving.url).port
    held: list[socket.socket] = []
    try:
        for _ in range(2 * MOST_REQUESTS):  # those of before that it has not seen end yet take others' places
            with contextlib.suppress(ConnectionRefusedError):
                held.append(socket.create_connection(("127.0.0.1", port)))
                held[-1].sendall(
                    b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 1000\r\n\r\n{"
                )
        deadline = time.monotonic() + 60
        while (status := ask(serving.url, "GET", "/ping")[0]) != 503 and time.monotonic() < deadline:
            pass  # the server has not yet seen them all
        assert status == 503
    finally:
        for one in held:
            one.close()
    deadline = time.monotonic() + 60
    while (status := ask(serving.url, "GET", "/ping")[0]) != 200 and time.monotonic() < deadline:
        pass
    assert status == 200


def test_a_scorer_that_is_killed_is_told_with_its_log(serving: Serving, attacked: Attacked) -> None:
    """The last of those that ask it."""
    serving.scorer.send_signal(signal.SIGKILL)
    code, errors = serving.end()
    assert code == 2
    assert f"was ended by signal 9; start it again; its log is {attacked.store / 'serve.log'}" in errors
    assert "Traceback" not in errors
    assert (attacked.store / "serve.log").stat().st_mode & 0o777 == 0o600


# The limits by themselves.


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": headers}
    asyncio.run(Limited(app, most_seconds=0.01)(scope, receive, send))
    assert sent[0]["status"] == 408


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
_PAYLOADS = (
    _JSON
    | st.fixed_dictionaries({"dataframe_records": _JSON | st.lists(st.dictionaries(st.text(), _JSON), max_size=3)})
    | st.fixed_dictionaries({"dataframe_split": _JSON | st.fixed_dictionaries({"columns": _JSON, "data": _JSON})})
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(_PAYLOADS | st.binary())
def test_whatever_comes_is_a_table_or_the_clients_fault(payload: Any) -> None:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    fault = payload_fault(body)
    if fault is not None:
        assert fault[0] in (400, 413)
        return
    import pandas as pd

    ((form, table),) = json.loads(body).items()
    frame = (
        pd.DataFrame(table) if form == "dataframe_records" else pd.DataFrame(table["data"], columns=table["columns"])
    )
    assert not frame.map(lambda cell: isinstance(cell, list | dict)).any(axis=None)
