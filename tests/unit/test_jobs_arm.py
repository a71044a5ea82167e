"""Azure Resource Manager by plain REST: where a token is sent."""

from __future__ import annotations

import pytest
from azure.core.exceptions import AzureError

from jobs.arm import Arm
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
    with pytest.raises(AzureError, match="goes on at another host"):
        Arm().items(LIST, "2021-04-01")
    assert len(arm.sent) == 1


def test_the_fake_refuses_an_api_version_that_azure_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1]})
    assert Arm().items(LIST, "2021-04-01") == [1]
    with pytest.raises(AzureError, match="InvalidApiVersionParameter"):
        Arm().items(LIST, "2021-04-01x")
