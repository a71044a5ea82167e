"""The activity log, as a review of drift asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError

from cloud.arm import Arm
from cloud.services.activity import Write, writes
from emulator.access import rbac
from emulator.machine.home import CLIENT_ID, CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from emulator.resources.filled import POLICY_TAGS
from tests.contract.arm import Refusal
from tests.contract.lab import SCOPE, Lab

VALUES = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Insights/eventtypes/management/values"


def written(resource: str) -> list[Write]:
    now = datetime.now(UTC)
    found = writes(Arm(retries=0), SCOPE, now - timedelta(hours=1), now + timedelta(minutes=1))
    return [write for write in found if write.resource == resource.lower()]


def test_it_tells_who_wrote_and_deleted(lab: Lab) -> None:
    storage = lab.make_storage("stactivity")
    lab.delete(storage)
    told = written(storage)
    assert [write.operation.rsplit("/", 1)[-1] for write in told] == ["write", "delete"]
    assert {write.who for write in told} == {f"application {CLIENT_ID}"}
    assert told[0].begun < told[1].begun


def test_what_was_refused_has_written_nothing(lab: Lab) -> None:
    path = f"{SCOPE}/providers/Microsoft.Storage/storageAccounts/stactivityrefused"
    with pytest.raises(Refusal):
        lab.put(path, {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Nothing"}})
    assert written(path) == []


def test_what_a_policy_adds_is_the_policys(lab: Lab) -> None:
    with lab.setting(POLICY_TAGS, {"costCenter": "research"}):
        storage = lab.make_storage("stactivitytagged")
    assert [write.who for write in written(storage) if write.by_azure] == ["Azure Policy (policy-tags)"]


def test_who_may_read_the_group_may_ask_for_it_and_nobody_else(lab: Lab) -> None:
    with lab.setting(rbac.ROLES, [{"principal": CLIENT_OBJECT_ID, "role": "Reader", "scope": SCOPE}]):
        written(SCOPE)
    with (
        lab.setting(rbac.ROLES, [{"principal": CLIENT_OBJECT_ID, "role": "Reader", "scope": f"{SCOPE}2"}]),
        pytest.raises(HttpResponseError) as refused,
    ):
        written(SCOPE)
    assert refused.value.status_code == 403


@pytest.mark.parametrize(
    "wanted", ["", "caller eq 'x'", "eventTimestamp ge 'yesterday'", "eventTimestamp ge '2001-01-01'"]
)
def test_a_filter_that_azure_does_not_take_is_refused(lab: Lab, wanted: str) -> None:
    del lab
    with pytest.raises(HttpResponseError) as refused:
        Arm(retries=0).get(VALUES, "2015-04-01", **{"$filter": wanted})
    assert refused.value.status_code == 400


def test_a_long_log_comes_in_pages(lab: Lab) -> None:
    storage = lab.make_storage("stactivitypages")
    for _ in range(105):
        lab.put(f"{storage}", {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
    assert len(written(storage)) == 106
