"""What asks an endpoint, against servers that behave badly: the key stays where it was sent, and time is bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chat.phi_client import ask
from chat.phi_messages import ChatRequest, UnknownAnswer, Unreachable

KEY = "a-key-that-opens-something"


class Servers:
    """Two servers on loopback: `first` does as told, `second` only takes note of who comes."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.headers: list[tuple[str, str]] = []
        self.drip = 0.0
        self.ended = threading.Event()
        outer = self

        class First(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(307 if outer.headers else 200)
                for name, value in outer.headers or [("content-length", "1000000")]:
                    self.send_header(name, value)
                self.end_headers()
                while outer.drip and not outer.ended.wait(outer.drip):
                    try:
                        self.wfile.write(b" ")
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                return

        class Second(First):
            def do_POST(self) -> None:
                outer.seen.append(str(self.headers["authorization"]))
                self.send_response(200)
                self.end_headers()

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (First, Second)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.first, self.second = (f"http://127.0.0.1:{server.server_port}/score" for server in self.servers)


@pytest.fixture
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.ended.set()
    for server in servers.servers:
        server.shutdown()
        server.server_close()


def test_a_redirect_gets_no_key(servers: Servers) -> None:
    servers.headers = [("location", servers.second), ("content-length", "0")]
    with pytest.raises(UnknownAnswer, match="redirects") as raised:
        ask(servers.first, KEY, ChatRequest("hi"), timeout=10)
    assert servers.seen == []
    assert KEY not in str(raised.value)


def test_an_answer_that_drips_is_given_up(servers: Servers) -> None:
    servers.drip = 0.05  # never longer than the timeout of one read
    since = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 1 s"):
        ask(servers.first, KEY, ChatRequest("hi"), timeout=1)
    # A million bytes at this pace are half a day.
    assert time.monotonic() - since < 60
