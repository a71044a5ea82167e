"""A model folder that answers conversations, part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from emulator.training.model.answer import Answerer
from emulator.training.model.folder import find, load
from emulator.training.model.tokenizer import Message

MOST_TURNS = 3  # user turns a conversation may be cut to
TRIED_TOKENS = 24  # long enough to tell a known answer from stammering


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
