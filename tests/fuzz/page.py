"""The chat page's server."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from chat.phi_messages import Answer, ChatError, ChatRequest, Ending
from chat.terminal import Models
from chat.web.server import About, application
from tests.asgi import Asked, answered
from tests.fuzz.values import as_json, broken, mangled, odd

SOUND = {
    "question": "Is 3 odd?",
    "history": [{"question": "Is 2 odd?", "answer": "No."}],
    "temperature": 0.7,
    "max_new_tokens": 100,
    "model": "tuned",
}
PATHS = (
    "/answers",
    "/answers",
    "/answers",
    "/about",
    "/",
    "/app.js",
    "/../server.py",
    "/%2e%2e/x",
    "//",
    "/\x00",
    "/é",
)
HEADERS = [
    (b"host", b"127.0.0.1:8650"),
    (b"authorization", b"Bearer word"),
    (b"origin", b"http://127.0.0.1:8650"),
    (b"content-type", b"application/json"),
]


def _front_end(request: ChatRequest) -> Iterator[str]:
    """Passes on what it is asked, then ends as an endpoint would, one way or the other."""
    yield request.question[:10]
    if len(request.question) % 3 == 0:
        raise ChatError("no answer")
    yield Ending(Answer("yes", "d", 0.1))


def build(_: Path) -> Callable[[random.Random], None]:
    web = application(_front_end, About(Models("tuned", "base"), ChatRequest(question=""), "plain"), 8650, "word")

    def trial(chance: random.Random) -> None:
        body = as_json(broken(SOUND, chance))
        headers = [
            (name, str(odd(chance)).encode("utf-8", "replace") if chance.random() < 0.05 else value)
            for name, value in HEADERS
            if chance.random() >= 0.03
        ]
        asked = Asked(
            method=chance.choice(("POST", "POST", "POST", "GET", "PUT", "HEAD", "TRACE", "")),
            path=chance.choice(PATHS),
            headers=headers,
            body=mangled(body, chance),
            pieces=chance.choice((1, 3, 50)),
        )
        status = answered(web, asked).status
        assert 200 <= status < 500, f"{status} for {asked}"

    return trial
