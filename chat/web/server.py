"""Serves the page and passes its questions on to a front end. The endpoint's key stays in this process."""

from __future__ import annotations

import json
import os
import socket
import sys
import webbrowser
from collections.abc import Iterator
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


def application(front_end: FrontEnd, about: About, port: int) -> Starlette:
    """The web application for a loopback port."""

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
        middleware=[Middleware(Guard, port=port)],
    )


async def _file(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    known = {path.name for path in _PAGE.iterdir()}
    return FileResponse(_PAGE / name) if name in known else Response(status_code=404)


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
    except (ValueError, KeyError, TypeError) as error:
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

    with _bound(port) as listening:
        chosen = listening.getsockname()[1]
        address = f"http://127.0.0.1:{chosen}/"
        print(f"Chat at {address} (Ctrl-C ends it)", flush=True)
        if about.note:
            print(about.note, flush=True)
        if sys.stdout.isatty() and _has_desktop():
            webbrowser.open(address)
        config = uvicorn.Config(
            application(front_end, about, chosen),
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


def _has_desktop() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
