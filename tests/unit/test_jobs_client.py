"""How long a request to Azure is tried again, whatever it fails of."""

from __future__ import annotations

from typing import Any

import pytest
from arm_fake import ArmFake, install
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport

from jobs import client as azure
from jobs.arm import Arm

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
