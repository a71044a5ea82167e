"""Asks a managed online endpoint that serves a chat model: what is sent, by which route, and how long is waited.

Azure serves a chat model in one of two ways. CHAT_COMPLETIONS: its own image, with `/v1/chat/completions`, which
streams, beside a `/score`. MLFLOW: MLflow's generic scoring, with `/score` alone, which gives whole answers. A release
writes which of them on the deployment, as the tag CONTRACT; where that is not known, the former is tried first.

What is said there is in phi_messages.py, what opens it in phi_key.py. All are published with the flow, so they need
`requests` and nothing else.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from chat.phi_key import Key, Opener
from chat.phi_messages import (
    Answer,
    AnswerCutOff,
    ChatError,
    ChatRequest,
    Ending,
    InvalidInput,
    ModelFailed,
    UnknownAnswer,
    Unreachable,
    answer_text,
    part,
    parts,
    read_json,
    refusal,
)

CONTRACT, MLFLOW, CHAT_COMPLETIONS = "contract", "mlflow", "chat-completions"
TIMEOUT, LONGEST = 90.0, 600.0  # seconds; the default of serving.requestTimeoutSeconds; Azure ends a request after 180
REMEMBERED = 600.0  # seconds
MAX_QUESTION, MAX_BODY = 16_000, 1_000_000  # characters, some 4,000 tokens; bytes
_COMPLETIONS = "/v1/chat/completions"
_NO_ROUTE = ("404", "405", "501")
# A server whose contract is not known may also have a route there that takes something else. What is wrong with the
# question itself, /score says as well.
_NO_ROUTE_OR_ANOTHER = (*_NO_ROUTE, "400", "415", "422")
_NO_PROXY: dict[str, Any] = {"http": None, "https": None, "all": None}
"""For requests: none, whatever the environment names."""
_BROKEN, _LATE = (requests.RequestException, HTTPError), (requests.Timeout, ReadTimeoutError)


def timeout_of(given: object) -> float:
    """A connection's `request_timeout_seconds`, which is text; TIMEOUT where it has none that makes sense."""
    try:
        seconds = float(str(given))
    except ValueError:
        return TIMEOUT
    return seconds if 0 < seconds <= LONGEST else TIMEOUT


class Routes:
    """What deployments' tags say of how they are asked, and for ten minutes what their refusals taught.

    Not for good: behind the same address another deployment answers after a release.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: dict[tuple[str, str], str] = {}
        self._lacking: dict[tuple[str, str], float] = {}
        self._in_service: dict[str, str] = {}

    def tell(self, url: str, contracts: Mapping[str, str], in_service: str = "") -> None:
        """The contracts of the deployments behind a scoring URL; ``in_service`` is the one that most are led to."""
        self._told |= {(url, name): contract for name, contract in contracts.items() if contract}
        self.answered(url, in_service)

    def contract(self, url: str, deployment: str) -> str:
        """Of a deployment, of the one that answered last where none is named; "" where it is not known."""
        place = (url, deployment or self._in_service.get(url, ""))
        return MLFLOW if self._now() < self._lacking.get(place, 0.0) else self._told.get(place, "")

    def answered(self, url: str, by: str) -> None:
        """The deployment ``by`` answers who names none."""
        self._in_service[url] = by or self._in_service.get(url, "")

    def cannot_stream(self, url: str, by: str) -> None:
        """The deployment has no route that streams."""
        self._lacking[url, by] = self._now() + REMEMBERED


ROUTES = Routes()


def ask(url: str, key: Key, request: ChatRequest, *, timeout: float = TIMEOUT) -> Answer:
    """The whole answer to ``request``, over the very route that `stream` takes. Raises ChatError."""
    return answer_of(stream(url, key, request, timeout=timeout))


def answer_of(pieces: Iterator[str]) -> Answer:
    """The whole answer at the end of its pieces. Raises ChatError."""
    for piece in pieces:
        if isinstance(piece, Ending):
            return piece.answer
    raise ChatError("The answer has no end.")


def stream(url: str, key: Key, request: ChatRequest, *, timeout: float = TIMEOUT) -> Iterator[str]:
    """The answer's pieces as the endpoint sends them; the last one is an `Ending` with the whole answer.

    ``timeout`` is in seconds, for the whole exchange. Raises ChatError: what was refused at once, and not only when
    the pieces are read; while they are read, AnswerCutOff, ModelFailed, UnknownAnswer or Unreachable.
    """
    return started(_Exchange(url, key, request, timeout).pieces())


def started(pieces: Iterator[str]) -> Iterator[str]:
    """The same pieces with the first one there, so that what was refused is raised here."""
    first = next(pieces)
    return (piece for piece in itertools.chain([first], pieces))


class _Exchange:
    """One question and its answer, over the route that streams or, where that is missing, over `/score`."""

    def __init__(self, url: str, key: Key, request: ChatRequest, timeout: float) -> None:
        self._url, self._request, self._timeout = url, request, timeout
        self._address, self._began = urlsplit(url), 0.0
        self._key = Opener(key, self._address)
        self._loopback = self._address.hostname in ("127.0.0.1", "localhost", "::1")

    def pieces(self) -> Iterator[str]:
        """The texts, then the `Ending`."""
        self._check()
        named, answer = self._request.deployment, None
        contract = ROUTES.contract(self._url, named)
        route = self._completions_url() if contract != MLFLOW else ""
        if route:
            lacks = _NO_ROUTE if contract == CHAT_COMPLETIONS else _NO_ROUTE_OR_ANOTHER
            answer = yield from self._asked(route, self._request.completion(), lacks)
        if answer is None:
            answer = yield from self._asked(self._url, self._request.payload())
            assert answer is not None
            if route:  # only now it is the route that is missing, and not the deployment
                ROUTES.cannot_stream(self._url, answer.deployment)
        if not named:
            ROUTES.answered(self._url, answer.deployment)
        yield Ending(answer)

    def _check(self) -> None:
        at = self._address
        clear = at.scheme == "http" and self._loopback
        if not at.hostname or (at.scheme != "https" and not clear) or "@" in at.netloc:
            raise InvalidInput(
                f"The endpoint's address must be https://..., not {at.scheme or 'no scheme'}://{at.hostname or ''}. "
                "Correct `endpoint` in the project's connection."
            )
        if not self._request.question.strip():
            raise InvalidInput("The question is empty. Type one.")
        if len(self._request.question) > MAX_QUESTION:
            raise InvalidInput(f"The question has more than {MAX_QUESTION} characters. Shorten it.")
        self._key.open()

    def _completions_url(self) -> str:
        """Where the endpoint of a scoring URL answers chat completions; "" where that cannot be told."""
        path = self._address.path
        if path.endswith("/score"):
            return urlunsplit(self._address._replace(path=path.removesuffix("/score") + _COMPLETIONS))
        return self._url if path.endswith("/chat/completions") else ""

    def _asked(self, url: str, body: dict[str, Any], lacks: Sequence[str] = ()) -> Generator[str, None, Answer | None]:
        """Yields the pieces of the answer at ``url`` and returns the whole; None for a status of ``lacks``.

        Raises Unreachable, also where the connection breaks before the first piece.
        """
        self._began = time.monotonic()
        named = self._request.deployment
        try:
            with requests.post(
                url,
                json=body,
                headers={"azureml-model-deployment": named} if named else {},
                auth=self._key,
                timeout=(10.0, self._timeout),
                allow_redirects=False,  # the key goes to this address and to no other
                # Nor, in clear, to a proxy on the way to an endpoint of this machine's.
                proxies=_NO_PROXY if self._loopback else None,
                stream=True,
            ) as response:
                status = str(response.status_code)
                if status == "424":  # so an endpoint passes on what the container refused, with its status beside it
                    status = response.headers.get("ms-azureml-model-error-statuscode", status)
                if status in lacks:
                    return None
                if status == "200" and response.headers.get("content-type", "").startswith("text/event-stream"):
                    return (yield from self._streamed(response))
                answer = self._whole(response)
                yield answer.text
                return answer
        except _BROKEN as error:
            why = f"no answer within {self._timeout:g} s" if isinstance(error, _LATE) else type(error).__name__
            if isinstance(error, requests.exceptions.SSLError):
                why = "its certificate is not trusted on this machine"
            host = self._address.hostname
            text = f"The endpoint {host} could not be reached: {why}. Check the network, then ask again."
            raise Unreachable(text) from error

    def _whole(self, response: requests.Response) -> Answer:
        """The answer in a body that comes at once. Raises ChatError for any other status than 200."""
        body = self._key.without_key(b"".join(self._read(response)))
        host = str(self._address.hostname)
        if response.status_code != 200:
            wait = str(response.headers.get("Retry-After", ""))
            said, named = body.decode(errors="replace"), self._request.deployment
            raise refusal(host, response.status_code, said, named, wait, by_token=self._key.by_token)
        found = read_json(body)
        if found == {}:
            raise ModelFailed(
                f"The model behind {host} gave an empty answer, {{}}: Azure's serving image answers so when the model "
                "raises an error."
            )
        completion = isinstance(found, dict) and isinstance(found.get("choices"), list)
        _, finish, tokens = part(found) if completion else ("", None, None)
        return self._answer(response, answer_text(found).strip(), finish, tokens)

    def _streamed(self, response: requests.Response) -> Generator[str, None, Answer]:
        """The answer in server-sent events. Raises AnswerCutOff where the connection ends before it does."""
        said, finish, tokens, broken = "", None, None, None
        try:
            for text, ended, count in parts(self._key.without_key(line) for line in self._lines(response)):
                finish, tokens = finish or ended, count or tokens
                text = text if said else text.lstrip()
                said += text
                if text:
                    yield text
        except _BROKEN as error:
            if not said:
                raise
            broken = error
        if broken or finish is None:
            why = "no further word in time" if isinstance(broken, _LATE) else "the connection ended"
            cut = AnswerCutOff(f"The answer of {self._address.hostname} was cut off: {why}. Ask again.")
            cut.text = said
            raise cut from broken
        return self._answer(response, said.rstrip(), finish, tokens)

    def _answer(self, response: requests.Response, text: str, finish: str | None, tokens: int | None) -> Answer:
        if not text:
            raise UnknownAnswer("The model gave an empty answer. Ask in other words, or look into its training.")
        by = response.headers.get("azureml-model-deployment", self._request.deployment)
        streamed = urlsplit(response.url).path.endswith(_COMPLETIONS)
        return Answer(text, by, time.monotonic() - self._began, tokens, finish == "length", streamed)

    def _lines(self, response: requests.Response) -> Iterator[bytes]:
        rest = b""
        for chunk in self._read(response):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.rstrip(b"\r") for line in lines)
        yield rest

    def _read(self, response: requests.Response) -> Iterator[bytes]:
        """The body as it arrives. `iter_content` waits for a whole chunk, for ever if the bytes come one by one."""
        total = 0
        while chunk := response.raw.read1(65_536, decode_content=True):
            total += len(chunk)
            if total > MAX_BODY:
                raise UnknownAnswer(f"The answer is larger than {MAX_BODY} bytes: this is no chat model's.")
            if time.monotonic() > self._began + self._timeout:
                raise requests.Timeout
            yield chunk
