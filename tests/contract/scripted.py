"""An endpoint on loopback that plays what the question asks for: answers in pieces, and every way to fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "canary-key-of-the-scripted-endpoint"
OLD = "old"
"""A deployment whose server has no chat completions, as a scoring script of one's own."""
STATUSES = {"key": 401, "busy": 429, "broken": 500, "gone": 503, "model": 424}


class Endpoint(ThreadingHTTPServer):
    """Serves until the block ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.go_on = threading.Event()
        """Set: a `slow` answer ends."""
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/score"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        streams = self.path == "/v1/chat/completions"
        messages = body["messages"] if streams else body["input_data"]["input_string"]
        deployment = self.headers.get("azureml-model-deployment", "")
        self.server.asked.append({"path": self.path, "deployment": deployment, "body": body})
        asked = messages[-1]["content"]
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._whole(401, "key_auth_access_denied")
        elif deployment == OLD and streams:
            self._whole(404, {"message": "Not Found"})
        elif asked in ("hang up", "silent"):
            self.close_connection = True
            if asked == "silent":
                self.server.go_on.wait(30)
        elif asked in STATUSES:
            self._whole(STATUSES[asked], f"no, {self.headers['Authorization']}", {"Retry-After": "1"})
        elif asked == "shape":
            self._whole(200, {"logits": [1, 2]})
        elif streams:
            self._stream(asked, messages)
        else:
            self._whole(200, {"output": _answer(asked, messages)})

    def _stream(self, asked: str, messages: list[dict[str, str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("azureml-model-deployment", self.headers.get("azureml-model-deployment", "new"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pieces = _answer(asked, messages).partition(" ")
        for place, piece in enumerate(pieces):
            self._event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
            if place == 0 and asked == "slow":
                self.server.go_on.wait(30)
            if place == 0 and asked == "half":
                self.close_connection = True
                return
        finish = "length" if asked == "long" else "stop"
        self._event({"choices": [{"delta": {}, "finish_reason": finish}], "usage": {"completion_tokens": 7}})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, event: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    def _whole(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
        content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


def _answer(asked: str, messages: list[dict[str, str]]) -> str:
    """Shows what arrived: the conversation, and the question."""
    before = "; ".join(message["content"] for message in messages[:-1])
    return f"You asked {asked!r}" + (f" after {before}" if before else "")


@contextmanager
def serving() -> Iterator[Endpoint]:
    """An endpoint for as long as the block lasts."""
    with Endpoint() as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        try:
            yield endpoint
        finally:
            endpoint.go_on.set()
            endpoint.shutdown()
