"""Deleting for good, through azure-core's real pipeline down to where it would open a connection."""

from __future__ import annotations

from typing import Any

import pytest

from cloud import client as azure
from cloud import waiting
from cloud.errors import StageError
from cloud.removal import deletion
from cloud.removal.deletion import delete_other_size
from tests.unit.arm_fake import ArmFake, install

ARM = "https://management.azure.com"
GROUP = "/subscriptions/s/resourceGroups/rg/providers"
HUB = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/hub"
PROJECT = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/proj"
LOGS = f"{GROUP}/Microsoft.OperationalInsights/workspaces/log"
STATUS = f"{ARM}/subscriptions/s/operationstatus/1"
HOLDS = {PROJECT: "2025-12-01"}
THERE: tuple[int, dict[str, str], Any] = (200, {}, {"id": "x"})
GONE: tuple[int, dict[str, str], Any] = (404, {}, {"error": {"code": "ResourceNotFound", "message": "not there"}})
STARTED: tuple[int, dict[str, str], Any] = (202, {"Azure-AsyncOperation": STATUS, "Location": STATUS}, None)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    clock = Clock()
    for module in (deletion, waiting):
        monkeypatch.setattr(module, "time", clock)
    return install(monkeypatch)


def delete(target: str, **holds: str) -> str:
    return deletion.delete_for_good(target, holds or HOLDS, print, seconds=60)


def sent(arm: ArmFake, method: str = "DELETE") -> list[str]:
    return [url for sent, url in arm.sent if sent == method]


def test_the_live_one_is_deleted_with_the_flag_and_waited_for(arm: ArmFake) -> None:
    arm.then("GET", HUB, THERE, THERE, GONE)
    arm.then("DELETE", HUB, STARTED)
    arm.then("GET", STATUS, (200, {}, {"status": "InProgress"}), (200, {}, {"status": "Succeeded"}))
    assert delete(HUB) == "workspace hub: deleted for good, its name is free"
    assert sent(arm) == [f"{ARM}{HUB}?api-version=2025-12-01&forceToPurge=true"]
    assert len([url for url in sent(arm, "GET") if url.startswith(f"{ARM}{HUB}?")]) == 3


def test_logs_have_a_flag_of_their_own(arm: ArmFake) -> None:
    arm.then("GET", LOGS, THERE, GONE)
    arm.then("DELETE", LOGS, (200, {}, None))
    assert delete(LOGS) == "workspace log: deleted for good, its name is free"
    assert sent(arm) == [f"{ARM}{LOGS}?api-version=2023-09-01&force=true"]


def test_gone_already_is_fine_and_not_called_freed(arm: ArmFake) -> None:
    assert delete(HUB) == (
        "workspace hub: is gone already; if its name is refused, it was deleted by other means before and holds it for "
        "14 days"
    )
    assert not sent(arm)


def test_one_in_use_is_left_alone(arm: ArmFake) -> None:
    """An older program, or purgeOnDestroy switched off, takes the purge out of a stack that lives."""
    arm.get(HUB, {"id": HUB})
    arm.get(PROJECT, {"id": PROJECT})
    assert delete(HUB) == "workspace hub: is in use, proj is in it; left alone"
    assert not sent(arm)


def test_a_project_that_is_still_being_deleted_is_waited_for(arm: ArmFake) -> None:
    refused = {"code": "BadRequest", "message": "The AI hub still has associated AI projects (proj)."}
    arm.then("GET", HUB, THERE, GONE)
    arm.then("DELETE", HUB, (400, {}, {"error": refused}), (200, {}, None))
    assert delete(HUB) == "workspace hub: deleted for good, its name is free"
    assert len(sent(arm)) == 2


def test_a_refusal_is_one(arm: ArmFake) -> None:
    arm.get(HUB, {"id": HUB})
    arm.refuse("DELETE", HUB, 403, "AuthorizationFailed", "The client 'x' does not have authorization")
    with pytest.raises(StageError, match=r"could not be deleted for good \(workspace hub\): AuthorizationFailed"):
        delete(HUB)
    assert len(sent(arm)) == 1


def test_what_does_not_end_is_not_waited_for_for_ever(arm: ArmFake) -> None:
    arm.get(HUB, {"id": HUB})
    arm.then("DELETE", HUB, (200, {}, None))
    with pytest.raises(StageError, match=r"workspace hub\): Azure has not ended the deletion.*same command again"):
        delete(HUB)


def test_a_project_that_never_goes_ends_with_azures_words(arm: ArmFake) -> None:
    arm.get(HUB, {"id": HUB})
    arm.refuse("DELETE", HUB, 400, "BadRequest", "The AI hub still has associated AI projects (other).")
    with pytest.raises(StageError, match=r"associated AI projects \(other\)"):
        delete(HUB)
    assert len(sent(arm)) == 8


CLUSTER = f"{HUB}/computes/gpu-cluster"
NC24 = {"properties": {"properties": {"vmSize": "STANDARD_NC24ADS_A100_V4"}}}


def test_a_cluster_of_another_size_is_deleted_with_its_machines(arm: ArmFake) -> None:
    arm.then("GET", CLUSTER, (200, {}, NC24), GONE)
    arm.then("DELETE", CLUSTER, (200, {}, None))
    line = delete_other_size(CLUSTER, "STANDARD_NC48ADS_A100_V4", print)
    assert line is not None and line.startswith("cluster gpu-cluster: deleted with its machines of size STANDARD_NC24")
    assert sent(arm) == [f"{ARM}{CLUSTER}?api-version=2025-12-01&underlyingResourceAction=Delete"]


def test_a_cluster_of_somebody_elses_is_left_alone(arm: ArmFake) -> None:
    ours = {"project": "finetune-phi", "stack": "dev"}
    arm.get(CLUSTER, {**NC24, "tags": {"project": "finetune-phi", "stack": "prod"}})
    with pytest.raises(StageError, match=r"it was left alone \(cluster gpu-cluster\).*somebody else has made it"):
        delete_other_size(CLUSTER, "STANDARD_NC48ADS_A100_V4", print, ours)
    assert not sent(arm)
    arm.then("GET", CLUSTER, (200, {}, {**NC24, "tags": {**ours, "team": "x"}}), GONE)
    arm.then("DELETE", CLUSTER, (200, {}, None))
    assert delete_other_size(CLUSTER, "STANDARD_NC48ADS_A100_V4", print, ours)


@pytest.mark.parametrize("found", [NC24, {"properties": {"properties": None}}, None], ids=["case", "no size", "none"])
def test_a_cluster_of_the_same_size_stays(arm: ArmFake, found: Any) -> None:
    if found:
        arm.get(CLUSTER, found)
    assert delete_other_size(CLUSTER, "Standard_NC24ads_A100_v4", print) is None
    assert not sent(arm)


def test_how_long_and_how_often_azure_is_asked() -> None:
    assert (deletion.SECONDS, deletion.POLL_SECONDS) == (3600, 10)
    assert deletion.FOR_GOOD == {
        "microsoft.machinelearningservices/workspaces": ("2025-12-01", "forceToPurge"),
        "microsoft.operationalinsights/workspaces": ("2023-09-01", "force"),
    }


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how many seconds each operation was followed; two minutes later it has ended."""
    seconds: list[float] = []

    def in_time(_poller: object, _stop: object, most: float, tell: Any) -> dict[str, Any]:
        seconds.append(most)
        tell(59.0)
        tell(125.0)
        return {}

    monkeypatch.setattr(azure, "wait_for", in_time)
    return seconds


def test_a_deletion_is_followed_for_the_time_that_is_left_and_told_of(arm: ArmFake, followed: list[float]) -> None:
    told: list[str] = []
    in_the_way = (409, {}, {"error": {"code": "Conflict", "message": "in progress"}})
    arm.then("GET", HUB, THERE, GONE)
    arm.then("DELETE", HUB, in_the_way, STARTED)
    assert deletion.delete_for_good(HUB, {}, told.append) == "workspace hub: deleted for good, its name is free"
    assert followed == [3590]
    assert told == ["workspace hub: still being deleted after 2 min 05 s"]


def test_a_cluster_is_deleted_in_an_hour_and_told_of(arm: ArmFake, followed: list[float]) -> None:
    told: list[str] = []
    arm.then("GET", CLUSTER, (200, {}, NC24), GONE)
    arm.then("DELETE", CLUSTER, STARTED)
    assert delete_other_size(CLUSTER, "Standard_NC48ads_A100_v4", told.append) == (
        "cluster gpu-cluster: deleted with its machines of size STANDARD_NC24ADS_A100_V4, "
        "which another size does not take over"
    )
    assert followed == [3600]
    size = "STANDARD_NC24ADS_A100_V4"
    assert told == [f"cluster gpu-cluster: its machines of size {size} are still being deleted after 2 min 05 s"]


@pytest.mark.parametrize(("there", "slept"), [(6, 60), (5, 60), (1, 20)])
def test_it_is_looked_at_every_ten_seconds_until_the_time_is_over(
    there: int, slept: float, arm: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of all the steps together: what the deletion took is not waited for again."""
    clock: Any = waiting.time
    in_the_way = (400, {}, {"error": {"code": "BadRequest", "message": "it is being deleted"}})
    arm.then("GET", HUB, *[THERE] * (1 + there), GONE)
    arm.then("DELETE", HUB, in_the_way, (200, {}, None))
    if there < 6:
        assert delete(HUB) == "workspace hub: deleted for good, its name is free"
    else:
        with pytest.raises(StageError) as raised:
            delete(HUB)
        assert str(raised.value) == (
            "it could not be deleted for good (workspace hub): Azure has not ended the deletion in the time it usually "
            "takes. Wait, then run the same command again: it goes on where Azure is."
        )
    assert clock.now == slept


@pytest.mark.parametrize(
    ("status", "message", "deletions"),
    [
        (400, "The hub still has Associated projects", 2),
        (409, "the endpoint is Being Deleted", 2),
        (409, "a Conflict with another operation", 2),
        (400, "an operation is In Progress", 2),
        (400, "the name is wrong", 1),
        (403, "in progress", 1),
    ],
)
def test_only_what_is_in_the_way_is_waited_for(status: int, message: str, deletions: int, arm: ArmFake) -> None:
    refused = (status, {}, {"error": {"code": "X", "message": message}})
    arm.then("GET", HUB, THERE, GONE)
    arm.then("DELETE", HUB, refused, (200, {}, None))
    if deletions == 2:
        assert delete(HUB) == "workspace hub: deleted for good, its name is free"
    else:
        with pytest.raises(StageError, match=r"could not be deleted for good \(workspace hub\): X: "):
            delete(HUB)
    assert len(sent(arm)) == deletions


def test_what_went_meanwhile_is_deleted(arm: ArmFake) -> None:
    arm.then("GET", HUB, THERE, GONE)
    assert delete(HUB) == "workspace hub: deleted for good, its name is free"


def test_a_refused_cluster_and_what_stands_in_the_stack_file_then(arm: ArmFake) -> None:
    arm.get(CLUSTER, NC24)
    arm.refuse("DELETE", CLUSTER, 403, "AuthorizationFailed", "not you")
    with pytest.raises(StageError, match=r"^its machines could not be deleted \(cluster gpu-cluster\): Authorization"):
        delete_other_size(CLUSTER, "Standard_NC48ads_A100_v4", print)
    with pytest.raises(StageError) as raised:
        delete_other_size(CLUSTER, "Standard_NC48ads_A100_v4", print, {"stack": "dev"})
    assert str(raised.value) == (
        "it was left alone (cluster gpu-cluster): it has machines of size STANDARD_NC24ADS_A100_V4, and not the tags "
        "of this stack: somebody else has made it. Set finetune-phi:names.cluster to another name, or "
        "finetune-phi:existing.cluster to its id."
    )


def test_a_cluster_that_says_nothing_of_its_machines_stays(arm: ArmFake) -> None:
    for found in ({}, {"properties": None}, {"properties": {"properties": {}}}):
        arm.get(CLUSTER, found)
        assert delete_other_size(CLUSTER, "Standard_NC24ads_A100_v4", print, {"stack": "dev"}) is None
    assert not sent(arm)
