"""Puts a question to an online endpoint: payload, answer shapes, errors. Plain Python, no prompt flow.

Whatever front end asks (the flow's node, the terminal chat, a release's smoke test) asks through here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

MAX_QUESTION = 16_000  # characters, some 4,000 tokens: the context of the smallest Phi
MAX_BODY = 1_000_000  # bytes
_CONNECT_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ChatError(Exception):
    """No answer; the message says what happened, where and what to do."""


class InvalidInput(ChatError):
    """The question or the endpoint's address was refused before anything was sent."""


class KeyRefused(ChatError):
    """401 or 403."""


class ModelFailed(ChatError):
    """424: the request reached the model and the model raised an error."""


class UnknownAnswer(ChatError):
    """An answer came, but in no shape known here, or it was empty or too large."""


class EndpointUnavailable(ChatError):
    """Nothing wrong with the question: it may work a little later."""

    retry_after: float | None = None
    """Seconds the endpoint asks to wait, where it says so."""


class Unreachable(EndpointUnavailable):
    """No connection, no TLS, or no answer in time."""


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

    def payload(self) -> dict[str, Any]:
        """The body the fine-tuned model's scoring route takes."""
        messages = []
        for turn in self.history:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        messages.append({"role": "user", "content": self.question})
        parameters = {"temperature": self.temperature, "max_new_tokens": self.max_new_tokens}
        return {"input_data": {"input_string": messages, "parameters": parameters}}


@dataclass(frozen=True)
class Answer:
    """The text, the deployment that gave it ("" if the endpoint does not say), the seconds it took."""

    text: str
    deployment: str
    seconds: float


class _Bearer(requests.auth.AuthBase):
    """Given as auth, not as a header: requests would replace a header by what a .netrc holds."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def ask(url: str, key: str, request: ChatRequest, *, timeout: float = 90.0) -> Answer:
    """The endpoint's answer to ``request``. ``timeout`` in seconds for the whole exchange.

    Raises ChatError: InvalidInput, KeyRefused, ModelFailed, UnknownAnswer or an EndpointUnavailable.
    """
    _check(url, key, request)
    headers = {"azureml-model-deployment": request.deployment} if request.deployment else {}
    started = time.monotonic()
    try:
        with requests.post(
            url,
            json=request.payload(),
            headers=headers,
            auth=_Bearer(key),
            timeout=(_CONNECT_SECONDS, timeout),
            allow_redirects=False,  # the key goes to this address and to no other
            stream=True,
        ) as response:
            body = _bounded(response, started + timeout)
    except requests.exceptions.Timeout as error:
        raise Unreachable(_unreachable(url, f"no answer within {timeout:g} s")) from error
    except requests.exceptions.SSLError as error:
        raise Unreachable(_unreachable(url, "its certificate is not trusted on this machine")) from error
    except requests.exceptions.RequestException as error:
        raise Unreachable(_unreachable(url, type(error).__name__)) from error
    if response.status_code != 200:
        raise _refusal(response, body.decode(errors="replace").replace(key, "***"), request.deployment)
    text = answer_text(_json(body)).strip()
    if not text:
        raise UnknownAnswer("The model gave an empty answer. Ask in other words, or look into its training.")
    served_by = response.headers.get("azureml-model-deployment", request.deployment)
    return Answer(text, served_by, time.monotonic() - started)


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


def answer_text(answer: Any) -> str:
    """The text of an answer in any shape known from endpoints for chat models. Raises UnknownAnswer.

    ``{"output": ...}`` (the tutorial's), ``{"choices": [{"message": {"content"}}]}`` (/v1/chat/completions),
    MLflow's ``{"predictions": [...]}`` and ``[{"0": ...}]``, a list of one, or the bare text.
    """
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list) and answer:
        return answer_text(answer[-1] if _is_conversation(answer) else answer[0])
    if isinstance(answer, Mapping):
        for key in ("output", "choices", "message", "content", "generated_text", "predictions", "text", "0"):
            if key in answer:
                return answer_text(answer[key])
    raise UnknownAnswer(
        f"The endpoint's answer has a shape nobody here knows ({_outline(answer)}); known are "
        '{"output": "..."}, {"choices": [...]} and a list of one of them. Was another kind of model deployed?'
    )


def _is_conversation(answer: list[Any]) -> bool:
    return all(isinstance(message, Mapping) and "role" in message for message in answer)


def _outline(answer: Any) -> str:
    """Keys and types, no content."""
    if isinstance(answer, Mapping):
        return "an object with " + (", ".join(sorted(map(str, answer)))[:100] or "no keys")
    return "an empty list" if answer == [] else type(answer).__name__


def _check(url: str, key: str, request: ChatRequest) -> None:
    address = urlsplit(url)
    loopback = address.scheme == "http" and address.hostname in _LOOPBACK
    if not address.hostname or (address.scheme != "https" and not loopback) or "@" in address.netloc:
        raise InvalidInput(
            f"The endpoint's address must be https://..., not {address.scheme or 'no scheme'}://"
            f"{address.hostname or ''}. Correct `endpoint` in the project's connection."
        )
    if not key:
        raise InvalidInput("The connection holds no key. Run `pulumi up` to write it again.")
    if not request.question.strip():
        raise InvalidInput("The question is empty. Type one.")
    if len(request.question) > MAX_QUESTION:
        raise InvalidInput(f"The question has more than {MAX_QUESTION} characters. Shorten it.")


def _bounded(response: requests.Response, deadline: float) -> bytes:
    body = b""
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > MAX_BODY:
            raise UnknownAnswer(f"The answer is larger than {MAX_BODY} bytes: this is no chat model's.")
        if time.monotonic() > deadline:
            raise requests.exceptions.Timeout
    return body


def _json(body: bytes) -> Any:
    """The body; JSON inside a JSON string (a scoring script that encodes its own answer) is opened too."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise UnknownAnswer("The endpoint's answer is not JSON. Is this a scoring URL?") from error
    if isinstance(answer, str) and answer.lstrip().startswith(("{", "[")):
        try:
            return json.loads(answer)
        except ValueError:
            return answer
    return answer


def _unreachable(url: str, why: str) -> str:
    host = urlsplit(url).hostname
    return f"The endpoint {host} could not be reached: {why}. Check the network, then ask again."


def _refusal(response: requests.Response, body: str, deployment: str) -> ChatError:
    """The typed error for a status. Bodies are text, or JSON with text appended: they are shown, not read."""
    host, status = urlsplit(response.url).hostname, response.status_code
    said = " ".join(body.split())[:200]
    wait = _seconds(response.headers.get("Retry-After"))
    if status in (401, 403):
        todo = "`pulumi up` writes the endpoint's current key into the connection."
        return KeyRefused(f"The endpoint {host} refused the key ({status}). {todo}")
    if status == 404:
        which = f"deployment {deployment}" if deployment else "a deployment with traffic"
        return NoDeployment(f"The endpoint {host} has no {which.removeprefix('a ')} (404). Run `pulumi up`.")
    if status == 429:
        error: EndpointUnavailable = Busy(
            f"The endpoint {host} has too many requests at once (429). Ask again in {wait or 5:g} s."
        )
        error.retry_after = wait or 5.0
        return error
    if status == 424:
        return ModelFailed(f"The model behind {host} raised an error (424): {said or 'it said nothing'}")
    if status == 408 or status >= 500:
        error = ServerFailed(f"The endpoint {host} failed ({status}): {said or 'it said nothing'}. Ask again.")
        error.retry_after = wait
        return error
    if 300 <= status < 400:
        return UnknownAnswer(f"The endpoint {host} redirects ({status}); the key is not sent elsewhere.")
    return UnknownAnswer(f"The endpoint {host} refused the question ({status}): {said or 'it said nothing'}")


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
