"""POST /v1/chat/completions beside /score: the second route of Azure's serving image, and the one that streams.

The image a fine-tuned chat model is served with (azureml-assets, foundation-model-inference) never streams /score;
its chat completions do, as server-sent events `data: {...}` with `data: [DONE]` at the end.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from emulator.training.model.tokenizer import Message
from emulator.training.serving.chat_model import ChatModel, Parameters, Piece
from emulator.training.serving.payload import BadPayload, read_payload

if TYPE_CHECKING:
    from azureml_inference_server_http.api.aml_response import AMLResponse


ROUTE = "/v1/chat/completions"
_ALL = 1_000_000  # more tokens than any context window: without max_tokens, the window is the limit


class _Request(BaseModel):
    """What is read of a chat completion's body; the rest is accepted and changes nothing."""

    model_config = ConfigDict(extra="ignore")

    messages: list[Any]
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None
    seed: int | None = None
    stream: bool = False


def add_route(model: ChatModel) -> None:
    """Add the route to the inference server that is just loading its scoring script."""
    import flask
    from azureml_inference_server_http.server.routes import main_blueprint

    def answer() -> AMLResponse:
        return respond(model, flask.request.get_data(as_text=True))

    main_blueprint.add_url_rule(ROUTE, "chat_completions", answer, methods=["POST"])


def respond(model: ChatModel, body: str) -> AMLResponse:
    """The response to a chat completion's body: events, one JSON object, or status 400."""
    from azureml_inference_server_http.api.aml_response import AMLResponse

    try:
        messages, parameters, stream = read_request(body)
    except BadPayload as error:
        return AMLResponse({"error": {"code": "BadRequest", "message": str(error)}}, 400, json_str=True)
    pieces = model.pieces(messages, parameters)
    if not stream:
        return AMLResponse(completion(pieces), 200, json_str=True)
    response = AMLResponse(events(pieces), 200)
    response.mimetype = "text/event-stream"
    response.headers["cache-control"] = "no-cache"
    return response


def read_request(body: str) -> tuple[list[Message], Parameters, bool]:
    """Conversation, parameters and whether to stream. Raises BadPayload."""
    try:
        request = _Request.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'the body'}: {p['msg']}" for p in error.errors())
        raise BadPayload(f'{problems}; send {{"messages": [{{"role": "user", "content": "..."}}]}}') from None
    parameters = {"temperature": request.temperature, "top_p": request.top_p, "seed": request.seed}
    parameters["max_new_tokens"] = request.max_tokens or _ALL
    payload = {"input_data": {"input_string": request.messages, "parameters": parameters}}
    return *read_payload(json.dumps(payload)), request.stream


def completion(pieces: Iterator[Piece]) -> dict[str, Any]:
    """The whole answer as a `chat.completion`."""
    *texts, last = pieces
    message = {"role": "assistant", "content": "".join(piece.text for piece in texts)}
    choice = {"index": 0, "message": message, "finish_reason": last.finish_reason}
    return {**_envelope("chat.completion"), "choices": [choice], "usage": _usage(last)}


def events(pieces: Iterator[Piece]) -> Iterator[str]:
    """The answer as server-sent events, each a `chat.completion.chunk`."""
    envelope = _envelope("chat.completion.chunk")
    role = {"role": "assistant"}
    for piece in pieces:
        delta = {**role, "content": piece.text} if piece.finish_reason is None else {}
        role = {}
        chunk = {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": piece.finish_reason}]}
        if piece.finish_reason:
            chunk["usage"] = _usage(piece)
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _envelope(kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": "stand-in"}


def _usage(last: Piece) -> dict[str, int]:
    total = last.prompt_tokens + last.completion_tokens
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": total,
    }
