"""What a request to `/score` says in the form that Azure's image for chat models takes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from emulator.training.errors import TrainingError
from emulator.training.model.records import message_problem
from emulator.training.model.tokenizer import Message
from emulator.training.serving.chat_model import Parameters

EXAMPLE = (
    '{"input_data": {"input_string": [{"role": "user", "content": "..."}], "parameters": {"temperature": 0.7, '
    '"max_new_tokens": 64}}}'
)


class BadPayload(TrainingError):
    """The request cannot be answered; the message says why and what a good one looks like."""


def read_payload(text: str) -> tuple[list[Message], Parameters]:
    """The conversation and the parameters in a request's body. Raises BadPayload."""
    try:
        payload = json.loads(text)
    except json.JSONDecodeError as e:
        raise BadPayload(f"the body is not JSON: {e}; send {EXAMPLE}") from None
    return read(payload)


def read(payload: Any) -> tuple[list[Message], Parameters]:
    """The same of a body that has been parsed. Raises BadPayload."""
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
