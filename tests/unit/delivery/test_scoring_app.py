"""The limits around MLflow's server, before an app that only tells what reached it; the real one is in tests/e2e."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hpsearch.delivery.scoring_app import Limited

ROWS = b'{"dataframe_records": []}'


class Fake:
    """An ASGI app that answers with a status and a body, and remembers what it was sent."""

    def __init__(self, status: int = 200, *parts: bytes) -> None:
        self.status, self.parts = status, parts or (b"{}",)
        self.heard: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.heard.append((await receive())["body"])
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-length", b"99")]})
        for at, part in enumerate(self.parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": at < len(self.parts)})


def ask(
    app: Limited, path: str = "/invocations", *parts: bytes, **headers: str
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body of the answer to a request."""
    given = {"host": "127.0.0.1:5001", "content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(n.encode(), v.encode()) for n, v in given.items() if v],
    }
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts or (ROWS,)]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_a_request_passes_whole_and_its_answer_as_it_is() -> None:
    fake = Fake(200, b'{"predictions"', b": []}")
    status, headers, body = ask(Limited(fake), "/invocations", ROWS[:5], ROWS[5:])
    assert fake.heard == [ROWS]
    assert (status, headers[b"content-length"], body) == (200, b"99", b'{"predictions": []}')


def test_a_long_body_is_refused_by_what_it_says_and_by_what_it_is() -> None:
    fake = Fake()
    limited = Limited(fake, most_bytes=len(ROWS))
    said = ask(limited, "/invocations", b"", content_length=str(len(ROWS) + 1))
    was = ask(limited, "/invocations", ROWS, b" ")
    assert [said[0], was[0]] == [413, 413]
    assert "send fewer rows at a time" in json.loads(was[2])["message"]
    assert fake.heard == []
    assert ask(limited, "/invocations", ROWS, content_length=str(len(ROWS)))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5001", "10.0.0.1:5001", "", "127.0.0.1.evil.example"])
def test_a_page_from_elsewhere_is_refused(host: str) -> None:
    fake = Fake()
    assert ask(Limited(fake), host=host)[0] == 403
    assert fake.heard == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:5001", "[::1]:5001", "127.0.0.1:80"])
def test_this_machine_is_known_by_each_of_its_names(host: str) -> None:
    assert ask(Limited(Fake()), host=host)[0] == 200


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/", "/invocations/../docs"])
def test_nothing_but_the_models_own_paths_is_there(path: str) -> None:
    assert ask(Limited(Fake()), path)[0] == 404


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("", "Content-Type: application/json"),
        ("text/csv", "hpsearch predict"),
        ("application/vnd.apache.parquet", "application/json"),
        ("text/plain", "application/json"),
    ],
)
def test_rows_of_no_kind_that_can_be_read_are_a_clients_error(kind: str, fix: str) -> None:
    status, _, body = ask(Limited(Fake()), content_type=kind)
    assert status == 415
    assert fix in json.loads(body)["message"]


def test_an_error_keeps_its_message_and_loses_its_stack_trace() -> None:
    error = json.dumps({"error_code": "BAD_REQUEST", "message": "row 1", "stack_trace": "Traceback, /home/me"}).encode()
    status, headers, body = ask(Limited(Fake(400, error[:20], error[20:])))
    assert (status, json.loads(body)) == (400, {"error_code": "BAD_REQUEST", "message": "row 1"})
    assert headers[b"content-length"] == str(len(body)).encode()


def test_an_error_that_is_no_json_becomes_one() -> None:
    status, _, body = ask(Limited(Fake(415, b"only JSON")))
    assert (status, json.loads(body)["message"]) == (415, "only JSON")


def test_what_is_no_request_passes() -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(scope["type"])

    asyncio.run(Limited(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert heard == ["lifespan"]


@pytest.mark.parametrize("error", [ValueError("5000 digits"), RecursionError("too deep"), TypeError("unhashable")])
def test_rows_that_mlflow_trips_over_are_a_clients_error_that_says_why(error: Exception) -> None:
    async def trips(scope: Any, receive: Any, send: Any) -> None:
        await Fake(500, b"Internal Server Error")(scope, receive, send)
        raise error

    status, _, body = ask(Limited(trips))
    assert status == 400
    assert f"the rows cannot be read ({type(error).__name__}: {error}); send them as" in json.loads(body)["message"]


def test_a_fault_of_the_server_itself_is_not_blamed_on_the_rows() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        ask(Limited(breaks))


def test_an_error_says_what_is_wrong_and_not_the_rows_again() -> None:
    told = {
        "error_code": "X",
        "message": "Failed to predict data ' temp\n0 warm'. \nError: row 1, column 'temp': 'warm'",
    }
    body = ask(Limited(Fake(400, json.dumps(told).encode())))[2]
    assert json.loads(body) == {"error_code": "X", "message": "row 1, column 'temp': 'warm'"}
