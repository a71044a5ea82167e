"""What is said to an endpoint that serves a chat model, and by it: questions, answers, and an error for each failure.

No network here: phi_client.py asks. Both are published with the flow.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCORE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
CONTEXT = 4_096  # tokens, of the smallest Phi


class ChatError(Exception):
    """No answer, or not a whole one; the message says what happened, where and what to do."""

    retry_after: float | None = None
    """Seconds the endpoint asks to wait, where it says so."""
    text: str = ""
    """What had come of an answer that was cut off."""


class InvalidInput(ChatError):
    """The question or the endpoint's address was refused before anything was sent."""


class KeyRefused(ChatError):
    """401 or 403."""


class ModelFailed(ChatError):
    """424, or an error in the middle of a stream: the request reached the model and the model raised an error."""


class UnknownAnswer(ChatError):
    """An answer came, but in no shape known here, or it was empty or too large."""


class AnswerCutOff(ChatError):
    """The connection ended before the answer did. (An answer that reached its token limit is `Answer.cut_off`.)"""


class EndpointUnavailable(ChatError):
    """Nothing wrong with the question: it may work a little later."""


class Unreachable(EndpointUnavailable):
    """No connection, no TLS, no answer in time, or an endpoint that is closed to where this runs."""


class NoDeployment(EndpointUnavailable):
    """404: the endpoint has no deployment to route to."""


class Busy(EndpointUnavailable):
    """429: too many requests at once."""


class ServerFailed(EndpointUnavailable):
    """408 or 5xx."""


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
    system: str = ""
    """What the model is told before the conversation; nothing where it is empty."""

    @property
    def left_out(self) -> int:
        """How many of the first turns are not sent, because the conversation has outgrown the context."""
        room = max(CONTEXT - self.max_new_tokens, CONTEXT // 2) - _tokens(self.question)
        room -= _tokens(self.system) if self.system else 0
        for kept, turn in enumerate(reversed(self.history)):
            room -= _tokens(turn.question) + _tokens(turn.answer)
            if room < 0:
                return len(self.history) - kept
        return 0

    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat models read it, without the turns that no longer fit."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        said = [text for turn in self.history[self.left_out :] for text in (turn.question, turn.answer)]
        roles = itertools.cycle(("user", "assistant"))
        texts = zip(roles, [*said, self.question], strict=False)
        return before + [{"role": role, "content": text} for role, text in texts]

    def payload(self) -> dict[str, Any]:
        """The body for `/score`. MLflow samples unless it is told not to, and fails at a temperature of 0."""
        chosen: dict[str, Any] = {"temperature": float(self.temperature)} if self.temperature else {"do_sample": False}
        parameters = {**chosen, "max_new_tokens": self.max_new_tokens}
        return {"input_data": {"input_string": self.messages(), "parameters": parameters}}

    def completion(self) -> dict[str, Any]:
        """The body of the same question as a chat completion."""
        limits = {"temperature": self.temperature, "max_tokens": self.max_new_tokens}
        return {"messages": self.messages(), **limits, "stream": True}


def _tokens(text: str) -> int:
    """An estimate that is rather too high: three bytes a token, where English has four, and four for the template."""
    return len(text.encode(errors="replace")) // 3 + 4


def turns(chat_history: Sequence[Mapping[str, Any]] | None) -> tuple[Turn, ...]:
    """Prompt flow's ``chat_history`` as turns. Raises InvalidInput."""
    try:
        return tuple(Turn(str(t["inputs"]["input_data"]), str(t["outputs"]["answer"])) for t in chat_history or ())
    except (KeyError, TypeError) as error:
        shape = '[{"inputs": {"input_data": ...}, "outputs": {"answer": ...}}]'
        raise InvalidInput(f"The chat history is not in prompt flow's shape {shape}.") from error


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
    """The last piece of a streamed answer: no text, but the whole `Answer`. A str, so it passes where texts pass."""

    __slots__ = ("answer",)
    answer: Answer

    def __new__(cls, answer: Answer) -> Ending:
        ending = super().__new__(cls, "")
        ending.answer = answer
        return ending


def refusal(
    host: str, status: int, said: str, deployment: str, retry_after: str = "", *, by_token: bool = False
) -> ChatError:
    """The error for a status that is not 200; ``retry_after`` is the header of that name, "" where there is none.

    ``by_token``: it was asked with a token of Entra ID, and not with a key.
    """
    wait = float(retry_after) if retry_after.replace(".", "", 1).isdecimal() else None
    said = " ".join(said.split())[:200] or "it said nothing"
    error: ChatError = UnknownAnswer(f"The endpoint {host} refused the question ({status}): {said}")
    if status == 403 and "public network access" in said.lower().replace("_", " "):
        error = Unreachable(
            f"The endpoint {host} answers only in its own network (403): {said}. Ask from a machine in that network, "
            "or in one connected with it, which resolves the private names."
        )
    elif status in (401, 403) and by_token:
        error = KeyRefused(
            f"The endpoint {host} refused your token ({status}): {said}. Who asks it needs the action {SCORE} on it, "
            "which AzureML Data Scientist has; a role given just now takes minutes."
        )
    elif status in (401, 403):
        error = KeyRefused(
            f"The endpoint {host} refused the key ({status}). If the keys were rotated just now, open the chat again; "
            "else `pulumi up` writes the current key into the connection."
        )
    elif status == 404:
        error = NoDeployment(
            f"The endpoint {host} has no {f'deployment {deployment}' if deployment else 'deployment with traffic'} "
            "(404). Where it is paused (`python -m jobs status` tells), `python -m jobs resume` brings the model back; "
            "`pulumi up` releases one; one that was released, and deleted by hand since, comes back with `pulumi up "
            "--replace '**::release'`."
        )
    elif status == 429:
        error = Busy(f"The endpoint {host} has too many requests at once (429). Ask again in {wait or 5:g} s.")
        error.retry_after = wait or 5.0
    elif status == 424:
        error = ModelFailed(f"The model behind {host} raised an error (424): {said}")
    elif status == 408 or status >= 500:
        error = ServerFailed(f"The endpoint {host} failed ({status}): {said}. Ask again.")
        error.retry_after = wait
    elif 300 <= status < 400:
        error = UnknownAnswer(f"The endpoint {host} redirects ({status}); the key is not sent elsewhere.")
    return error


def answer_text(answer: Any) -> str:
    """The text of an answer in any shape known from endpoints for chat models. Raises UnknownAnswer.

    ``{"output": ...}`` (the tutorial's), ``{"choices": [{"message": {"content"}}]}`` (/v1/chat/completions),
    MLflow's ``{"predictions": [...]}`` and ``[{"0": ...}]``, a list of one, or the bare text.
    """
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list) and answer:
        conversation = all(isinstance(message, Mapping) and "role" in message for message in answer)
        return answer_text(answer[-1] if conversation else answer[0])
    if isinstance(answer, Mapping):
        for key in ("output", "choices", "message", "content", "generated_text", "predictions", "text", "0"):
            if key in answer:
                return answer_text(answer[key])
    raise UnknownAnswer(
        f"The endpoint's answer has a shape nobody here knows ({_outline(answer)}); known are "
        '{"output": "..."}, {"choices": [...]} and a list of one of them. Was another kind of model deployed?'
    )


def read_json(body: bytes | str) -> Any:
    """The body; JSON inside a JSON string (a scoring script that encodes its own answer) is opened, too.

    Raises UnknownAnswer.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnknownAnswer("The endpoint's answer is not JSON. Is this a scoring URL?") from error
    if isinstance(answer, str) and answer.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(answer)
    return answer


def parts(lines: Iterable[bytes]) -> Iterator[tuple[str, str | None, int | None]]:
    """Server-sent events of a chat completion, up to and with ``data: [DONE]``. Raises UnknownAnswer, ModelFailed."""
    failed = False
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.strip()
        if name == b"event":
            failed = value == b"error"
        if name != b"data":
            continue  # a comment that keeps the connection alive, an id, the empty line behind an event
        if value == b"[DONE]":
            yield "", "stop", None
            return
        try:
            event = None if failed else json.loads(value)
        except (ValueError, RecursionError) as error:
            raise UnknownAnswer("The endpoint streams events that are not JSON. Is this a chat model?") from error
        if failed or (isinstance(event, Mapping) and "error" in event):
            raise ModelFailed(f"The model stopped in mid-answer: {value.decode(errors='replace')[:200]}")
        yield part(event)


def part(event: Any) -> tuple[str, str | None, int | None]:
    """Text, finish reason and count of tokens, of a whole chat completion or a chunk of it. Raises UnknownAnswer."""
    try:
        choice = (event["choices"] or [{}])[0]
        text = (choice.get("delta") or choice.get("message") or {}).get("content")
        tokens = (event.get("usage") or {}).get("completion_tokens")
        return text if isinstance(text, str) else "", choice.get("finish_reason"), tokens
    except (LookupError, TypeError, AttributeError) as error:
        what = f"The endpoint streams events of a shape nobody here knows ({_outline(event)})."
        raise UnknownAnswer(what) from error


def _outline(answer: Any) -> str:
    """Keys and types, no content."""
    if isinstance(answer, Mapping):
        return "an object with " + (", ".join(sorted(map(str, answer)))[:100] or "no keys")
    return "an empty list" if answer == [] else type(answer).__name__
