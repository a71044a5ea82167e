"""What the program will ask Azure for, as far as policies look at it: tests/program compares with what it declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloud.catalogue import (
    AI_SERVICES,
    APPLICATION_INSIGHTS,
    CLUSTER,
    ENDPOINT,
    HUB,
    IDENTITY,
    LOG_WORKSPACE,
    PROJECT,
    REGISTRY,
    RESOURCE_GROUP,
    STORAGE,
    VAULT,
    WORKSPACE,
    ResourceType,
)
from jobs.preflight.spec import Planned
from settings.estate.existing import not_made

if TYPE_CHECKING:
    from cloud.place import Place
    from settings.stack import Settings

_CLOSED = {"publicNetworkAccess": "Disabled"}
_DENY = {"networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}


def declared(settings: Settings, place: Place) -> tuple[Planned, ...]:
    """What the stack makes itself, each with its type, name, region, tags and what decides who reaches and reads it."""
    theirs = not_made(place.existing)
    every = {
        "resource_group": (RESOURCE_GROUP, {}),
        "log_analytics": (LOG_WORKSPACE, {}),
        "application_insights": (APPLICATION_INSIGHTS, {"kind": "web"}),
        "storage_account": (STORAGE, _storage(settings)),
        "key_vault": (VAULT, {"properties": _vault(settings)}),
        "container_registry": (REGISTRY, _registry(settings)),
        "identity": (IDENTITY, {}),
        "ai_services": (AI_SERVICES, _ai_services(settings)),
        "workspace": (WORKSPACE, _workspace(settings, "Default")),
        "hub": (HUB, _workspace(settings, "Hub")),
        "project": (PROJECT, {"kind": "Project", "properties": _closed(settings)}),
        "cluster": (CLUSTER, {"properties": _cluster(settings)}),
        "endpoint": (ENDPOINT, {"properties": _endpoint(settings)}),
    }
    return tuple(_planned(place, of, row, own) for of, (row, own) in every.items() if of not in theirs)


def _planned(place: Place, of: str, row: ResourceType, own: dict[str, Any]) -> Planned:
    content = {"type": row.arm_type, "name": getattr(place.names, of), "location": place.location, **own}
    return Planned(label=row.label, version=row.version, content={**content, "tags": dict(place.tags)})


def _is_closed(settings: Settings) -> bool:
    return settings.network == "private"


def _closed(settings: Settings) -> dict[str, Any]:
    return dict(_CLOSED) if _is_closed(settings) else {}


def _storage(settings: Settings) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": settings.storage.shared_keys,
        "supportsHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
        **(_CLOSED | _DENY if _is_closed(settings) else {}),
    }
    if settings.encryption.key or settings.encryption.infrastructure:
        source = "Microsoft.Keyvault" if settings.encryption.key else "Microsoft.Storage"
        twice = {"requireInfrastructureEncryption": True} if settings.encryption.infrastructure else {}
        properties["encryption"] = {"keySource": source, **twice}
    return {"kind": "StorageV2", "sku": {"name": settings.storage.sku}, "properties": properties}


def _vault(settings: Settings) -> dict[str, Any]:
    return {
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": settings.vault.retention_days,
        **({"enablePurgeProtection": True} if settings.vault.purge_protection else {}),
        **(_CLOSED | _DENY if _is_closed(settings) else {"publicNetworkAccess": "enabled"}),
    }


def _registry(settings: Settings) -> dict[str, Any]:
    closed = _is_closed(settings)
    properties: dict[str, Any] = {
        "adminUserEnabled": False,
        "publicNetworkAccess": "Disabled" if closed else "Enabled",
        **({"policies": {"exportPolicy": {"status": "disabled"}}} if closed else {}),
        **({"encryption": {"status": "enabled"}} if settings.encryption.key else {}),
    }
    premium = closed or settings.encryption.key
    return {"sku": {"name": "Premium" if premium else "Standard"}, "properties": properties}


def _ai_services(settings: Settings) -> dict[str, Any]:
    properties = {
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
        **({} if settings.local_auth else {"disableLocalAuth": True}),
        **({"encryption": {"keySource": "Microsoft.KeyVault"}} if settings.encryption.key else {}),
    }
    return {"kind": "AIServices", "sku": {"name": "S0"}, "properties": properties}


def _workspace(settings: Settings, kind: str) -> dict[str, Any]:
    mode = "AllowOnlyApprovedOutbound" if settings.outbound.to == "approved" else "AllowInternetOutbound"
    properties = {
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
        **({"managedNetwork": {"isolationMode": mode}} if settings.network != "public" else {}),
        **({"hbiWorkspace": True} if settings.high_business_impact else {}),
        **({"encryption": {"status": "Enabled"}} if settings.encryption.key else {}),
        **({} if settings.storage.shared_keys else {"systemDatastoresAuthMode": "Identity"}),
    }
    return {"kind": kind, "properties": properties}


def _cluster(settings: Settings) -> dict[str, Any]:
    inner = {
        "vmSize": settings.compute.vm_size.upper(),
        "remoteLoginPortPublicAccess": "Disabled",
        "enableNodePublicIp": settings.network == "public",
    }
    shut = {} if settings.local_auth else {"disableLocalAuth": True}
    return {"computeType": "AmlCompute", **shut, "properties": inner}


def _endpoint(settings: Settings) -> dict[str, Any]:
    return {
        "authMode": "Key" if settings.local_auth else "AADToken",
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
    }


def fields() -> Iterator[tuple[str, str]]:
    """What of a resource a policy may look at, in lower case, and the setting that decides it; the first match counts.

    Without the type before it: `publicNetworkAccess` of whatever type.
    """
    yield "allowsharedkeyaccess", "finetune-phi:storage.sharedKeys: false, or finetune-phi:localAuth: false"
    yield "disablelocalauth", "finetune-phi:localAuth: false"
    yield "authmode", "finetune-phi:localAuth: false"
    yield "systemdatastoresauthmode", "finetune-phi:localAuth: false"
    yield "publicnetworkaccess", "finetune-phi:network: private"
    yield "networkacls", "finetune-phi:network: private"
    yield "exportpolicy", "finetune-phi:network: private"
    yield "isolationmode", "finetune-phi:network: managed, or finetune-phi:outbound.to: approved beside it"
    yield "enablenodepublicip", "finetune-phi:network: managed"
    yield "requireinfrastructureencryption", "finetune-phi:encryption.infrastructure: true"
    yield "encryption", "finetune-phi:encryption"
    yield "keysource", "finetune-phi:encryption"
    yield "hbiworkspace", "finetune-phi:highBusinessImpact: true"
    yield "enablepurgeprotection", "finetune-phi:vault.purgeProtection: true"
    yield "softdeleteretention", "finetune-phi:vault.retentionDays"
    yield "tags", "finetune-phi:tags, or finetune-phi:tagsFromElsewhere where another policy adds it"
    yield "location", "azure-native:location"
    yield "vmsize", "finetune-phi:compute.vmSize"
    yield "instancetype", "finetune-phi:serving.vmSize"
    yield "sku", "finetune-phi:storage.sku, or network and encryption for the registry's tier"
    yield "name", "finetune-phi:names"
