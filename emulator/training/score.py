"""The scoring script a deployment runs: `azmlinfsrv --entry_script score.py` calls init() and run().

As on Azure the model's metadata decide who answers: MLflow's generic scoring (`generic.py`), `/score` alone; or the
image for chat models, whose `/score` answers `{"output": ...}`, with the route that streams (`completions.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulator.training.answer import Answerer
from emulator.training.errors import TrainingError
from emulator.training.folder import find, load, streams
from emulator.training.records import message_problem
from emulator.training.tokenizer import Message

EXAMPLE = (
    '{"input_data": {"input_string": [{"role": "user", "content": "..."}], "parameters": {"temperature": 0.7, '
    '"max_new_tokens": 64}}}'
)


MOST_TURNS = 3  # user turns a conversation may be cut to
TRIED_TOKENS = 24  # long enough to tell a known answer from stammering


class BadPayload(TrainingError):
    """The request cannot be answered; the message says why and what a good one looks like."""


class Parameters(BaseModel):
    """How to generate; others a chat completion knows (`return_full_text`, ...) are accepted and change nothing."""

    model_config = ConfigDict(extra="ignore")

    temperature: float = Field(0.7, ge=0, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(64, ge=1)
    do_sample: bool = True
    seed: int | None = None


class Piece(NamedTuple):
    """A part of an answer; the last one has no text, but says why the answer ends and what it took."""

    text: str
    finish_reason: str | None = None
    """stop, or length where `max_new_tokens` or the context window was the end."""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChatModel:
    """A model folder that answers conversations."""

    def __init__(self, directory: Path) -> None:
        model = load(find(directory))
        self._window = model.shape.window
        self._tokenizer = model.tokenizer
        self._answerer = Answerer(model.shape, model.parameters)

    def answer(self, messages: list[Message], parameters: Parameters) -> str:
        """The assistant's next turn. The same request has the same answer, at any temperature."""
        return "".join(piece.text for piece in self.pieces(messages, parameters))

    def pieces(self, messages: list[Message], parameters: Parameters) -> Iterator[Piece]:
        """The same answer part by part, each as soon as its tokens are chosen."""
        prompt = self._prompt(messages)
        seed = parameters.seed
        if seed is None:
            seed = int.from_bytes(hashlib.sha256(repr(prompt).encode()).digest()[:4], "big")
        end = self._tokenizer.end
        ids: list[int] = []
        said, finish = "", "length"
        for token, _ in self._answerer.tokens(
            prompt,
            end=end,
            limit=parameters.max_new_tokens,
            temperature=parameters.temperature if parameters.do_sample else 0.0,
            top_p=parameters.top_p,
            seed=seed,
        ):
            if token == end:
                finish = "stop"
                break
            ids.append(token)
            text = self._tokenizer.decode(ids).strip()
            if text != said and not text.endswith("\ufffd"):  # a character may take more than one token
                yield Piece(text[len(said) :])
                said = text
        text = self._tokenizer.decode(ids).strip()
        if text != said:
            yield Piece(text[len(said) :])
        yield Piece("", finish, len(prompt), len(ids))

    def _prompt(self, messages: list[Message]) -> list[int]:
        """What to continue: the whole conversation, or only its end if the network is surer of its answer then.

        The network knows single conversations by heart; a system message or a change of subject, which Phi takes
        in its stride, makes it stammer.
        """
        turns = [i for i, message in enumerate(messages) if message["role"] == "user"][-MOST_TURNS:]
        prompts = [self._tokenizer.prompt(messages[start:], self._window) for start in sorted({0, *turns})]
        if len(prompts) == 1:
            return prompts[0]
        return max(
            prompts,
            key=lambda prompt: self._answerer.continue_prompt(prompt, self._tokenizer.end, TRIED_TOKENS).confidence,
        )


def read_payload(text: str) -> tuple[list[Message], Parameters]:
    """The conversation and the parameters in a request's body. Raises BadPayload."""
    try:
        payload = json.loads(text)
    except json.JSONDecodeError as e:
        raise BadPayload(f"the body is not JSON: {e}; send {EXAMPLE}") from None
    return _read(payload)


def _read(payload: Any) -> tuple[list[Message], Parameters]:
    data = payload.get("input_data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or "input_string" not in data:
        raise BadPayload(f"the body has no input_data.input_string; send {EXAMPLE}")
    messages = data["input_string"]
    problem = message_problem(messages) if messages else "input_string is empty"
    if problem is None and messages[-1]["role"] != "user":
        problem = f"the last message must be the user's, not the {messages[-1]['role']}'s"
    if problem:
        raise BadPayload(f"input_data.input_string: {problem}")
    try:
        return messages, Parameters.model_validate(data.get("parameters") or {})
    except ValidationError as e:
        problems = "; ".join(f"{p['loc'][0] if p['loc'] else 'all'} is {p['input']!r}: {p['msg']}" for p in e.errors())
        raise BadPayload(f"input_data.parameters: {problems}") from None


_model: ChatModel | None = None
_streams = False


def init() -> None:
    """Load the folder in AZUREML_MODEL_DIR; called once when the server starts."""
    from emulator.training import completions

    global _model, _streams
    folder = find(Path(os.environ["AZUREML_MODEL_DIR"]))
    _model, _streams = ChatModel(folder), streams(folder)
    if _streams:
        completions.add_route(_model)


def run(data: str) -> Any:
    """Answer one request to /score; an exception becomes status 500 without a reason, as on Azure."""
    from azureml_inference_server_http.api.aml_response import AMLResponse

    from emulator.training import generic

    if _model is None:
        raise RuntimeError("init() has not been called")
    if _streams:
        return image_score(_model, data)
    try:
        return generic.score(_model, data)
    except generic.NoInput as error:
        return AMLResponse({"message": str(error)}, 400, json_str=True)


def image_score(model: ChatModel, data: str) -> dict[str, str]:
    """What the image for chat models answers: nothing at all for what it cannot answer. Raises ValueError: no JSON."""
    payload = json.loads(data)
    try:
        messages, parameters = _read(payload)
    except BadPayload:
        return {}
    return {"output": model.answer(messages, parameters)}
