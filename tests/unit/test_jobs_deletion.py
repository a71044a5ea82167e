"""Deleting for good, through azure-core's real pipeline down to where it would open a connection."""

from __future__ import annotations

from typing import Any

import pytest

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
    assert delete(HUB).startswith("workspace hub: is gone already; if its name is refused")
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
