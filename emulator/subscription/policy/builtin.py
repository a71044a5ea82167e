"""Some of the built-in definitions, as Azure/azure-policy has them (2026-04-29), in words of the emulator's own."""

from __future__ import annotations

from typing import Any

PREFIX = "/providers/Microsoft.Authorization/policyDefinitions/"
_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
_ACCOUNTS, _STORAGE = "Microsoft.CognitiveServices/accounts", "Microsoft.Storage/storageAccounts"
_REGISTRIES, _VAULTS = "Microsoft.ContainerRegistry/registries", "Microsoft.KeyVault/vaults"
_EFFECT = "[parameters('effect')]"
_TAG, _INHERITED = "[concat('tags[', parameters('tagName'), ']')]", "[resourceGroup().tags[parameters('tagName')]]"


def _is(kind: str) -> dict[str, Any]:
    return {"field": "type", "equals": kind}


def _definition(
    name: str, title: str, rule: Any, mode: str = "Indexed", effect: str = "Audit", then: Any = None, **parameters: Any
) -> tuple[str, dict[str, Any]]:
    own: dict[str, Any] = dict(parameters)
    if then is None:
        own["effect"] = {"type": "String", "allowedValues": ["Audit", "Deny", "Disabled"], "defaultValue": effect}
    properties = {
        "displayName": title,
        "policyType": "BuiltIn",
        "mode": mode,
        "parameters": own,
        "policyRule": {"if": rule, "then": then or {"effect": _EFFECT}},
    }
    return f"{PREFIX}{name}", {
        "id": f"{PREFIX}{name}",
        "name": name,
        "type": "Microsoft.Authorization/policyDefinitions",
        "properties": properties,
    }


def _all(*conditions: Any) -> dict[str, Any]:
    return {"allOf": list(conditions)}


def _other(field: str, value: Any) -> dict[str, Any]:
    return {"field": field, "notEquals": value}


_TEXT = {"type": "String"}
BUILT_IN = dict(
    (
        _definition(
            "438c38d2-3772-465a-a9cc-7a6666a275ce",
            "Azure Machine Learning Workspaces should disable public network access",
            _all(_is(_WORKSPACES), _other(f"{_WORKSPACES}/publicNetworkAccess", "Disabled")),
        ),
        _definition(
            "ba769a63-b8cc-4b2d-abf6-ac33c7204be8",
            "Azure Machine Learning workspaces should be encrypted with a customer-managed key",
            _all(_is(_WORKSPACES), _other("kind", "project"), _other(f"{_WORKSPACES}/encryption.status", "enabled")),
        ),
        _definition(
            "e96a9a5f-07ca-471b-9bc5-6a0f33cbd68f",
            "Azure Machine Learning Computes should have local authentication methods disabled",
            _all(
                _is(f"{_WORKSPACES}/computes"),
                {"field": f"{_WORKSPACES}/computes/computeType", "in": ["ComputeInstance", "AmlCompute"]},
                _other(f"{_WORKSPACES}/computes/disableLocalAuth", True),
            ),
            mode="All",
        ),
        _definition(
            "6ddb1705-c8cf-450e-aa4b-19ad6703c440",
            "Azure Machine Learning and Ai Studio should use Allow Only Approved Outbound Managed Vnet mode",
            _all(
                _is(_WORKSPACES), _other(f"{_WORKSPACES}/managedNetwork.isolationMode", "[parameters('isolationMode')]")
            ),
            isolationMode={**_TEXT, "defaultValue": "Disabled"},
        ),
        _definition(
            "71ef260a-8f18-47b7-abcb-62d0673d94dc",
            "Azure AI Services resources should have key access disabled (disable local authentication)",
            _all(_is(_ACCOUNTS), _other(f"{_ACCOUNTS}/disableLocalAuth", True)),
        ),
        _definition(
            "34c877ad-507e-4c82-993e-3452a6e0ad3c",
            "Storage accounts should restrict network access",
            _all(_is(_STORAGE), _other(f"{_STORAGE}/networkAcls.defaultAction", "Deny")),
        ),
        _definition(
            "8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54",
            "Storage accounts should prevent shared key access",
            _all(_is(_STORAGE), _other(f"{_STORAGE}/allowSharedKeyAccess", "false")),
        ),
        _definition(
            "405c5871-3e91-4644-8a63-58e19d68ff5b",
            "Azure Key Vault should disable public network access",
            _all(
                _is(_VAULTS),
                {"not": {"field": f"{_VAULTS}/createMode", "equals": "recover"}},
                {"value": "[requestContext().apiVersion]", "greaterOrEquals": "2021-06-01-preview"},
                _other(f"{_VAULTS}/publicNetworkAccess", "Disabled"),
            ),
        ),
        _definition(
            "0fdf0491-d080-4575-b627-ad0e843cba0f",
            "Public network access should be disabled for Container registries",
            _all(_is(_REGISTRIES), _other(f"{_REGISTRIES}/publicNetworkAccess", "Disabled")),
        ),
        _definition(
            "e56962a6-4747-49cd-b67b-bf8b01975c4c",
            "Allowed locations",
            _all(
                {"field": "location", "notIn": "[parameters('listOfAllowedLocations')]"}, _other("location", "global")
            ),
            effect="Deny",
            listOfAllowedLocations={"type": "Array"},
        ),
        _definition(
            "871b6d14-10aa-478d-b590-94f262ecfa99",
            "Require a tag on resources",
            {"field": _TAG, "exists": "false"},
            then={"effect": "deny"},
            tagName=_TEXT,
        ),
        _definition(
            "cd3aa116-8754-49c9-a813-ad46512ece54",
            "Inherit a tag from the resource group",
            _all({"field": _TAG, "notEquals": _INHERITED}, {"value": _INHERITED, "notEquals": ""}),
            then={
                "effect": "modify",
                "details": {"operations": [{"operation": "addOrReplace", "field": _TAG, "value": _INHERITED}]},
            },
            tagName=_TEXT,
        ),
        _definition(
            "a10ee784-7409-4941-b091-663697637c0f",
            "Configure Azure Machine Learning Workspaces to disable public network access",
            _all(_is(_WORKSPACES), _other(f"{_WORKSPACES}/publicNetworkAccess", "Disabled")),
            then={
                "effect": "modify",
                "details": {
                    "operations": [
                        {
                            "condition": "[greaterOrEquals(requestContext().apiVersion, '2021-10-01')]",
                            "operation": "addOrReplace",
                            "field": f"{_WORKSPACES}/publicNetworkAccess",
                            "value": "Disabled",
                        }
                    ]
                },
            },
        ),
    )
)
"""By id. An alias that Azure compares twice, for being there and for its value, is compared once."""
