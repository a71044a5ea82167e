"""Serves the page and passes its questions on to a front end. The endpoint's key stays in this process."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chat.lines import error_object, timed
from chat.phi_messages import ChatError, ChatRequest, InvalidInput, Turn
from chat.web.guard import Guard

if TYPE_CHECKING:
    from chat.front_ends import FrontEnd
    from chat.terminal import Models

PORT = 8650
MAX_BODY = 400_000  # bytes: a long conversation
_PAGE = Path(__file__).parent / "page"


@dataclass(frozen=True)
class About:
    """What the page says of itself."""

    models: Models
    settings: ChatRequest
    front_end: str
    note: str = ""

    def document(self) -> dict[str, Any]:
        """As the page reads it. The base model, where there is one, stands first."""
        models = [{"id": "tuned", "label": "Fine-tuned", "deployment": self.models.tuned}]
        if self.models.base:
            models.insert(0, {"id": "base", "label": "Base model", "deployment": self.models.base})
        return {
            "models": models,
            "note": self.note,
            "front_end": self.front_end,
            "temperature": self.settings.temperature,
            "max_new_tokens": self.settings.max_new_tokens,
        }


def application(front_end: FrontEnd, about: About, port: int, word: str) -> Starlette:
    """The web application for a loopback port, which answers to whoever has the word."""

    async def describe(_: Request) -> Response:
        return JSONResponse(about.document())

    async def answer(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return _refused(InvalidInput("The conversation is too long. Start a new one."), 413)
        try:
            chat_request = _read(body, about)
        except InvalidInput as error:
            return _refused(error, 400)
        return StreamingResponse(_events(front_end, chat_request), media_type="application/x-ndjson")

    return Starlette(
        routes=[
            Route("/", _file),
            Route("/about", describe),
            Route("/answers", answer, methods=["POST"]),
            Route("/{name:str}", _file),
        ],
        middleware=[Middleware(Guard, port=port, word=word, open_paths=_files())],
    )


async def _file(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    return FileResponse(_PAGE / name) if f"/{name}" in _files() else Response(status_code=404)


def _files() -> frozenset[str]:
    """Where the page's own files are served."""
    return frozenset(("/", *(f"/{path.name}" for path in _PAGE.iterdir())))


def _refused(error: ChatError, status: int) -> Response:
    return JSONResponse({"error": error_object(error)}, status)


def _read(body: bytes, about: About) -> ChatRequest:
    """The question in a request's body. Raises InvalidInput."""
    deployments = {"base": about.models.base, "tuned": ""}  # traffic rules choose among fine-tuned ones
    try:
        request = json.loads(body)
        history = tuple(Turn(str(turn["question"]), str(turn["answer"])) for turn in request["history"])
        temperature, length = float(request["temperature"]), int(request["max_new_tokens"])
        question, deployment = str(request["question"]), deployments[request["model"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidInput(
            f"The page sent no question that can be read ({type(error).__name__}). Reload it."
        ) from error
    if not 0 <= temperature <= 2 or not 1 <= length <= 4096:
        raise InvalidInput("Temperature is 0 to 2, length 1 to 4096 tokens. Correct the settings.")
    return replace(
        about.settings,
        question=question,
        history=history,
        deployment=deployment,
        temperature=temperature,
        max_new_tokens=length,
    )


def _events(front_end: FrontEnd, request: ChatRequest) -> Iterator[str]:
    """A line of JSON for each piece: ``{"text"}``, at the end ``{"end": {...}}`` or ``{"error": {...}}``."""
    try:
        for piece, end in timed(front_end, request):
            yield json.dumps({"end": end} if end else {"text": piece}) + "\n"
    except ChatError as error:
        yield json.dumps({"error": error_object(error)}) + "\n"


def serve(front_end: FrontEnd, about: About, port: int | None = None) -> None:
    """Serve until Ctrl-C. Without a port, `PORT` or, where that is taken, a free one. Raises ChatError."""
    import uvicorn

    word = secrets.token_urlsafe(24)
    with _bound(port) as listening, ExitStack() as at_the_end:
        chosen = listening.getsockname()[1]
        # After the #, so that no browser sends it and no log holds it; the page does, in a header.
        address = f"http://127.0.0.1:{chosen}/#{word}"
        print(f"Chat at {address} (Ctrl-C ends it)", flush=True)
        if about.note:
            print(about.note, flush=True)
        if sys.stdout.isatty() and _has_desktop():
            webbrowser.open(at_the_end.enter_context(_leads_to(address)))
        config = uvicorn.Config(
            application(front_end, about, chosen, word),
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            print()


def _bound(port: int | None) -> socket.socket:
    for candidate in (PORT, 0) if port is None else (port,):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", candidate))
            return listening
        except (OSError, OverflowError) as error:
            listening.close()
            refused = error
    raise ChatError(f"Port {port} of 127.0.0.1 cannot be used: {refused}. Choose another with --port, or leave it out.")


@contextmanager
def _leads_to(address: str) -> Iterator[str]:
    """The address of a file of the user's alone that leads there: what a browser is started with, all can see."""
    with tempfile.NamedTemporaryFile("w", suffix=".html", prefix="chat-") as page:
        page.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Chat</a>')
        page.flush()
        yield Path(page.name).as_uri()


def _has_desktop() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
