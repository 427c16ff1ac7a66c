"""S3CRET stands in every address and variable that may hold a secret; nothing that hpsearch leaves behind tells it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from sample_studies import FLOWERS, write_study

from hpsearch.tracking.ui import Ui

from .conftest import SECRET, SECRETS, Attacked, Said

pytestmark = pytest.mark.xdist_group("security")

Call = Callable[..., Said]
ENCODED = (SECRET, base64.b64encode(f"me:{SECRET}".encode()).decode(), base64.b64encode(SECRET.encode()).decode())

SMALL = FLOWERS | {
    "space": FLOWERS["space"] | {"epochs": 1},
    "data": {"sklearn": "iris"},
    "search": {"trials": 2, "sampler": "grid", "workers": "inline"},
    "winner": "none",
}


def told(text: str) -> list[str]:
    """Return how a text tells the secret."""
    return [form for form in ENCODED if form in text]


def files_that_tell(place: Path) -> list[Path]:
    forms = [form.encode() for form in ENCODED]
    found = [path for path in place.rglob("*") if path.is_file()]
    return [path for path in found if any(form in path.read_bytes() or SECRET in path.name for form in forms)]


@contextmanager
def process_list_watched() -> Iterator[set[str]]:
    """Look at the arguments of every process of this machine, over and over, as another user would with `ps`."""
    seen: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.3):
            for process in psutil.process_iter():
                try:
                    seen.update(part for part in process.cmdline() if SECRET in part)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"\x00" + ENCODED[1].encode())
    assert files_that_tell(tmp_path) == [tmp_path / "a.db"]
    assert told(f"http://me:{SECRET}@host")
    careless = [sys.executable, "-c", "input()", f"--password={SECRET}"]
    with process_list_watched() as seen, subprocess.Popen(careless, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not seen and time.monotonic() < deadline:
            pass
        process.communicate(b"\n")
    assert seen == {f"--password={SECRET}"}


def test_a_launch_with_secrets_in_its_environment_writes_and_prints_none(attacked: Attacked) -> None:
    assert told(attacked.said) == []
    assert files_that_tell(attacked.store) == []
    assert len([path for path in attacked.store.rglob("*") if path.is_file()]) > 50


@pytest.mark.usefixtures("secrets")
def test_a_study_at_a_server_with_a_password_in_its_address_tells_nobody(
    call: Call, exposed_ui: tuple[Ui, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, place = exposed_ui
    for name in SECRETS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url.replace("://", f"://me:{SECRET}@"))
    study, store, said = write_study(tmp_path, SMALL), tmp_path / "store", []
    with process_list_watched() as seen:
        for command in (
            ["run", study], ["list"], ["show", "flowers"], ["show", "flowers", "--json"], ["best", "flowers"],
            ["compare", "flowers"], ["report", "flowers"], ["eda", study], ["promote", "flowers"],
            ["predict", "models:/flowers@champion", tmp_path / "none.csv"], ["ui", "flowers"],
            ["predict", "models:/nobody@champion", tmp_path / "none.csv"],
        ):  # fmt: skip
            done = call(*command, "--store", store)
            said.append((command, done))
    for command, done in said:
        assert told(done.out + done.err) == [], command
        assert done.code == (2 if command[0] == "predict" else 0), (command, done)
    assert seen == set()
    assert files_that_tell(store) == []
    assert files_that_tell(place) == []


class _Telltale(BaseHTTPRequestHandler):
    """A server that refuses, and says in its answer all that it was told."""

    def answer(self) -> None:
        sent = self.headers.get("Authorization", "")
        content = f"no entry for {sent} {base64.b64decode(sent.split()[-1] + '==') if sent else ''} me:{SECRET}@here"
        body = json.dumps({"error_code": "PERMISSION_DENIED", "message": content}).encode()
        self.send_response(401 if "json" in self.path else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815  the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Telltale) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://me:{SECRET}@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("address", [
    "REFUSING", f"http://me:{SECRET}@127.0.0.1:1", f"https://{SECRET}@127.0.0.1:1", f"postgresql://me:{SECRET}@127.0.0.1:1/db",
    f"nonsense://me:{SECRET}@nowhere", f"http://me:{SECRET}@127.0.0.1:1/?token={SECRET}", f"http://me:a/{SECRET}@127.0.0.1:1",
    f"mysql+pymysql://me:{SECRET}@127.0.0.1:1/db",
])  # fmt: skip
def test_a_server_that_refuses_or_is_away_is_told_without_a_secret(
    call: Call, attacked: Attacked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: str, address: str
) -> None:
    place = copy_of(attacked, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refusing if address == "REFUSING" else address)
    for command in (["promote", "hostile"], ["predict", "models:/hostile@champion", attacked.rows],
                    ["serve", "models:/hostile@champion"], ["ui", "hostile"]):  # fmt: skip
        done = call(*command, "--store", place)
        assert told(done.out + done.err) == [], command
        assert "Traceback" not in done.err, command
        assert done.code == 2, (command, done)
    assert files_that_tell(place) == []


@pytest.mark.usefixtures("secrets")
def test_a_launch_whose_server_refuses_keeps_the_secret_and_the_study(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refusing)
    done = call("run", write_study(tmp_path, SMALL), "--store", tmp_path / "store")
    assert done.code == 0, done.err
    assert "MLflow could not be written" in done.out
    assert told(done.out + done.err) == []
    assert files_that_tell(tmp_path / "store") == []


def copy_of(attacked: Attacked, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(attacked.store / "studies", tmp_path / "store" / "studies")
    os.chmod(tmp_path / "store", 0o700)
    return tmp_path / "store"
