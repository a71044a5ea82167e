"""What the recorder writes down of a request and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from emulator.recording import capture


def exchange(file: Path, scope: dict[str, Any], body: bytes, answer: bytes, kind: bytes = b"application/json") -> None:
    """One request through the recorder, to an application that reads it in two pieces and answers in two."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": answer[:3], "more_body": True})
        await send({"type": "http.response.body", "body": answer[3:]})

    pieces = [
        {"type": "http.request", "body": body[:2], "more_body": True},
        {"type": "http.request", "body": body[2:], "more_body": False},
    ]
    heard: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return pieces.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        heard.append(message)

    asyncio.run(capture.Recorder(application, file)(scope, receive, send))
    assert b"".join(each.get("body", b"") for each in heard) == answer, "the client gets what it would have got"


def scope(host: str, headers: list[tuple[bytes, bytes]], query: bytes = b"a=1") -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "server": ("127.0.0.1", 1),
        "path": "/score",
        "query_string": query,
        "headers": [(b"host", host.encode()), *headers],
    }


def test_the_recorder_writes_what_was_sent_and_answered_but_no_token(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    json_type = (b"content-type", b"application/json; charset=utf-8")
    token = (b"authorization", b"Bearer s3cret")
    there = [json_type, token, (b"azureml-model-deployment", b"m1")]
    exchange(file, scope("e.inference.ml.azure.com", there), b'{"q": 1}', b'{"a": 2}')
    exchange(file, scope("127.0.0.1", [json_type]), b'{"own": 1}', b"{}")
    (line,) = file.read_text().splitlines()
    assert json.loads(line) == {
        "number": 0,
        "method": "POST",
        "host": "e.inference.ml.azure.com",
        "path": "/score",
        "query": {"a": "1"},
        "headers": {"azureml-model-deployment": "m1"},
        "body": {"q": 1},
        "status": 201,
        "answer": {"a": 2},
    }
    assert oct(file.stat().st_mode)[-3:] == "600"


def test_a_query_that_is_no_text_is_written_too(tmp_path: Path) -> None:
    exchange(tmp_path / "requests", scope("management.azure.com", [], b"a=\xc3"), b"", b"{}")
    assert json.loads((tmp_path / "requests").read_text())["query"] == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("body", "kind", "read"),
    [
        (b"", "application/json", None),
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"not json", "application/json", "<content>"),
        (b"a=1&b=", "application/x-www-form-urlencoded", {"a": "1", "b": ""}),
        (b"a file's bytes", "application/octet-stream", "<content>"),
        (b"[" + b"1," * capture.MOST, "application/json", "<content>"),
    ],
)
def test_a_body_is_read_as_far_as_it_says_something(body: bytes, kind: str, read: Any) -> None:
    assert capture.read(body, kind) == read
