"""What a stack's settings name and others have made, for a rehearsal: their network, zones, key, as they would be.

Made by plain requests, and none of the stack's: what is there before the first `up` has to be there after the destroy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from emulator.machine.home import CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID, Home, Ports
from settings.estate.existing import AzureId
from settings.estate.zones import ALL_ZONES

_SUBSCRIPTION = re.compile(r"/subscriptions/[0-9a-f-]{36}", re.IGNORECASE)
SETTINGS = "finetune-phi:privateEndpoints", "finetune-phi:encryption"
CRYPTO_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def here(config: Any) -> Any:
    """The same settings with ids of the emulator's subscription, the only one that there is here."""
    if isinstance(config, dict):
        return {key: here(value) for key, value in config.items()}
    if isinstance(config, list):
        return [here(each) for each in config]
    return _SUBSCRIPTION.sub(f"/subscriptions/{SUBSCRIPTION_ID}", config) if isinstance(config, str) else config


def make(home: Home, ports: Ports, settings: Mapping[str, Any]) -> list[str]:
    """Makes what the settings name, in effect and with `here`'s ids; returns what that is, in words."""
    private, own = (settings.get(key) or {} for key in SETTINGS)
    if not private.get("subnet") and not own.get("vault"):
        return []
    with _Others(home, ports, settings["azure-native:location"]) as others:
        return [*others.network(private), *others.key(own)]


class _Others:
    """Whoever has made it: the one caller of the emulator, by hand."""

    def __init__(self, home: Home, ports: Ports, location: str) -> None:
        self._location = location
        self._client = httpx.Client(
            proxy=f"http://127.0.0.1:{ports.proxy}", verify=str(home.ca_file), trust_env=False, timeout=60
        )
        signed_in = self._client.post(
            f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": home.secret("client-secret"),
                "scope": "https://management.azure.com/.default",
            },
        )
        self._client.headers["Authorization"] = f"Bearer {signed_in.raise_for_status().json()['access_token']}"

    def __enter__(self) -> _Others:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _put(self, id_: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._client.put(f"https://management.azure.com{id_}", params={"api-version": version}, json=body)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    def _in_group(self, id_: str) -> AzureId:
        found = AzureId.of(id_)
        assert found is not None  # the settings have checked it
        group = f"/subscriptions/{found.subscription_id}/resourceGroups/{found.group}"
        self._put(group, "2024-03-01", {"location": self._location})
        return found

    def network(self, private: Mapping[str, Any]) -> list[str]:
        subnet, zones = str(private.get("subnet") or ""), str(private.get("zones") or "")
        if not subnet:
            return []
        self._in_group(subnet)
        network, _, name = subnet.rpartition("/subnets/")
        addresses = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
        subnets = [{"name": name, "properties": {"addressPrefix": "10.0.0.0/24"}}]
        body = {"location": self._location, "properties": {**addresses, "subnets": subnets}}
        self._put(network, "2024-05-01", body)
        if not zones.startswith("/"):
            return ["a virtual network"]
        self._in_group(zones)
        for zone in ALL_ZONES:
            at = f"{zones}/providers/Microsoft.Network/privateDnsZones/{zone}"
            self._put(at, "2024-06-01", {"location": "global"})
            link = {"location": "global", "properties": {"virtualNetwork": {"id": network}}}
            self._put(f"{at}/virtualNetworkLinks/ours", "2024-06-01", link)
        return ["a virtual network", "private DNS zones"]

    def key(self, own: Mapping[str, Any]) -> list[str]:
        vault, identity = str(own.get("vault") or ""), str(own.get("identity") or "")
        if not vault:
            return []
        self._in_group(vault)
        properties = {
            "tenantId": TENANT_ID,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
            "enablePurgeProtection": True,
        }
        self._put(vault, "2024-11-01", {"location": self._location, "properties": properties})
        name = str(own["key"]).rsplit("/", 2)[-2]
        self._put(f"{vault}/keys/{name}", "2024-11-01", {"properties": {"kty": "RSA"}})
        if identity:
            self._in_group(identity)
            made = self._put(identity, "2023-01-31", {"location": self._location})
            role = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{CRYPTO_USER}"
            granted = {"roleDefinitionId": role, "principalId": made["properties"]["principalId"]}
            where = f"{vault}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000e5"
            self._put(where, "2022-04-01", {"properties": {**granted, "principalType": "ServicePrincipal"}})
        return ["a key"]
