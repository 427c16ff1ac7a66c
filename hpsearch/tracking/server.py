"""A server on this machine alone: started without a word, waited for, and ended with whoever started it."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psutil

from hpsearch.errors import StoreError
from hpsearch.tracking.location import redact

HOST = "127.0.0.1"
EXPOSE = "--expose-without-password"
"""What a person must say, in so many words, before other machines are let in."""

_MODULE = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: whoever started the server is gone, so it goes too
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class Server:
    """A server that answers at `url`; `stop` ends it if it was started here."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None) -> None:
        self.url = url
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def await_answer(self, log: Path, patience: float) -> None:
        """Wait until the server's /health answers; else end it and raise StoreError with the end of its log.

        patience: seconds to wait at most.
        """
        try:
            self._await_answer(log, patience)
        except BaseException:
            self.stop()
            raise

    def wait(self, log: Path) -> None:
        """Wait for Ctrl-C, which ends the server. Raises StoreError, with the end of its log, if it ends by itself."""
        if self._process is None:
            return
        try:
            status = self._process.wait()
        except KeyboardInterrupt:
            self.stop()
            return
        self.stop()  # processes of its own that it left behind
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit code {status}"
        raise StoreError(f"the MLflow server {how}; start it again; its log is {log}, and ends so:\n{_end_of(log)}")

    def stop(self) -> None:
        """End the server and its workers."""
        if self._process is None:
            return
        for signal_number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(self._process.pid, signal_number)
                self._process.wait(seconds)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()

    def _await_answer(self, log: Path, patience: float) -> None:
        opener, deadline = build_opener(ProxyHandler({})), time.monotonic() + patience
        while time.monotonic() < deadline and not self._has_ended():
            try:
                with opener.open(f"{self.url}/health", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        what = "ended" if self._has_ended() else f"did not answer within {patience:.0f} s"
        raise StoreError(f"the MLflow server {what}; its log is {log}, and ends so:\n{_end_of(log)}")

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


def _end_of(log: Path) -> str:
    return redact("\n".join(log.read_text(errors="replace").splitlines()[-10:]))


def start_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start `python -m module`, its output in a log that its owner alone may read.

    Secrets go by the environment: an argument would be seen by every user of the machine. The process has a session of
    its own, so that Ctrl-C reaches this one first, which then stops it.
    """
    with os.fdopen(os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as output:
        return subprocess.Popen(  # noqa: S603  no shell, and a list of arguments
            [sys.executable, "-c", _MODULE, module, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host: localhost, 127.0.0.1 and its like, ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(host: str) -> frozenset[str]:
    """Return the names by which a server that listens on a host may be asked: what is not among them is foreign.

    A page from elsewhere that gets its own name to mean this machine (DNS rebinding) sends that name.
    """
    names = {"localhost", "127.0.0.1", "::1", host}
    if _is_any(host):
        names |= {socket.gethostname(), socket.getfqdn()}
        names |= {a.address.partition("%")[0] for found in psutil.net_if_addrs().values() for a in found}
    return frozenset(name.lower() for name in names if name)


def base_url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens on a host."""
    here = {"0.0.0.0": HOST, "::": "::1"}.get(host, host)  # noqa: S104  nothing is bound here
    return f"http://{f'[{here}]' if ':' in here else here}:{port}"


def free_port(wanted: int, host: str = HOST) -> int:
    """Return the port wanted, or another free one if it is in use. Raises StoreError where there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason: OSError | None = None
    for port in (wanted, 0):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                reason = error
                continue
            return int(probe.getsockname()[1])
    why = reason.strerror if reason else ""
    raise StoreError(f"nothing can listen on {host} ({why}); give an address of this machine, and one that is free")


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
