"""What the provider asks of ARM for each of the engine's calls, and what it records."""

from __future__ import annotations

from typing import Any

import pytest
from provider_calls import ENDPOINT, GROUP, INPUTS, STORAGE, STORE, SUB, check, create
from pulumi.provider.experimental import provider as protocol

from emulator.provider.errors import ArmError, PartlyCreated, ProviderError
from emulator.provider.provider import AzureNative
from emulator.provider.values import UNKNOWN, map_from_plain, map_to_plain
from tests.provided import Arm, Direct, run

ONLINE = "urn:pulumi:t::p::p:infra:Serving$azure-native:machinelearningservices:OnlineEndpoint::ep"


def test_check_fills_in_name_location_and_version(provider: AzureNative) -> None:
    inputs, failures = check(provider, STORAGE, {"resourceGroupName": UNKNOWN, "kind": "StorageV2"})
    assert not failures
    assert inputs.pop("accountName").startswith("store")
    assert inputs == {
        "resourceGroupName": UNKNOWN,
        "kind": "StorageV2",
        "location": "eastus2",
        "azureApiVersion": "2024-01-01",
        "__createBeforeDelete": True,
    }


def test_check_keeps_the_made_up_name(provider: AzureNative) -> None:
    first, _ = check(provider, STORAGE, {"resourceGroupName": "phi-rg"})
    again, _ = check(provider, STORAGE, {"resourceGroupName": "phi-rg"}, {**first, "accountName": "store01"})
    assert again["accountName"] == "store01" and again["__createBeforeDelete"] is True
    named, _ = check(provider, STORAGE, {"resourceGroupName": "phi-rg", "accountName": "phistore"}, first)
    assert "__createBeforeDelete" not in named


def test_check_takes_the_location_of_the_group(arm: Arm) -> None:
    provider = Direct(connect=lambda subscription, cancelled: arm)
    run(provider.configure(protocol.ConfigureRequest({"azure-native:config:subscriptionId": SUB}, {}, True, True)))
    arm.resources[GROUP] = {"location": "westus3"}
    for _ in range(2):
        inputs, failures = check(provider, STORAGE, {"resourceGroupName": "phi-rg"})
        assert inputs["location"] == "westus3" and not failures
    assert arm.calls == [f"GET {GROUP} 2024-03-01"]
    inputs, failures = check(provider, STORAGE, {"resourceGroupName": "nosuch"})
    assert failures[0][0] == "location" and "pulumi config set azure-native:location" in failures[0][1]


def test_check_names_what_is_missing(provider: AzureNative) -> None:
    _, failures = check(provider, ONLINE, {"resourceGroupName": "phi-rg", "properties": {"authMode": "Key"}})
    assert failures == [("workspaceName", "missing required property 'workspaceName'")]


def test_create_puts_and_reads_back(provider: AzureNative, arm: Arm) -> None:
    answer = create(provider, INPUTS)
    assert answer.resource_id == STORE
    assert map_to_plain(answer.properties)["provisioningState"] == "Succeeded"
    assert arm.calls == [f"GET {STORE} 2024-01-01", f"PUT {STORE} 2024-01-01", f"GET {STORE} 2024-01-01"]


def test_create_never_takes_over_what_exists(provider: AzureNative, arm: Arm) -> None:
    arm.resources[STORE] = {"id": STORE}
    with pytest.raises(ProviderError, match=f"cannot create already existing resource '{STORE}'"):
        create(provider, INPUTS)


def test_preview_asks_azure_nothing(provider: AzureNative, arm: Arm) -> None:
    answer = create(provider, {**INPUTS, "resourceGroupName": UNKNOWN}, preview=True)
    assert answer.resource_id is None
    assert map_to_plain(answer.properties) == {
        "kind": "StorageV2",
        "location": "eastus2",
        "azureApiVersion": "2024-01-01",
    }
    assert arm.calls == []


def test_preview_of_an_update_keeps_the_name(provider: AzureNative) -> None:
    old = map_from_plain({"name": "phistore", "location": "eastus2", "primaryLocation": "eastus2"})
    request = protocol.UpdateRequest(STORAGE, STORE, old, map_from_plain(INPUTS), 0, [], True)
    shown = map_to_plain(run(provider.update(request)).properties)
    assert shown["name"] == "phistore" and "primaryLocation" not in shown


def test_refused_create_leaves_nothing(provider: AzureNative, arm: Arm) -> None:
    arm.failing = ArmError.from_answer("PUT", STORE, 409, '{"error":{"code":"C","message":"taken"}}')
    with pytest.raises(ArmError) as refused:
        create(provider, INPUTS)
    assert str(refused.value) == f'PUT {STORE}: Status=409 Code="C" Message="taken"'


def test_create_that_fails_later_is_recorded(provider: AzureNative, arm: Arm) -> None:
    arm.failing = ArmError("out of capacity", accepted=True)
    with pytest.raises(PartlyCreated) as partly:
        create(provider, INPUTS)
    assert partly.value.resource_id == STORE
    assert partly.value.inputs == INPUTS and partly.value.outputs["name"] == "phistore"


def test_what_was_accepted_is_recorded_though_nothing_can_be_read_back(provider: AzureNative, arm: Arm) -> None:
    arm.failing, arm.unreadable = ArmError("timed out", accepted=True), ArmError("no answer")
    with pytest.raises(PartlyCreated, match="timed out") as partly:
        create(provider, INPUTS)
    assert (partly.value.resource_id, partly.value.outputs, partly.value.inputs) == (STORE, {}, INPUTS)


def test_after_cancel_the_outputs_are_empty(provider: AzureNative, arm: Arm) -> None:
    arm.failing = ArmError("cancelled", accepted=True)
    run(provider.cancel())
    with pytest.raises(PartlyCreated) as partly:
        create(provider, INPUTS)
    assert (partly.value.resource_id, partly.value.outputs) == (STORE, {})


def test_after_a_success_that_cannot_be_read_back_the_raw_answer_stays_with_a_warning(
    provider: AzureNative, arm: Arm, said: list[str]
) -> None:
    arm.unreadable = ArmError("GET: Status=503")
    made = map_to_plain(create(provider, {**INPUTS, "minimumTlsVersion": "TLS1_2"}).properties)
    assert made["properties"] == {"minimumTlsVersion": "TLS1_2", "provisioningState": "Succeeded"}
    assert "minimumTlsVersion" not in made, "no property of the SDK's, to which a program's other resources refer"
    assert said == ["Failed to read resource after Create or Update. Please report this issue: GET: Status=503"]


def update(provider: AzureNative, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
    request = protocol.UpdateRequest(STORAGE, STORE, map_from_plain(outputs), map_from_plain(inputs), 0, [], False)
    run(provider.update(request))


def test_an_update_opens_the_storage_firewall_that_the_program_does_not_name(provider: AzureNative, arm: Arm) -> None:
    closed = {"bypass": "None", "defaultAction": "Deny"}
    update(provider, {"networkRuleSet": closed}, INPUTS)
    opened = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
    assert arm.bodies[-1]["properties"] == {"networkAcls": opened}
    update(provider, {"networkRuleSet": closed}, {**INPUTS, "networkRuleSet": closed})
    assert arm.bodies[-1]["properties"] == {"networkAcls": closed}
    update(provider, {}, INPUTS)
    assert "properties" not in arm.bodies[-1]


def read(provider: AzureNative, path: str, outputs: dict[str, Any], inputs: dict[str, Any]) -> Any:
    request = protocol.ReadRequest(ONLINE, path, map_from_plain(outputs), map_from_plain(inputs))
    return run(provider.read(request))


def test_refresh_of_a_deleted_resource(provider: AzureNative) -> None:
    assert read(provider, ENDPOINT, {}, {}).resource_id == ""


@pytest.mark.parametrize("code", ["UserError", "FederatedIdentityCredentialNotFound", ""])
def test_refresh_takes_no_other_404_for_a_deletion(provider: AzureNative, arm: Arm, code: str) -> None:
    arm.code = code
    with pytest.raises(ProviderError, match=f'Status=404 Code="{code}" Message="not here"'):
        read(provider, ENDPOINT, {}, {})


def test_a_404_of_whatever_code_lets_a_create_begin(provider: AzureNative, arm: Arm) -> None:
    arm.code = "UserError"
    assert create(provider, INPUTS).resource_id == STORE


def test_refresh_takes_over_live_traffic_and_import_finds_the_inputs(provider: AzureNative, arm: Arm) -> None:
    inputs = {
        "resourceGroupName": "phi-rg",
        "workspaceName": "phi-ws",
        "endpointName": "phi-ep",
        "location": "eastus2",
        "properties": {"authMode": "Key"},
    }
    outputs = map_to_plain(create(provider, inputs, urn=ONLINE).properties)
    assert map_to_plain(read(provider, ENDPOINT, outputs, inputs).inputs) == inputs
    arm.resources[ENDPOINT]["properties"]["traffic"] = {"m1": 100}
    live = {**inputs, "properties": {"authMode": "Key", "traffic": {"m1": 100}}}
    assert map_to_plain(read(provider, ENDPOINT, outputs, inputs).inputs) == live
    imported = map_to_plain(read(provider, ENDPOINT, {}, {}).inputs)
    assert imported == {**live, "azureApiVersion": "2025-12-01"}


def test_refresh_leaves_credentials_that_azure_does_not_tell(provider: AzureNative, arm: Arm) -> None:
    path = ENDPOINT.replace("onlineEndpoints/phi-ep", "connections/phi")
    told = {"authType": "CustomKeys", "credentials": None}
    arm.resources[path] = {"id": path, "name": "phi", "properties": told}
    inputs = {
        "resourceGroupName": "phi-rg",
        "workspaceName": "phi-ws",
        "connectionName": "phi",
        "properties": {"authType": "CustomKeys", "credentials": {"keys": {"key": "k"}}},
    }
    urn = "urn:pulumi:t::p::azure-native:machinelearningservices:WorkspaceConnection::c"
    state = {"name": "phi", "properties": {"authType": "CustomKeys", "provisioningState": "Updating"}}
    request = protocol.ReadRequest(urn, path, map_from_plain(state), map_from_plain(inputs))
    assert map_to_plain(run(provider.read(request)).inputs) == inputs
