"""Every row of the provider's table: its request, its outputs, and that the SDK agrees with it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from provider_examples import IDENTITY_OUT, IN_WORKSPACE, REQUESTS, SUB, W

from emulator.provider import shapes
from emulator.provider.resources import FUNCTIONS, RESOURCES
from emulator.provider.values import UNKNOWN, map_from_plain, map_to_plain


@pytest.mark.parametrize(("token", "inputs", "path", "body"), REQUESTS, ids=[r[0] for r in REQUESTS])
def test_request_and_back(token: str, inputs: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    row = RESOURCES[f"azure-native:{token}"]
    checked = {**inputs, "azureApiVersion": row.api_version, "__createBeforeDelete": True}
    assert shapes.fill_path(row.path, checked, SUB) == path
    assert shapes.body(row, checked) == body
    named = {k: v for k, v in inputs.items() if k in row.path_parameters}
    assert shapes.parse_id(row.path, path.upper().replace("PHI", "phi")).keys() == named.keys()
    assert shapes.parse_id(row.path, path) == named
    answer = {"id": path, "name": "n", "type": "T", **body}
    shaped = shapes.outputs(row, answer)
    expected = {k: v for k, v in inputs.items() if k not in row.path_parameters}
    if "identity" in expected:
        expected["identity"] = IDENTITY_OUT
    assert shaped == {**expected, "id": path, "name": "n", "type": "T", "azureApiVersion": row.api_version}


def test_every_type_has_an_example() -> None:
    assert {f"azure-native:{r[0]}" for r in REQUESTS} == set(RESOURCES)


def _sdk_source(token: str, prefix: str = "") -> str:
    _, module, name = token.split(":")
    spec = importlib.util.find_spec("pulumi_azure_native")
    assert spec is not None and spec.submodule_search_locations
    stem = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return Path(spec.submodule_search_locations[0], module, f"{prefix}{stem}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("token", RESOURCES)
def test_table_agrees_with_the_sdk(token: str) -> None:
    row, source = RESOURCES[token], _sdk_source(token)
    version = re.search(r"Uses Azure REST API version ([\w-]+)\.", source)
    assert version and version[1] == row.api_version
    resource = re.search(r"class \w+Args:(.*?)\nclass ", source, re.S)
    assert resource
    getter = r'@pulumi\.getter(?:\(name="(\w+)"\))?\s+def (\w+)'
    arguments = {a or b for a, b in re.findall(getter, resource[1].split("@pulumi.type_token")[0])}
    outputs = {a or b for a, b in re.findall(getter, source[source.index("def get(resource_name") :])}
    assert set(row.path_parameters) <= arguments
    assert row.takes_properties == ("properties" in outputs)
    assert row.default_location <= ("location" in arguments)
    assert {n for n in row.wire_names if "." not in n} <= arguments | outputs


@pytest.mark.parametrize("token", FUNCTIONS)
def test_functions_agree_with_the_sdk(token: str) -> None:
    function, source = FUNCTIONS[token], _sdk_source(token)
    sent = set(re.findall(r"__args__\['(\w+)'\]", source))
    version = re.search(r"Uses Azure REST API version ([\w-]+)\.", source)
    assert version and version[1] == function.api_version
    assert set(re.findall(r"\{(\w+)\}", function.path)) - {"subscriptionId"} <= sent


def test_path_refuses_a_missing_parameter() -> None:
    row = RESOURCES["azure-native:machinelearningservices:OnlineEndpoint"]
    with pytest.raises(ValueError, match="missing required property 'workspaceName'"):
        shapes.fill_path(row.path, {"resourceGroupName": "g", "endpointName": "e"}, SUB)


def test_id_of_another_type_is_refused() -> None:
    row = RESOURCES["azure-native:storage:StorageAccount"]
    with pytest.raises(ValueError, match="is not an id of the form"):
        shapes.parse_id(row.path, W)


def test_outputs_flatten_without_nulls_and_keep_the_envelope() -> None:
    row = RESOURCES["azure-native:applicationinsights:Component"]
    answer = {
        "name": "phi-ai",
        "etag": None,
        "properties": {"Name": "other", "name": "inner", "ConnectionString": "c", "TenantId": "t"},
    }
    shaped = shapes.outputs(row, answer)
    assert shaped["name"] == "phi-ai"
    assert shaped["connectionString"] == "c"
    assert shaped["tenantId"] == "t"
    assert "etag" not in shaped and "properties" not in shaped


def test_preview_hides_objects_that_azure_adds_to() -> None:
    row = RESOURCES["azure-native:machinelearningservices:OnlineEndpoint"]
    inputs = {
        **IN_WORKSPACE,
        "endpointName": "e",
        "location": "eastus2",
        "tags": {"a": "b"},
        "properties": {"authMode": "Key"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [UNKNOWN]},
    }
    assert shapes.preview_outputs(row, inputs) == {
        "location": "eastus2",
        "tags": {"a": "b"},
        "properties": UNKNOWN,
        "identity": UNKNOWN,
        "azureApiVersion": row.api_version,
    }


def test_values_round_trip() -> None:
    plain = {"s": "x", "n": 3, "f": 0.5, "b": False, "l": [1, {"k": UNKNOWN}], "m": {}}
    assert map_to_plain(map_from_plain({**plain, "gone": None})) == plain
    assert isinstance(map_to_plain(map_from_plain({"n": 3}))["n"], int)
