"""A stack's state as Pulumi exports it, as far as recovery reads it."""

from __future__ import annotations

from typing import Any

SUB = "00000000-0000-4000-8000-0000000000a1"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
STACK = "urn:pulumi:local::p::pulumi:pulumi:Stack::p-local"
GROUP_URN = "urn:pulumi:local::p::g::group"
PROVIDER = "urn:pulumi:local::p::pulumi:providers:azure-native::default_3_29_0"


def resource(name: str, kind: str = "azure-native:keyvault:Vault", **inputs: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:local::p::{kind}::{name}",
        "type": kind,
        "custom": kind.startswith(("azure-native", "pulumi:providers")),
        "parent": STACK,
        "provider": f"{PROVIDER}::1234",
        "inputs": {"resourceGroupName": "rg", **inputs},
    }


def state(*more: dict[str, Any]) -> dict[str, Any]:
    stack = {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False}
    provider = {"urn": PROVIDER, "type": "pulumi:providers:azure-native", "custom": True, "id": "1234"}
    group = {"urn": GROUP_URN, "type": "g", "custom": True, "id": GROUP}
    return {"resources": [stack, provider, group, *more]}
