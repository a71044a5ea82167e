"""What the provider's server answers the engine: functions, types nobody knows, and errors in words."""

from __future__ import annotations

from typing import Any

import pytest
from provider_calls import ENDPOINT, GROUP, INPUTS, STORAGE, STORE, check, create
from pulumi.provider.experimental import provider as protocol
from pulumi.runtime.proto import provider_pb2

from emulator.provider import __main__ as program
from emulator.provider.errors import ArmError, ProviderError, describe
from emulator.provider.provider import AzureNative
from emulator.provider.server import Servicer
from emulator.provider.values import from_plain, map_from_plain, map_to_plain
from tests.provided import Arm, run


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
