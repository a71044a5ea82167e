"""Which of two contracts an endpoint's deployments answer by, as far as it is known.

MLFLOW: the model is served by MLflow's generic scoring: `/score` alone, whole answers, `[{"0": "..."}]` or `["..."]`.
CHAT_COMPLETIONS: Azure's image for chat models: `/v1/chat/completions`, which streams, and a `/score` that answers
`{"output": "..."}`. A release finds out from the model and writes it on the deployment as the tag CONTRACT.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

CONTRACT = "contract"
"""The tag, on a deployment and on a version of a model."""
MLFLOW, CHAT_COMPLETIONS, UNKNOWN = "mlflow", "chat-completions", ""
REMEMBERED = 600.0  # seconds


class Routes:
    """What deployments' tags say, and for ten minutes what their refusals taught.

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
        if in_service:
            self._in_service[url] = in_service

    def contract(self, url: str, deployment: str) -> str:
        """Of a deployment; of the one that answered last where none is named."""
        place = (url, deployment or self._in_service.get(url, ""))
        if self._now() < self._lacking.get(place, 0.0):
            return MLFLOW
        return self._told.get(place, UNKNOWN)

    def answered(self, url: str, asked: str, by: str) -> None:
        """``by`` gave an answer; ``asked`` is the deployment that was named, or empty."""
        if not asked:
            self._in_service[url] = by

    def cannot_stream(self, url: str, by: str) -> None:
        """The deployment has no route that streams."""
        self._lacking[url, by] = self._now() + REMEMBERED


ROUTES = Routes()
"""Of this process."""
