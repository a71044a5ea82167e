"""What a deployment is refused for: machines, quota, probes, egress, and its endpoint's identity."""

from __future__ import annotations

from typing import Any

import isodate

from emulator.access.identities import check_deployment
from emulator.arm.errors import endpoint_invalid
from emulator.arm.paths import ArmPath
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.subscription import skus
from emulator.subscription.quota import Quota

PROBES = ("livenessProbe", "readinessProbe")
MAX_PERIOD = 300
"""Seconds between two probes have to be fewer."""


def admit(cloud: Cloud, path: ArmPath, body: dict[str, Any]) -> None:
    """Refuse what a deployment's body shows to be impossible.

    Raises:
        AzureError: 400 of endpoint validation.
    """
    sku = body.get("sku") or {}
    if sku.get("name") != "Default" or not sku.get("capacity"):
        raise endpoint_invalid("A deployment needs sku.name Default and sku.capacity.", "Sku")
    properties = body.get("properties", {})
    _admit_probes(properties)
    _admit_egress(cloud, path, properties)
    _admit_size(cloud, path, body)


def _admit_probes(properties: dict[str, Any]) -> None:
    for probe in PROBES:
        period = (properties.get(probe) or {}).get("period")
        seconds = int(isodate.parse_duration(period).total_seconds()) if period else 0
        if seconds >= MAX_PERIOD:
            name = probe[0].upper() + probe[1:]
            raise endpoint_invalid(
                f"Invalid value provided for Period Seconds for Probe: <{seconds}>. The value should be less than "
                f"{MAX_PERIOD}.",
                f"Properties.{name}.PeriodSeconds",
            )


def _admit_egress(cloud: Cloud, path: ArmPath, properties: dict[str, Any]) -> None:
    workspace = cloud.store.get(path.parent_id.rsplit("/", 2)[0])
    mode = ((workspace.properties.get("managedNetwork") or {}) if workspace else {}).get("isolationMode", "Disabled")
    if mode != "Disabled" and properties.get("egressPublicNetworkAccess") == "Disabled":
        raise endpoint_invalid(
            "The EgressPublicNetworkAccess under online deployment is no longer supported when your workspace is "
            "secured with managed virtual network."
        )


def _admit_size(cloud: Cloud, path: ArmPath, body: dict[str, Any]) -> None:
    name, place = str(body.get("properties", {}).get("instanceType") or ""), _region(cloud, path, body)
    sku = skus.find(name)
    if sku is None or not sku.endpoint or not sku.offered_in(place):
        why = f" The VM series was retired on {sku.family.retired}." if sku and sku.family.retired else ""
        offered = ", ".join(each.name for each in skus.offered(place) if each.endpoint)
        raise endpoint_invalid(f"Not supported VM size {name} in {place}.{why} Supported sizes: {offered}.", "VmSize")
    usage = Quota(cloud.store)
    limit, used = usage.limit(sku.family, place), usage.used(sku.family, place, without=path.id)
    needed = sku.reserved(int(body["sku"]["capacity"])) * sku.cores
    if needed > limit - used:
        raise endpoint_invalid(
            f"Not enough quota available for {sku.name} in SubscriptionId {path.subscription}. Current usage/limit: "
            f"{used}/{limit}. Additional needed: {needed} Please see troubleshooting guide, available here: "
            "https://aka.ms/oe-tsg#error-outofquota",
            "VmSize",
        )


def _region(cloud: Cloud, path: ArmPath, body: dict[str, Any]) -> str:
    endpoint = cloud.store.get(path.parent_id)
    location = body.get("location") or (endpoint.body.get("location") if endpoint else "")
    return str(location).replace(" ", "").lower()


def check_identity(cloud: Cloud, deployment: Resource, workspace_id: str) -> None:
    """Refuse to deploy for an endpoint whose user-assigned identity lacks a role.

    Raises:
        AzureError: BadArgument, which fails the operation.
    """
    endpoint = cloud.store.get(deployment.id[: deployment.id.lower().rindex("/deployments/")])
    workspace = cloud.store.get(workspace_id)
    if endpoint is not None and workspace is not None:
        check_deployment(cloud.store, endpoint, workspace)
