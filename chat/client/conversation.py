"""What is asked and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat.client.errors import InvalidInput

CONTEXT = 4_096  # tokens, of the smallest Phi
_MESSAGE = 4  # tokens around each message: the template's marks


@dataclass(frozen=True)
class Turn:
    """One question and its answer, earlier in the conversation."""

    question: str
    answer: str


@dataclass(frozen=True)
class ChatRequest:
    """A question with what came before it; temperature and length default to the tutorial's."""

    question: str
    history: tuple[Turn, ...] = ()
    deployment: str = ""
    temperature: float = 0.7
    max_new_tokens: int = 128

    @property
    def left_out(self) -> int:
        """How many of the first turns are not sent, because the conversation has outgrown the context."""
        room = max(CONTEXT - self.max_new_tokens, CONTEXT // 2) - _tokens(self.question)
        for kept, turn in enumerate(reversed(self.history)):
            room -= _tokens(turn.question) + _tokens(turn.answer)
            if room < 0:
                return len(self.history) - kept
        return 0

    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat models read it, without the turns that no longer fit."""
        messages = []
        for turn in self.history[self.left_out :]:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        messages.append({"role": "user", "content": self.question})
        return messages

    def payload(self) -> dict[str, Any]:
        """The body the scoring route takes.

        MLflow's scoring samples unless it is told not to, and raises an error for a temperature of 0.
        """
        chosen: dict[str, Any] = {"temperature": float(self.temperature)} if self.temperature else {"do_sample": False}
        parameters = {**chosen, "max_new_tokens": self.max_new_tokens}
        return {"input_data": {"input_string": self.messages(), "parameters": parameters}}

    def completion(self) -> dict[str, Any]:
        """The body of the same question as a chat completion, the route that streams."""
        return {
            "messages": self.messages(),
            "temperature": self.temperature,
            "max_tokens": self.max_new_tokens,
            "stream": True,
        }


@dataclass(frozen=True)
class Answer:
    """The text, the deployment that gave it ("" if the endpoint does not say), the seconds it took."""

    text: str
    deployment: str
    seconds: float
    tokens: int | None = None
    """How many tokens the answer has, where the endpoint says so."""
    cut_off: bool = False
    """Whether the answer ends because max_new_tokens or the context window was reached."""
    streamed: bool = False
    """Whether it came over the route that streams, in pieces or not."""


class Ending(str):
    """The last piece of a streamed answer: no text of its own, but the whole `Answer`.

    A str, so that everything that passes on a stream of texts passes it on too.
    """

    answer: Answer

    __slots__ = ("answer",)

    def __new__(cls, answer: Answer) -> Ending:
        ending = super().__new__(cls, "")
        ending.answer = answer
        return ending


def turns(chat_history: Sequence[Mapping[str, Any]] | None) -> tuple[Turn, ...]:
    """Prompt flow's ``chat_history``, ``[{"inputs": {"input_data"}, "outputs": {"answer"}}]``, as turns.

    Raises InvalidInput.
    """
    try:
        return tuple(
            Turn(str(turn["inputs"]["input_data"]), str(turn["outputs"]["answer"])) for turn in chat_history or ()
        )
    except (KeyError, TypeError) as error:
        shape = '[{"inputs": {"input_data": ...}, "outputs": {"answer": ...}}]'
        raise InvalidInput(f"The chat history is not in prompt flow's shape {shape}.") from error


def chat_history(history: Sequence[Turn]) -> list[dict[str, Any]]:
    """Turns in prompt flow's shape."""
    return [{"inputs": {"input_data": turn.question}, "outputs": {"answer": turn.answer}} for turn in history]


def _tokens(text: str) -> int:
    """An estimate that is rather too high: three bytes a token, where English has four and Japanese three."""
    return len(text.encode(errors="replace")) // 3 + _MESSAGE
