"""Requests to a web application in this process: no socket, no server; what the application lets through is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

SECONDS = 60.0
"""After which an answer is none."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, as a server would hand it to the application."""

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    query: bytes = b""
    body: bytes = b""
    pieces: int = 1

    @classmethod
    def of(cls, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", pieces: int = 1) -> Asked:
        """With headers as text."""
        coded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return cls(method=method, path=path, headers=coded, body=body, pieces=pieces)

    def __str__(self) -> str:
        shown = ascii(self.body[:400]) + (f" and {len(self.body) - 400} bytes more" if len(self.body) > 400 else "")
        rest = [(name, value[:60]) for name, value in self.headers if name != b"content-type"]
        return f"{self.method} {self.path!a}?{self.query!r} {rest} {shown}"

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "http_version": "1.1",
            "scheme": "https",
            "method": self.method,
            "path": self.path,
            "raw_path": quote(self.path, errors="surrogatepass").encode(),
            "root_path": "",
            "query_string": self.query,
            "headers": list(self.headers),
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 443),
        }


class Answered(NamedTuple):
    """What the application said."""

    status: int
    body: bytes
    headers: dict[str, str]


def answered(application: Any, asked: Asked) -> Answered:
    """The whole answer. Raises what the application raises, and TimeoutError."""
    return asyncio.run(asyncio.wait_for(_answered(application, asked), SECONDS))


async def _answered(application: Any, asked: Asked) -> Answered:
    size = max(1, len(asked.body) // asked.pieces)
    left = [asked.body[at : at + size] for at in range(0, len(asked.body), size)] or [b""]
    status, body, headers, over = 0, b"", dict[str, str](), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not left:  # whoever asked waits for the whole answer, then goes
            await over.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, body, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            body += message.get("body", b"")
            if not message.get("more_body"):
                over.set()

    await application(asked.scope(), receive, send)
    return Answered(status, body, headers)
