"""Puts a question to an online endpoint: payload, answer shapes, streaming, errors. Plain Python, no prompt flow.

Whatever front end asks (the flow's node, the agent, terminal and page, a release's smoke test) asks through here.
"""

from chat.client.conversation import Answer, ChatRequest, Ending, Turn, chat_history, turns
from chat.client.endpoint import TIMEOUT, answer_of, ask, stream, timeout_of
from chat.client.errors import (
    AnswerCutOff,
    Busy,
    ChatError,
    EndpointUnavailable,
    InvalidInput,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    UnknownAnswer,
    Unreachable,
)
from chat.client.routes import CHAT_COMPLETIONS, CONTRACT, MLFLOW, ROUTES
from chat.client.shapes import answer_text

__all__ = [
    "CHAT_COMPLETIONS",
    "CONTRACT",
    "MLFLOW",
    "ROUTES",
    "TIMEOUT",
    "Answer",
    "AnswerCutOff",
    "Busy",
    "ChatError",
    "ChatRequest",
    "Ending",
    "EndpointUnavailable",
    "InvalidInput",
    "KeyRefused",
    "ModelFailed",
    "NoDeployment",
    "ServerFailed",
    "Turn",
    "UnknownAnswer",
    "Unreachable",
    "answer_of",
    "answer_text",
    "ask",
    "chat_history",
    "stream",
    "timeout_of",
    "turns",
]
