"""Why there is no answer, or not a whole one."""

from __future__ import annotations


class ChatError(Exception):
    """No answer; the message says what happened, where and what to do."""


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

    text: str = ""
    """What had arrived by then."""


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
