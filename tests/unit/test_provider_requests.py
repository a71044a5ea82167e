"""What the provider answers to each request of the engine, over an ARM held in a dictionary."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.provider.experimental import provider as protocol
from pulumi.runtime.proto import provider_pb2

from emulator.provider import __main__ as program
from emulator.provider.errors import ArmError, PartlyCreated, ProviderError, describe
from emulator.provider.provider import AzureNative
from emulator.provider.server import Servicer
from emulator.provider.values import UNKNOWN, from_plain, map_from_plain, map_to_plain
from tests.provided import Arm, Direct, run

SUB = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUB}/resourceGroups/phi-rg"
STORE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/phistore"
ENDPOINT = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/phi-ws/onlineEndpoints/phi-ep"
INPUTS = {"resourceGroupName": "phi-rg", "accountName": "phistore", "kind": "StorageV2", "location": "eastus2"}
STORAGE = "urn:pulumi:t::p::p:infra:Foundation$azure-native:storage:StorageAccount::store"
ONLINE = "urn:pulumi:t::p::p:infra:Serving$azure-native:machinelearningservices:OnlineEndpoint::ep"


@pytest.fixture
def arm() -> Arm:
    return Arm()


@pytest.fixture
def said() -> list[str]:
    """What the user is warned of."""
    return []


@pytest.fixture
def provider(arm: Arm, said: list[str]) -> AzureNative:
    made = Direct(connect=lambda subscription, cancelled: arm, warn=said.append)
    variables = {"azure-native:config:location": "eastus2", "azure-native:config:subscriptionId": SUB}
    answer = run(made.configure(protocol.ConfigureRequest(variables, {}, True, True)))
    assert answer.supports_preview and not answer.accept_secrets and not answer.accept_outputs
    return made


def check(provider: AzureNative, urn: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
    request = protocol.CheckRequest(urn, map_from_plain(old or {}), map_from_plain(new), b"seed")
    answer = run(provider.check(request))
    return map_to_plain(answer.inputs or {}), [(f.property, f.reason) for f in answer.failures or []]


def create(provider: AzureNative, inputs: dict[str, Any], preview: bool = False, urn: str = STORAGE) -> Any:
    return run(provider.create(protocol.CreateRequest(urn, map_from_plain(inputs), 0, preview)))


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


def invoke(provider: AzureNative, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
    request = protocol.InvokeRequest(f"azure-native:{token}", map_from_plain(arguments))
    return map_to_plain(run(provider.invoke(request)).return_value or {})


def test_functions(provider: AzureNative, arm: Arm) -> None:
    where = {"resourceGroupName": "phi-rg", "workspaceName": "phi-ws", "endpointName": "phi-ep"}
    keys = invoke(provider, "machinelearningservices:listOnlineEndpointKeys", where)
    assert keys == {"primaryKey": "k1", "secondaryKey": "k2"}
    assert arm.calls == [f"POST {ENDPOINT}/listKeys 2025-12-01"]
    arm.resources[GROUP] = {"id": GROUP, "location": "eastus2"}
    found = invoke(provider, "resources:getResourceGroup", {"resourceGroupName": "phi-rg"})
    assert found["location"] == "eastus2" and found["azureApiVersion"] == "2024-03-01"
    with pytest.raises(ProviderError, match='Status=404 Code="ResourceNotFound"'):
        invoke(provider, "resources:getResourceGroup", {"resourceGroupName": "other"})
    with pytest.raises(ProviderError, match="no function azure-native:web:getApp"):
        invoke(provider, "web:getApp", {})


def test_unknown_type_is_explained(provider: AzureNative) -> None:
    with pytest.raises(ProviderError, match="no resource type azure-native:web:App"):
        check(provider, "urn:pulumi:t::p::azure-native:web:App::a", {})


def test_missing_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID", raising=False)
    with pytest.raises(ProviderError, match="ARM_SUBSCRIPTION_ID"):
        create(AzureNative(), INPUTS)


class Aborted(Exception):
    """Raised by the context as grpc does, so that nothing after it runs."""


class Context:
    def __init__(self) -> None:
        self.said: tuple[Any, ...] = ()

    async def abort(self, *said: Any) -> None:
        self.said = said
        raise Aborted


def struct(values: dict[str, Any]) -> Any:
    return from_plain(values).marshal().struct_value


def test_server_compares_inputs_with_inputs(provider: AzureNative) -> None:
    servicer = Servicer([], "3.29.0", provider, "")
    request = provider_pb2.DiffRequest(
        urn=STORAGE, olds=struct({"provisioningState": "x"}), old_inputs=struct(INPUTS), news=struct(INPUTS)
    )
    assert run(servicer.Diff(request, Context())).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_server_says_the_message_alone_and_records_what_exists(provider: AzureNative, arm: Arm) -> None:
    servicer, context = Servicer([], "3.29.0", provider, ""), Context()
    request = provider_pb2.CreateRequest(urn=STORAGE, properties=struct(INPUTS))
    arm.failing = ArmError("refused, and why")
    with pytest.raises(Aborted):
        run(servicer.Create(request, context))
    assert context.said[1:] == ("refused, and why",)
    arm.failing = ArmError("failed later", accepted=True)
    with pytest.raises(Aborted):
        run(servicer.Create(request, context))
    ((key, status),) = context.said[2]
    assert key == "grpc-status-details-bin" and STORE.encode() in status


def test_error_bodies() -> None:
    nested = '{"error":{"code":"A","message":"m","details":[{"code":"B","message":"n"}]}}'
    assert describe(nested) == 'Code="A" Message="m" Details=[Code="B" Message="n"]'
    assert describe('{"code":"A","message":"m"}') == 'Code="A" Message="m"'
    assert describe("upstream request timeout") == "upstream request timeout"
    assert describe("") == "(no body)"
    failed = ArmError.from_answer("PUT", "/x", 200, '{"status":"Failed","error":{"code":"A","message":"m"}}')
    assert str(failed) == 'PUT /x: Code="A" Message="m"'


def test_refuses_to_run_outside_the_emulator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EMULATOR_HOME", raising=False)
    assert program.main() == 1
    said = capsys.readouterr().err
    assert "emulator exec" in said and "pulumi plugin install resource azure-native 3.29.0" in said
