"""What the flow adds to a question that is sent as it is, to an endpoint that answers at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from bench.figures import Figure, Section, percentile

CHATS, EACH = 10, 40
"""Chats at once, and the questions of each."""
ANSWER = b'{"output": "William Shakespeare wrote Hamlet."}'
BODY = {"input_data": {"input_string": [{"role": "user", "content": "Who wrote Hamlet?"}], "parameters": {}}}
THINKS = 0.05
"""Seconds the endpoint takes, so that ten chats wait for it and not for each other."""
ID = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers"
    "/Microsoft.MachineLearningServices/workspaces/p/connections/c"
)
ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = """
import json, sys, urllib.request
from promptflow.core import tool

@tool
def my_python_tool(input_data: str, connection) -> str:
    body = json.dumps({"input_data": {"input_string": [{"role": "user", "content": input_data}], "parameters": {}}})
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + connection.key}
    request = urllib.request.Request(connection.endpoint, body.encode(), headers)
    return urllib.request.urlopen(request).read()
"""
TEXT = """
The endpoint answers after {thinks:.0f} ms, whole, as MLflow's generic scoring does. {chats} chats ask {each} questions
each, at once: as they are (`requests`, a session a chat), through `chat.phi_client`, and through prompt flow and
`flow/`. What each adds is its time less the bare question's median. The first answer is that of a new process, imports
included. *The tutorial's tool* is its way in our words, a connection opened for each question.
"""


def run(runs: int) -> Section:
    from chat.connection import Connection
    from chat.front_ends import PLAIN, PROMPT_FLOW, front_end
    from chat.phi_messages import ChatRequest

    added: dict[str, list[tuple[float, float]]] = {PLAIN: [], PROMPT_FLOW: [], "tutorial": []}
    first = []
    with _Endpoint() as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        connection = Connection(ID, endpoint.url, "key", 60.0)
        ends = {name: front_end(name, connection) for name in (PLAIN, PROMPT_FLOW)}
        tutorial = _tutorial(endpoint.url)
        for _ in range(runs):
            bare = percentile(_all(lambda: _bare(endpoint.url)), 0.5)
            for name in added:
                ask = (lambda: lambda: tutorial("Who wrote Hamlet?")) if name == "tutorial" else None
                if ask is None:
                    end = ends[name]

                    def ask(end: Callable[[ChatRequest], object] = end) -> Callable[[], object]:
                        return lambda: list(end(ChatRequest("Who wrote Hamlet?", temperature=0.0, max_new_tokens=16)))  # type: ignore[call-overload]

                times = _all(ask)
                added[name].append((percentile(times, 0.5) - bare, percentile(times, 0.99) - bare))
            first.append(_first(endpoint.url))
        endpoint.shutdown()

    def figures(name: str, title: str, limits: bool) -> list[Figure]:
        return [
            Figure(
                name=f"{title} adds, {which}",
                values=tuple(max(pair[at] * 1000, 0.001) for pair in added[name]),
                unit="ms",
                most=limit if limits else None,
            )
            for at, (which, limit) in enumerate((("p50", 10.0), ("p99", 30.0)))
        ]

    return Section(
        title="Chat",
        figures=(
            *figures(PROMPT_FLOW, "the flow", True),
            *figures(PLAIN, "the client alone", False),
            *figures("tutorial", "the tutorial's tool", False),
            Figure(name="first answer after start", values=tuple(first), unit="s", most=3),
        ),
        text=TEXT.format(thinks=THINKS * 1000, chats=CHATS, each=EACH),
    )


def _all(chat: Callable[[], Callable[[], object]]) -> list[float]:
    """Seconds of every question of every chat."""

    def one(_: int) -> list[float]:
        ask, times = chat(), []
        ask()  # opens the connection
        for _ in range(EACH):
            since = time.perf_counter()
            ask()
            times.append(time.perf_counter() - since)
        return times

    with ThreadPoolExecutor(CHATS) as pool:
        return [seconds for times in pool.map(one, range(CHATS)) for seconds in times]


def _bare(url: str) -> Callable[[], object]:
    session = requests.Session()
    return lambda: session.post(url, json=BODY, headers={"Authorization": "Bearer key"}, timeout=60).json()


def _tutorial(url: str) -> Callable[[str], object]:
    space: dict[str, object] = {"__name__": "tutorial"}
    exec(TUTORIAL, space)
    connection = type("Connection", (), {"endpoint": url, "key": "key"})
    tool: Callable[..., object] = space["my_python_tool"]  # type: ignore[assignment]
    return lambda question: tool(question, connection)


def _first(url: str) -> float:
    code = (
        "import sys\nfrom chat.connection import Connection\nfrom chat.front_ends import PROMPT_FLOW, front_end\n"
        "from chat.phi_messages import ChatRequest\n"
        "end = front_end(PROMPT_FLOW, Connection(sys.argv[2], sys.argv[1], 'key', 60.0))\n"
        "list(end(ChatRequest('Who wrote Hamlet?', temperature=0.0, max_new_tokens=16)))\n"
    )
    since = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, url, ID], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - since


class _Endpoint(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a client that has gone is no error."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/score"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        found = self.path == "/score"
        if found:
            time.sleep(THINKS)
        content = ANSWER if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...
