"""What releases ask, answered: the scoring route, and Azure Monitor's figures of it."""

from __future__ import annotations

import pytest
from jobs_fake import FakeMl

from chat.phi_client import Routes
from chat.phi_messages import Answer, ChatError, ChatRequest
from cloud.errors import StageError
from jobs.golden import golden
from jobs.release import contracts
from jobs.release.judging import health, probing, smoke
from jobs.release.spec import ReleaseSpec


class Scoring:
    """What the scoring route answers; ``asked`` are the deployments asked for by header, "" for none.

    Who names none is answered by the deployment with the most traffic.
    """

    def __init__(self, ml: FakeMl) -> None:
        self.ml = ml
        self.asked: list[str] = []
        self.errors: list[ChatError] = []
        self.answers: dict[str, str] = {}
        self.seconds = 0.1
        self.says_who = True

    def __call__(self, url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        assert (url, key) == ("https://e.eastus2.inference.ml.azure.com/score", "the-key")
        assert request.temperature == 0.0, "nothing is left to chance"
        self.asked.append(request.deployment)
        if self.errors:
            raise self.errors.pop(0)
        traffic = self.ml.online_endpoints.traffic
        by = request.deployment or (max(traffic, key=lambda name: traffic[name]) if self.says_who else "")
        return Answer(self.answers.get(by, "Bill Gates and Paul Allen."), by, self.seconds)


class Metrics:
    """What Azure Monitor has counted; ``looks`` is how often it was asked."""

    def __init__(self) -> None:
        self.health = health.Health(requests=100, failed=0, p95_seconds=1.5)
        self.error: StageError | None = None
        self.in_service = health.Health(requests=0, failed=0, p95_seconds=None)
        self.looks = 0

    def __call__(self, spec: ReleaseSpec, since: object, *, deployment: str = "") -> health.Health:
        if deployment:
            return self.in_service
        self.looks += 1
        if self.error:
            raise self.error
        return self.health


def install(monkeypatch: pytest.MonkeyPatch, ml: FakeMl) -> tuple[Scoring, Metrics]:
    """Puts both where a release asks; nobody knows how the models are served."""
    scoring, metrics = Scoring(ml), Metrics()
    monkeypatch.setattr(smoke, "ask", scoring)
    monkeypatch.setattr(golden, "ask", scoring)
    monkeypatch.setattr(probing, "ask", scoring)
    monkeypatch.setattr(health, "read", metrics)
    monkeypatch.setattr(contracts, "of_version", lambda *_: contracts.Contract())
    monkeypatch.setattr(contracts, "of_base", lambda *_: contracts.Contract())
    monkeypatch.setattr(smoke, "ROUTES", Routes())
    return scoring, metrics
