"""A server of the standard library in the place of MLflow's: what is started, awaited and ended is the same."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hpsearch.errors import StoreError
from hpsearch.tracking.server import Server, free_port, is_loopback, start_module


def start(folder: Path, port: int, *arguments: str) -> Server:
    log = folder / "log"
    process = start_module("http.server", [str(port), *arguments], os.environ, log)
    server = Server(f"http://127.0.0.1:{port}", process)
    server.await_answer(log, 60)
    return server


def test_a_server_answers_and_is_gone_after_its_context(tmp_path: Path) -> None:
    (tmp_path / "health").touch()
    before = set(psutil.Process().children())
    with start(tmp_path, free_port(0), "--bind", "127.0.0.1", "--directory", str(tmp_path)):
        (child,) = set(psutil.Process().children()) - before
        assert child.is_running()
        assert os.getpgid(child.pid) == child.pid  # Ctrl-C reaches whoever started it alone
    assert not psutil.pid_exists(child.pid)
    assert "GET /health" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_server_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"server ended; its log is .*log, and ends so:\n(.|\n)*--nonsense"):
        start(tmp_path, free_port(0), "--nonsense")


def test_a_server_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    port = free_port(0)
    process = start_module("http.server", [str(port), "--directory", str(tmp_path)], os.environ, tmp_path / "log")
    with pytest.raises(StoreError, match="did not answer within 0 s"):
        Server(f"http://127.0.0.1:{port}", process).await_answer(tmp_path / "log", 0)
    assert process.returncode is not None


def test_a_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    (tmp_path / "health").touch()
    script = """
import os, signal, sys
from pathlib import Path
from hpsearch.tracking.server import Server, free_port, start_module
folder, port = Path(sys.argv[1]), free_port(0)
arguments = [str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
process = start_module("http.server", arguments, os.environ, folder / "log")
Server(f"http://127.0.0.1:{port}", process).await_answer(folder / "log", 60)
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, capture_output=True, text=True)
    assert killed.stderr == ""
    with contextlib.suppress(ProcessLookupError):
        server = os.pidfd_open(int(killed.stdout))
        ended, _, _ = select.select([server], [], [], 30)
        os.close(server)
        assert ended


def test_a_port_in_use_gives_another_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


@pytest.mark.parametrize(("host", "here"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
    ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("", False),
])  # fmt: skip
def test_loopback_is_told_from_the_rest(host: str, here: bool) -> None:
    assert is_loopback(host) is here
