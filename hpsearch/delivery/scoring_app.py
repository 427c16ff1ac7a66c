"""MLflow's scoring server for one model, with limits that it lacks: the program that `scoring_server.py` starts.

Run as `python -m hpsearch.delivery.scoring_app MODEL HOST PORT`. MLflow's own part: checking the signature, predicting,
its limit on a request's time (MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT, 60 s).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from hpsearch.delivery.payload import payload_fault
from hpsearch.delivery.scoring_server import check_host
from hpsearch.tracking.server import EXPOSE, HOST, own_names
from hpsearch.tracking.silence import import_mlflow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_BYTES = 16 * 2**20
"""Of a request's body: some 100,000 rows of ten columns."""

MOST_REQUESTS = 16
"""At a time; further ones are answered with 503."""

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What JSON that is well formed, but holds no rows, makes MLflow and pandas raise: they expect none of it."""
MOST_SECONDS = 30.0
"""Until a request's body is here."""

_PATHS = ("/ping", "/health", "/version", "/invocations")


class Limited:
    """An ASGI app that answers its own machine's requests alone, of a bounded size, and shows no stack trace.

    host: what the server listens on; a request that names another one, or comes from a page of another one, gets 403.
    """

    def __init__(
        self, app: App, most_bytes: int = MOST_BYTES, *, host: str = HOST, most_seconds: float = MOST_SECONDS
    ) -> None:
        self._app = app
        self._most = most_bytes
        self._names = own_names(host)
        self._seconds = most_seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        refusal, body = self._refusal(scope["path"], headers), b""
        if refusal is None:
            refusal, body = await self._read(receive)
        if refusal is None and scope["path"] == "/invocations" and scope["method"] == "POST":
            # In a thread: 16 MB take 0.3 s, in which the others would wait.
            refusal = await asyncio.to_thread(payload_fault, body)
        if refusal:
            await _answer(send, refusal[0], {"error_code": "BAD_REQUEST", "message": refusal[1]})
            return
        answer: list[Message] = []

        async def held(message: Message) -> None:
            answer.append(message)

        try:
            await self._app(scope, _given(body), _without_stack_trace(held))
        except _UNREADABLE as error:
            # What was answered is a 500 without a reason: MLflow's server sends it before it raises.
            answer.clear()
            fix = "send them as {'dataframe_records': [{'column': cell, ...}, ...]}"
            message = f"the rows cannot be read ({type(error).__name__}: {error}); {fix}"
            await _answer(held, 400, {"error_code": "BAD_REQUEST", "message": message})
        for part in answer:
            await send(part)

    def _refusal(self, path: str, headers: list[tuple[str, str]]) -> tuple[int, str] | None:
        given = dict(headers)
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or _host(f"//{hosts[0]}") not in self._names:
            return 403, "this server answers requests that name its own machine alone"
        if "origin" in given and _host(given["origin"]) not in self._names:
            return 403, "this server answers no page of another machine"
        if path not in _PATHS:
            return 404, f"there is nothing here; POST rows to /invocations, or GET {', '.join(_PATHS[:3])}"
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        if path == "/invocations" and kind != "application/json":
            # MLflow's other kinds: CSV, where it ignores the signature, and Parquet, which can unpack a thousandfold.
            fix = "for a CSV file there is hpsearch predict" if kind == "text/csv" else "say so with"
            return 415, f"rows come as JSON here; {fix}: -H 'Content-Type: application/json'"
        length = given.get("content-length", "0")
        if length.isdecimal() and int(length) > self._most:
            return (
                413,
                f"the request has {length[:20]} bytes; at most {self._most} are taken, send fewer rows at a time",
            )
        return None

    async def _read(self, receive: Receive) -> tuple[tuple[int, str] | None, bytes]:
        """Return the request's body, or why it is not taken."""
        body, more = b"", True
        try:
            async with asyncio.timeout(self._seconds):
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > self._most:
                        return (413, f"the request has more than {self._most} bytes; send fewer rows at a time"), b""
        except TimeoutError:
            return (408, f"the request was not here within {self._seconds:g} s; send it at once"), b""
        return None, body


def _host(url: str) -> str:
    """Return the host that an address names; empty where it names none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _given(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _without_stack_trace(send: Send) -> Send:
    """Pass an answer on; from an error's the stack trace that MLflow adds is taken out."""
    start: Message = {}
    parts: list[bytes] = []

    async def passed(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            start.update(message)
        elif start and message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await _answer(send, start["status"], _error(b"".join(parts)))
        else:
            await send(message)

    return passed


def _error(body: bytes) -> dict[str, Any]:
    try:
        error = json.loads(body)
    except ValueError:
        error = None
    if not isinstance(error, dict):
        return {"error_code": "BAD_REQUEST", "message": body.decode("utf-8", "replace")}
    told = {name: value for name, value in error.items() if name != "stack_trace"}
    if str(told.get("message")).startswith("Failed to predict data"):
        # MLflow puts the rows themselves before what is wrong with them.
        told["message"] = str(told["message"]).rpartition("Error: ")[2]
    return told


async def _answer(send: Send, status: int, values: dict[str, Any]) -> None:
    body = json.dumps(values).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(model: str, host: str, port: str, *options: str) -> None:
    """Load an MLflow model from a folder and serve it until the process is ended."""
    check_host(host, exposed=EXPOSE in options)
    import_mlflow()
    import mlflow.pyfunc
    import uvicorn
    from mlflow.pyfunc import scoring_server

    app = Limited(scoring_server.init(mlflow.pyfunc.load_model(model)), host=host)
    uvicorn.run(app, host=host, port=int(port), limit_concurrency=MOST_REQUESTS, server_header=False, ws="none")


if __name__ == "__main__":
    main(*sys.argv[1:])
