"""MLflow's generic scoring of a chat model, as Azure's no-code deployment has it: /score alone.

Flavour hftransformersv2. Its answers, its defaults and what it raises were seen when azmlinfsrv served a model that
the fine-tune component had made.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from emulator.training.model.tokenizer import Message
from emulator.training.serving.chat_model import ChatModel, Parameters

MOST_TOKENS = 256  # where max_new_tokens does not say
TEMPERATURE = 0.7
SYSTEM = "<<SYS>>\n{}\n<</SYS>>\n\n"
"""Llama's marks, which it puts around a system message of any model."""
# What the generation of transformers takes; every other name raises an error.
KNOWN = frozenset(
    (
        "temperature", "top_p", "top_k", "typical_p", "do_sample", "max_new_tokens", "min_new_tokens", "max_length",
        "min_length", "num_beams", "num_return_sequences", "repetition_penalty", "length_penalty", "early_stopping",
        "no_repeat_ngram_size", "use_cache", "return_full_text", "stop_strings", "max_time",
    )
)  # fmt: skip


class NoInput(ValueError):
    """The server refuses the body itself, with 400 and these words."""


class Raised(Exception):
    """The model's code raises an error; whoever asked reads 500 and no reason."""


def score(model: ChatModel, data: str) -> list[dict[str, str]] | list[str]:
    """`[{"0": ...}]` where there is an answer for each row, a single message say; `["..."]` for a conversation.

    Raises NoInput, Raised.
    """
    rows, given = read(data)
    conversations = rows if isinstance(rows[0], list) else [rows]
    parameters = _parameters(given)
    answers = [model.answer(_conversation(each), parameters) for each in conversations]
    return [{"0": answer} for answer in answers] if len(answers) == len(rows) else answers


def read(data: str) -> tuple[list[Any], dict[str, Any]]:
    """The rows of `input_string` and the parameters. Raises NoInput, Raised."""
    try:
        payload = json.loads(data)
    except ValueError:
        raise NoInput("The request body is not valid JSON.") from None
    if not isinstance(payload, dict):
        raise NoInput("POST body should be a JSON dictionary.")
    if "input_data" not in payload:
        raise NoInput("A value is not provided for the 'input_data' parameter.")
    content = payload["input_data"]
    if not isinstance(content, dict) or not isinstance(content.get("input_string"), list):
        raise Raised("input_data is no object with the list input_string")
    if not content["input_string"]:
        raise Raised("Expected at least one data point. Found 0.")
    return content["input_string"], dict(content.get("parameters") or {})


def _parameters(given: dict[str, Any]) -> Parameters:
    if unknown := sorted(set(given) - KNOWN):
        raise Raised(f"The following `model_kwargs` are not used by the model: {unknown}")
    if given.get("return_full_text") is False:
        raise Raised("string indices must be integers, not 'str'")
    chosen = {"temperature": TEMPERATURE, "max_new_tokens": MOST_TOKENS, **given}
    if chosen.get("do_sample") is False:
        chosen["temperature"] = 0.0
    elif not isinstance(chosen["temperature"], float | int) or chosen["temperature"] <= 0:
        raise Raised(f"`temperature` (={chosen['temperature']}) has to be a strictly positive float")
    if not isinstance(chosen["max_new_tokens"], int) or chosen["max_new_tokens"] < 1:
        raise Raised(f"`max_new_tokens` must be greater than 0, but is {chosen['max_new_tokens']}.")
    # Another answer each time, unless nothing is left to chance.
    return Parameters.model_validate({**chosen, "seed": secrets.randbits(31)})


def _conversation(turns: Any) -> list[Message]:
    """Raises Raised: it alternates between user and assistant, a system message may stand first, the user ends."""
    try:
        said = [(str(turn["role"]), str(turn["content"]).strip()) for turn in turns]
    except (TypeError, KeyError) as error:
        raise Raised(f"{type(error).__name__}: {error}") from None
    if not said or said[-1][0] != "user":
        raise Raised("Last role should be 'user'")
    start = 1 if said[0][0] == "system" else 0
    for place, (role, _) in enumerate(said[start:]):
        if role != ("user", "assistant")[place % 2]:
            raise Raised(f"Invalid turn. Expected {('user', 'assistant')[place % 2]} input")
    marked = [(role, SYSTEM.format(text) if role == "system" else text) for role, text in said]
    return [Message(role=role, content=text) for role, text in marked]
