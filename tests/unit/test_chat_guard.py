"""The chat's page answers to itself alone."""

from __future__ import annotations

from typing import Any

import pytest

from chat.web.guard import Guard
from tests.asgi import Asked, answered

WORD = "word"
OWN = {"host": "127.0.0.1:8000", "authorization": f"Bearer {WORD}"}
ASKED = {**OWN, "origin": "http://127.0.0.1:8000", "content-type": "application/json; charset=utf-8"}


def answer(method: str, headers: dict[str, str], path: str = "/answers") -> tuple[int, str, dict[str, str]]:
    """Status, body and headers, of an app that says hello."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    asked = Asked.of(method, path, headers)
    found = answered(Guard(app, 8000, WORD, frozenset(("/", "/app.js"))), asked)
    return found.status, found.body.decode(), found.headers


@pytest.mark.parametrize(
    ("method", "headers", "said"),
    [
        ("GET", OWN, "hello"),
        ("HEAD", {**OWN, "host": "localhost:8000"}, "hello"),
        ("GET", {"host": "127.0.0.1:8001"}, "This page is served as 127.0.0.1 and localhost only."),
        ("GET", {"host": "evil.example:8000"}, "This page is served as 127.0.0.1 and localhost only."),
        ("GET", {}, "This page is served as 127.0.0.1 and localhost only."),
        ("POST", ASKED, "hello"),
        ("POST", {**ASKED, "sec-fetch-site": "same-origin"}, "hello"),
        ("POST", {**ASKED, "sec-fetch-site": "cross-site"}, "Only the page of this server may ask."),
        ("POST", {**ASKED, "origin": "http://evil.example"}, "Only the page of this server may ask."),
        ("POST", {**ASKED, "origin": "null"}, "Only the page of this server may ask."),
        ("POST", {**OWN, "content-type": "application/json"}, "Only the page of this server may ask."),
        ("POST", {**ASKED, "content-type": "text/plain"}, "Questions are JSON."),
        ("DELETE", OWN, "Only the page of this server may ask."),
    ],
)
def test_who_may_ask(method: str, headers: dict[str, str], said: str) -> None:
    status, body, _ = answer(method, headers)
    assert (status, body) == (200 if said == "hello" else 403, said)


@pytest.mark.parametrize("path", ["/answers", "/about", "/", "/app.js", "/docs", "//", "/APP.JS"])
@pytest.mark.parametrize("given", [None, "Bearer ", "Bearer other", "word", "bearer word", "Bearer word"])
def test_who_has_not_the_printed_word_reads_the_pages_files_and_no_more(path: str, given: str | None) -> None:
    """Another user of this machine can send any Host and Origin."""
    headers = {**ASKED, "authorization": given} if given is not None else dict(ASKED)
    if given is None:
        del headers["authorization"]
    status, body, _ = answer("POST", headers, path)
    open_ = given == "Bearer word" or path in ("/", "/app.js")
    assert (status, body == "hello") == ((200, True) if open_ else (401, False))


def test_what_a_browser_is_told_of_the_page() -> None:
    assert answer("GET", OWN)[2] == {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
