"""What is asked and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flow.chat.errors import InvalidInput


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

    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat models read it."""
        messages = []
        for turn in self.history:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        messages.append({"role": "user", "content": self.question})
        return messages

    def payload(self) -> dict[str, Any]:
        """The body the fine-tuned model's scoring route takes."""
        parameters = {"temperature": self.temperature, "max_new_tokens": self.max_new_tokens}
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
