"""Asking: one POST to the endpoint, its answer whole or as it comes, and an error of its own for each failure."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3

from chat.client.conversation import Answer, ChatRequest, Ending
from chat.client.errors import AnswerCutOff, ChatError, InvalidInput, ModelFailed, UnknownAnswer, Unreachable
from chat.client.refusals import refusal, unreachable
from chat.client.routes import CHAT_COMPLETIONS, MLFLOW, ROUTES
from chat.client.shapes import Part, answer_text, part, parts, read_json

MAX_QUESTION = 16_000  # characters, some 4,000 tokens: the context of the smallest Phi
MAX_BODY = 1_000_000  # bytes
_CONNECT_SECONDS = 10.0
_LONGEST = 600.0  # seconds; Azure's endpoints end a request after 180
TIMEOUT = 90.0  # seconds; the default of the setting serving.requestTimeoutSeconds
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCORE, _COMPLETIONS = "/score", "/v1/chat/completions"
_NO_SUCH_ROUTE = ("404", "405", "501")
# A server whose contract is not known may also have a route there that takes something else. What is wrong with the
# question itself, the whole answer's route says as well.
_NO_SUCH_BODY = ("400", "415", "422")


class _Bearer(requests.auth.AuthBase):
    """Given as auth, not as a header: requests would replace a header by what a .netrc holds."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def ask(url: str, key: str, request: ChatRequest, *, timeout: float = TIMEOUT) -> Answer:
    """The endpoint's whole answer to ``request``, over the very route that `stream` takes.

    ``timeout`` in seconds for the whole exchange. Raises what `stream` and its pieces raise.
    """
    return answer_of(stream(url, key, request, timeout=timeout))


def answer_of(pieces: Iterator[str]) -> Answer:
    """The whole answer at the end of its pieces. Raises ChatError."""
    for piece in pieces:
        if isinstance(piece, Ending):
            return piece.answer
    raise ChatError("The answer has no end.")


def stream(url: str, key: str, request: ChatRequest, *, timeout: float = TIMEOUT) -> Iterator[str]:
    """The answer's pieces as the endpoint sends them; the last one is an `Ending` with the whole answer.

    Azure's serving image for chat models streams /v1/chat/completions, next to the /score of the scoring URL; MLflow's
    generic scoring has /score alone. Where it is not known who serves (see routes.py), the former is tried first, and
    its absence remembered for a while. The first piece is there before anything is returned, so what was refused is
    raised here and not later.

    Raises ChatError: InvalidInput, KeyRefused, ModelFailed, UnknownAnswer or an EndpointUnavailable; while the pieces
    are read, AnswerCutOff, ModelFailed, UnknownAnswer or Unreachable.
    """
    pieces = _pieces(url, key, request, timeout)
    first = next(pieces)

    def chained() -> Iterator[str]:
        yield first
        yield from pieces

    return chained()


def timeout_of(given: object) -> float:
    """A connection's `request_timeout_seconds`, which is text; TIMEOUT where it has none that makes sense."""
    try:
        seconds = float(str(given))
    except ValueError:
        return TIMEOUT
    return seconds if 0 < seconds <= _LONGEST else TIMEOUT


def _pieces(url: str, key: str, request: ChatRequest, timeout: float) -> Iterator[str]:
    _check(url, key, request)
    route, contract = _completions_url(url), ROUTES.contract(url, request.deployment)
    if route and contract != MLFLOW:
        lacks = _NO_SUCH_ROUTE if contract == CHAT_COMPLETIONS else (*_NO_SUCH_ROUTE, *_NO_SUCH_BODY)
        answer = yield from _streamed(route, key, request, timeout, lacks)
        if answer is not None:
            ROUTES.answered(url, request.deployment, answer.deployment)
            return
        answer = _scored(url, key, request, timeout)
        # Only now it is the route that is missing, and not the deployment.
        ROUTES.cannot_stream(url, answer.deployment)
    else:
        answer = _scored(url, key, request, timeout)
    ROUTES.answered(url, request.deployment, answer.deployment)
    yield answer.text
    yield Ending(answer)


def _scored(url: str, key: str, request: ChatRequest, timeout: float) -> Answer:
    """The whole answer of the scoring URL itself."""
    started = time.monotonic()
    with _posted(url, key, request, request.payload(), timeout) as response:
        return _whole(response, key, request, started, timeout)


def _streamed(
    url: str, key: str, request: ChatRequest, timeout: float, lacks: tuple[str, ...]
) -> Generator[str, None, Answer | None]:
    """Yields the pieces of a chat completion; returns None if the endpoint answers one of ``lacks``: no such route."""
    started = time.monotonic()
    with _posted(url, key, request, request.completion(), timeout) as response:
        if _status(response) in lacks:
            return None
        if response.status_code != 200 or not response.headers.get("content-type", "").startswith("text/event-stream"):
            answer = _whole(response, key, request, started, timeout)
            yield answer.text
        else:
            said, last = "", Part()
            try:
                for each in parts(_without_key(key, line) for line in _lines(response, started + timeout)):
                    last = Part("", last.finish_reason or each.finish_reason, each.tokens or last.tokens)
                    text = each.text if said else each.text.lstrip()
                    said += text
                    if text:
                        yield text
            except requests.exceptions.RequestException as error:
                if not said:
                    raise
                raise _cut_off(url, said, error) from error
            if last.finish_reason is None:
                raise _cut_off(url, said, None)
            answer = _answer(said.rstrip(), response, request, started, last)
        yield Ending(answer)
    return answer


def _without_key(key: str, said: bytes) -> bytes:
    """What an endpoint says, if it repeats the key it was sent: nobody who reads an answer or an error needs it."""
    return said.replace(key.encode(), b"***")


def _status(response: requests.Response) -> str:
    """The container's own status: an endpoint passes its refusal on as 424, with that status beside it."""
    status = str(response.status_code)
    return response.headers.get("ms-azureml-model-error-statuscode", status) if status == "424" else status


def _whole(response: requests.Response, key: str, request: ChatRequest, started: float, timeout: float) -> Answer:
    """The answer in a body that comes at once. Raises ChatError for any other status than 200."""
    body = _without_key(key, b"".join(_bounded(response, started + timeout)))
    if response.status_code != 200:
        raise refusal(response, body.decode(errors="replace"), request.deployment)
    found = read_json(body)
    if found == {}:
        raise ModelFailed(
            f"The model behind {urlsplit(response.url).hostname} gave an empty answer, {{}}: Azure's serving image "
            "answers so when the model raises an error."
        )
    text = answer_text(found).strip()
    last = part(found) if isinstance(found, dict) and isinstance(found.get("choices"), list) else Part()
    return _answer(text, response, request, started, last)


def _cut_off(url: str, said: str, error: Exception | None) -> ChatError:
    why = "no further word in time" if isinstance(error, requests.exceptions.Timeout) else "the connection ended"
    cut = AnswerCutOff(f"The answer of {urlsplit(url).hostname} was cut off: {why}. Ask again.")
    cut.text = said
    return cut


def _answer(text: str, response: requests.Response, request: ChatRequest, started: float, last: Part) -> Answer:
    if not text:
        raise UnknownAnswer("The model gave an empty answer. Ask in other words, or look into its training.")
    served_by = response.headers.get("azureml-model-deployment", request.deployment)
    cut_off, streamed = last.finish_reason == "length", urlsplit(response.url).path.endswith(_COMPLETIONS)
    return Answer(text, served_by, time.monotonic() - started, last.tokens, cut_off, streamed)


@contextmanager
def _posted(
    url: str, key: str, request: ChatRequest, body: dict[str, Any], timeout: float
) -> Iterator[requests.Response]:
    """The response, its body unread. Raises Unreachable, also for what happens while the body is read."""
    headers = {"azureml-model-deployment": request.deployment} if request.deployment else {}
    try:
        with requests.post(
            url,
            json=body,
            headers=headers,
            auth=_Bearer(key),
            timeout=(_CONNECT_SECONDS, timeout),
            allow_redirects=False,  # the key goes to this address and to no other
            stream=True,
        ) as response:
            yield response
    except requests.exceptions.Timeout as error:
        raise Unreachable(unreachable(url, f"no answer within {timeout:g} s")) from error
    except requests.exceptions.SSLError as error:
        raise Unreachable(unreachable(url, "its certificate is not trusted on this machine")) from error
    except requests.exceptions.RequestException as error:
        raise Unreachable(unreachable(url, type(error).__name__)) from error


def _completions_url(url: str) -> str:
    """Where the endpoint of a scoring URL answers chat completions; "" where that cannot be told."""
    address = urlsplit(url)
    if address.path.endswith("/chat/completions"):
        return url
    if not address.path.endswith(_SCORE):
        return ""
    return urlunsplit(address._replace(path=address.path.removesuffix(_SCORE) + _COMPLETIONS))


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


def _bounded(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """The body as it arrives. `iter_content` waits for a whole chunk, for ever if the bytes come one by one."""
    total = 0
    while chunk := _next(response):
        total += len(chunk)
        if total > MAX_BODY:
            raise UnknownAnswer(f"The answer is larger than {MAX_BODY} bytes: this is no chat model's.")
        if time.monotonic() > deadline:
            raise requests.exceptions.Timeout
        yield chunk


def _next(response: requests.Response) -> bytes:
    """What is there; empty at the end. Raises requests' exceptions for urllib3's, as `iter_content` does."""
    try:
        return bytes(response.raw.read1(65_536, decode_content=True))
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from error


def _lines(response: requests.Response, deadline: float) -> Iterator[bytes]:
    rest = b""
    for chunk in _bounded(response, deadline):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.rstrip(b"\r") for line in lines)
    yield rest
