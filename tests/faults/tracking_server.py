"""An MLflow server that can be killed, and a door before it that can be shut, stay silent or lose an answer."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import urlopen

_SERVER = """
import os, sys
from hpsearch.tracking.silence import import_mlflow
import_mlflow()
os.environ.update({
    "_MLFLOW_SERVER_FILE_STORE": sys.argv[1], "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": sys.argv[2], "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
})
from mlflow.server import app
from werkzeug.serving import make_server
make_server("127.0.0.1", int(sys.argv[3]), app, threaded=True).serve_forever()
"""
"""MLflow's own server without its workers, which cost five seconds more to start."""

REQUEST = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


class MlflowServer:
    """MLflow's server on a store of its own."""

    def __init__(self, store: Path, log: Path) -> None:
        self._store, self._log = store, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = [f"sqlite:///{self._store}/mlflow.db", str(self._store / "artifacts"), str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-c", _SERVER, *arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), urlopen(f"{self.url}/health", timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class Door:
    """Stands before a server: all goes through it, unless it is shut, silent, or loses an answer."""

    def __init__(self, port: int) -> None:
        self._inner = port
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._silent = False
        self._losing = b""
        self._losing_after = 0
        self.port = 0
        self.requests = 0
        """requests that came, answered or not"""
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lost(self) -> bool:
        """Tell whether the answer that was to be lost has been."""
        return not self._losing

    def open(self) -> None:
        """Let everything through."""
        self.shut()
        self._silent = False
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def fall_silent(self) -> None:
        """Take connections and requests, and never answer."""
        self.open()
        self._silent = True

    def lose_answer(self, to: str, after: int = 0) -> None:
        """Let the server do what a request with this in its head asks for, and hang up instead of answering, once.

        after: so many such requests are answered first.
        """
        self._losing, self._losing_after = to.encode(), after

    def shut(self) -> None:
        """Refuse connections, and drop those that are there."""
        with self._lock:
            listener, self._listener = self._listener, None
            held, self._held = self._held, []
        for one in (*held, *([listener] if listener else ())):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._held.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._inner)) as server:
            hangs_up = threading.Event()
            threading.Thread(target=self._answer, args=(server, client, hangs_up), daemon=True).start()
            while asked := client.recv(1 << 16):
                if asked.startswith(REQUEST):
                    self.requests += 1
                    if self._loses(asked):
                        hangs_up.set()
                if not self._silent:
                    server.sendall(asked)

    def _answer(self, server: socket.socket, client: socket.socket, hangs_up: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while answered := server.recv(1 << 16):
                if hangs_up.is_set():
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(answered)
            client.shutdown(socket.SHUT_RDWR)

    def _loses(self, asked: bytes) -> bool:
        if not self._losing or self._losing not in asked.partition(b"\r\n")[0]:
            return False
        self._losing_after -= 1
        if self._losing_after >= 0:
            return False
        self._losing = b""
        return True
