"""How long a request to Azure is tried again and followed, and what is told of a refusal."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from arm_fake import ArmFake, install
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport

from cloud import client as azure
from cloud.arm import Arm
from cloud.errors import refusal

CAUSES = {"no connection": ServiceRequestError, "no answer": ServiceResponseError, "unavailable": None}


class Failing:
    """Azure as it never answers; counts the requests and adds up the pauses in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: type[AzureError] | None) -> None:
        self.requests, self.paused, fake = 0, 0.0, install(monkeypatch)
        fake.refuse("GET", "/x", 503, "ServiceUnavailable")

        def send(request: Any) -> Any:
            self.requests += 1
            if error is not None:
                raise error("cut off")
            return ArmFake.__call__(fake, request)

        def sleep(seconds: float) -> None:
            self.paused += seconds

        monkeypatch.setattr(RequestsTransport, "send", lambda _, request, **__: send(request))
        monkeypatch.setattr(RequestsTransport, "sleep", lambda _, seconds: sleep(seconds))


@pytest.mark.parametrize("cause", CAUSES)
def test_a_request_is_tried_again_for_two_minutes(cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(monkeypatch, CAUSES[cause])
    with pytest.raises(AzureError):
        Arm().get("/x", "1")
    assert failing.requests == 10
    assert failing.paused == pytest.approx(120, abs=5)


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("retries", (0, 1, 5))
def test_a_client_for_n_retries_makes_n(cause: str, retries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(monkeypatch, CAUSES[cause])
    with pytest.raises(AzureError):
        Arm(retries=retries).get("/x", "1")
    assert failing.requests == retries + 1


def test_azures_own_client_gets_the_same_counts() -> None:
    policy: RetryPolicy[Any, Any] = RetryPolicy(**azure.RETRIES)
    assert {policy.total_retries, policy.connect_retries, policy.read_retries, policy.status_retries} == {9}


def test_an_operation_is_followed_no_longer_than_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(azure, "time", SimpleNamespace(monotonic=lambda: now[0]))

    class Endless:
        def done(self) -> bool:
            assert now[0] < 60, "for ever"
            return False

        def wait(self, seconds: float) -> None:
            now[0] += seconds

    endless: Any = Endless()
    assert azure.wait_for(endless, threading.Event(), 2.0, print) is None
    assert now == [2.0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "BadRequest", "message": "", "details": [{"code": "InvalidSku"}]}, ("BadRequest", "InvalidSku")),
        ({"code": "X", "message": "", "details": [{"code": "A"}, {"code": "B", "message": "why"}]}, ("X", "why")),
        ({"code": "BadRequest", "message": "no", "details": [{"code": "A"}]}, ("BadRequest", "no")),
        ({"code": "BadRequest", "message": "no", "details": [{"message": "why"}]}, ("BadRequest", "why")),
        ({"code": "Conflict", "message": "no", "details": [{"message": "why"}]}, ("Conflict", "no")),
    ],
)
def test_a_refusal_gives_the_best_reason_it_has(
    error: dict[str, Any], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch).routes["get /x"] = (400, {}, {"error": error})
    with pytest.raises(HttpResponseError) as raised:
        Arm().get("/x", "1")
    assert refusal(raised.value) == expected
