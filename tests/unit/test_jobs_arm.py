"""Azure Resource Manager by plain REST: where a token is sent."""

from __future__ import annotations

import pytest
from azure.core.exceptions import AzureError

from cloud import client as azure
from cloud.arm import Arm
from tests.unit.arm_fake import install

LIST = "/subscriptions/s/providers"
REGIONAL = "https://eastus2.api.azureml.ms/components"


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (LIST, "https://management.azure.com/more"),
        (REGIONAL, "https://eastus2.api.azureml.ms/more"),
        (REGIONAL, "https://management.azure.com/more"),
    ],
)
def test_a_list_goes_on_where_it_began_or_at_azure_resource_manager(
    monkeypatch: pytest.MonkeyPatch, first: str, more: str
) -> None:
    arm = install(monkeypatch)
    arm.get(first, {"value": [1], "nextLink": f"{more}?page=2"})
    arm.get(more, {"value": [2]})
    assert Arm().items(first, "2021-04-01") == [1, 2]


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/more",
        "https://management.azure.com.example.com/more",
        "https://management.azure.com@example.com/more",
        "http://management.azure.com/more",
    ],
)
def test_no_token_is_sent_anywhere_else(monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1], "nextLink": link})
    arm.get(link, {"value": [2]})
    with pytest.raises(AzureError, match="leads to another host"):
        Arm().items(LIST, "2021-04-01")
    assert len(arm.sent) == 1


def test_the_fake_refuses_an_api_version_that_azure_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1]})
    assert Arm().items(LIST, "2021-04-01") == [1]
    with pytest.raises(AzureError, match="InvalidApiVersionParameter"):
        Arm().items(LIST, "2021-04-01x")


def test_nothing_is_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    waited: list[float] = []

    def in_vain(poller: object, stop: object, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(azure, "wait_for", in_vain)
    operation = "https://management.azure.com/operations/1"
    arm.then("DELETE", "/x", (202, {"Azure-AsyncOperation": operation}, None))
    arm.get(operation, {"status": "Succeeded"})
    with pytest.raises(AzureError, match="has not ended DELETE after 2 h; it may go on there"):
        Arm().delete("/x", "2021-04-01")
    assert Arm().run("DELETE", "/x", {"api-version": "2021-04-01"}, seconds=60) is None
    assert waited == [7200, 60]
