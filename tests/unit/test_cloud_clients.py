"""With what Azure's clients are made: who asks, how often again, for how long, and in silence."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import Any

import azure.ai.ml
import pytest
from azure.ai.ml._artifacts import _blob_storage_helper
from azure.ai.ml._utils._azureml_polling import AzureMLPolling
from azure.core.pipeline import policies
from azure.mgmt.core.polling.arm_polling import ARMPolling

from cloud import arm, client, credentials
from cloud.target import Target

RETRIES = {
    "retry_total": 9,
    "retry_connect": 9,
    "retry_read": 9,
    "retry_status": 9,
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": 30,
    "connection_timeout": 20,
    "read_timeout": 120,
}
LOGGERS = ("azure", "azure.ai.ml", "azure.identity", "azure.core", "msrest", "urllib3")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(azure.ai.ml, "MLClient", lambda *args, **more: calls.append((args, more)))
    monkeypatch.setattr(credentials, "credential", lambda: "me")
    return calls


def test_the_client_of_a_workspace(made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for patched in ("print",):
        monkeypatch.setitem(vars(_blob_storage_helper), patched, None)
    monkeypatch.setattr(AzureMLPolling, "update_status", None)
    client.ml_client.__wrapped__(Target("s", "rg", "ws"))
    assert made == [
        (
            ("me", "s", "rg", "ws"),
            {"enable_telemetry": False, "show_progress": False, "polling_interval": 5, **RETRIES},
        )
    ]
    assert AzureMLPolling.update_status is ARMPolling.update_status
    assert vars(_blob_storage_helper)["print"]("dot", end="") is None


def test_the_client_of_a_registry(made: list[Any]) -> None:
    client.registry_client.__wrapped__("azureml")
    assert made == [
        (("me",), {"registry_name": "azureml", "enable_telemetry": False, "show_progress": False, **RETRIES})
    ]


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize("asked", [client.credential, client._silence], ids=["credential", "client"])
def test_the_sdks_say_nothing_but_errors(
    asked: Any, name: str, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    was = logging.getLogger(name).level
    try:
        logging.getLogger(name).setLevel(logging.DEBUG)
        asked()
        assert logging.getLogger(name).level == logging.ERROR
    finally:
        logging.getLogger(name).setLevel(was)


def test_the_pipeline_of_plain_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transport's own limits: without them it waits five minutes for a silent server."""
    from azure.mgmt import core
    from azure.mgmt.core import policies as arm_policies

    made: list[Any] = []
    given: dict[str, Any] = {}
    monkeypatch.setattr(core, "ARMPipelineClient", lambda *args, **more: made.append((args, more)))
    monkeypatch.setattr(client, "credential", lambda: "me")
    monkeypatch.setattr(arm_policies, "ARMChallengeAuthenticationPolicy", lambda *args: given.update(token=args))
    for name in ("RequestIdPolicy", "HeadersPolicy", "UserAgentPolicy", "RetryPolicy", "CustomHookPolicy"):

        def noted(*args: Any, name: str = name, **more: Any) -> str:
            given[name] = (args, more)
            return name

        monkeypatch.setattr(policies, name, noted)
    arm.Arm("scope", retries=2)
    assert given == {
        "RequestIdPolicy": ((), {}),
        "HeadersPolicy": ((), {}),
        "UserAgentPolicy": (("finetune-phi",), {}),
        "RetryPolicy": (
            (),
            {**RETRIES, "retry_total": 2, "retry_connect": 2, "retry_read": 2, "retry_status": 2},
        ),
        "CustomHookPolicy": ((), {"raw_request_hook": arm.refuse_others}),
        "token": ("me", "scope"),
    }
    ((where,), more) = made[0]
    assert where == "https://management.azure.com"
    order = ["RequestIdPolicy", "HeadersPolicy", "UserAgentPolicy", "RetryPolicy", "CustomHookPolicy", None]
    assert more == {"policies": order, "connection_timeout": 20, "read_timeout": 120}
    arm.Arm()
    assert given["token"] == ("me", "https://management.azure.com/.default")
    assert given["RetryPolicy"] == ((), RETRIES)


class Operation:
    """Done after so many looks; each takes as long as it was asked to wait."""

    def __init__(self, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.now = looks, 100.0
        monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: self.now))

    def done(self) -> bool:
        return self.left <= 0

    def wait(self, seconds: float) -> None:
        self.left, self.now = self.left - 1, self.now + seconds

    def result(self) -> str:
        return "done"


def test_an_operation_is_looked_at_twice_a_second_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    operation: Any = Operation(3, monkeypatch)
    assert client.wait_for(operation, threading.Event(), 60, told.append) == "done"
    assert told == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(("looks", "seconds", "found"), [(3, 1.0, None), (2, 1.0, "done"), (0, 0.0, "done")])
def test_what_ends_in_the_last_moment_has_ended(
    looks: int, seconds: float, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation: Any = Operation(looks, monkeypatch)
    assert client.wait_for(operation, threading.Event(), seconds, print) == found


def test_a_stop_ends_the_following_and_not_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    stop.set()
    going, done = Operation(2, monkeypatch), Operation(1, monkeypatch)
    assert client.wait_for(going, stop, 60, print) is None  # type: ignore[arg-type]
    assert client.wait_for(done, stop, 60, print) == "done"  # type: ignore[arg-type]


def test_a_state_is_told_without_the_name_of_its_enum() -> None:
    assert client.state(SimpleNamespace(value="Running")) == "Running"
    assert client.state("Running") == "Running"
