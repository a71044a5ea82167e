"""What the program will ask Azure for, as far as policies look at it: tests/program compares with what it declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from settings.sections.data import DATA_IDLE_SECONDS

if TYPE_CHECKING:
    from cloud.place import Place
    from settings.stack import Settings

_CLOSED = {"publicNetworkAccess": "Disabled"}
_Content = dict[str, Any]
_BASIC = {"name": "Basic", "tier": "Basic"}
_DENY = {"networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}


def declared(settings: Settings, place: Place) -> tuple[Planned, ...]:
    """What the stack makes itself, as far as policies look at it: what is left out is absent for a policy, and would be
    denied by one that asks for it. Azure's defaults that azure-native sends are in it, too.
    """
    theirs = not_made(place.existing)
    compute, data = settings.compute, settings.data
    gpu = _cluster(settings, place, compute.vm_size, (compute.min_nodes, compute.max_nodes, compute.idle_seconds))
    every: dict[str, tuple[ResourceType, _Content]] = {
        "resource_group": (RESOURCE_GROUP, {}),
        "log_analytics": (LOG_WORKSPACE, {"properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}),
        "application_insights": (APPLICATION_INSIGHTS, _insights(place)),
        "storage_account": (STORAGE, _storage(settings, place)),
        "key_vault": (VAULT, {"properties": _vault(settings)}),
        "container_registry": (REGISTRY, _registry(settings, place)),
        "identity": (IDENTITY, {}),
        "ai_services": (AI_SERVICES, _ai_services(settings, place)),
        "workspace": (WORKSPACE, _workspace(settings, place, "Default")),
        "hub": (HUB, _workspace(settings, place, "Hub")),
        "project": (PROJECT, _project(settings, place)),
        "cluster": (CLUSTER, gpu),
        "endpoint": (ENDPOINT, _endpoint(settings, place)),
    }
    if data.run_on == "cluster":
        cpu = _cluster(settings, place, data.cluster.vm_size, (0, data.cluster.max_nodes, DATA_IDLE_SECONDS))
        every["data_cluster"] = (replace(CLUSTER, label="data cluster"), cpu)
    return tuple(_planned(place, of, row, own) for of, (row, own) in every.items() if of not in theirs)


def _planned(place: Place, of: str, row: ResourceType, own: _Content) -> Planned:
    content = {"type": row.arm_type, "name": getattr(place.names, of), "location": place.location, **own}
    return Planned(label=row.label, version=row.version, content={**content, "tags": dict(place.tags)})


def _id(place: Place, key: str, row: ResourceType, name: str) -> str:
    """The id of what the stack makes, or is given by a key of the setting `existing`."""
    return place.existing.get(key) or place.names.id_of(place.subscription_id, row.arm_type, name)


def _acts_as(settings: Settings, place: Place, *, itself: bool, both: str = "SystemAssigned,UserAssigned") -> _Content:
    """The identity of what lies under a key of one's own, which is another's; and its own where it has one.

    `both` is how the type writes the two together.
    """
    if not settings.encryption.key:
        return {"identity": {"type": "SystemAssigned"}} if itself else {}
    return _identities(both if itself else "UserAssigned", _key_identity(settings, place))


def _key_identity(settings: Settings, place: Place) -> str:
    return settings.encryption.identity or _id(place, "", IDENTITY, place.names.key_identity)


def _identities(kind: str, id_: str) -> _Content:
    return {"identity": {"type": kind, "userAssignedIdentities": {id_: {}}}}


def _stacks(place: Place) -> _Content:
    """The identity that clusters and endpoint act as."""
    return _identities("UserAssigned", _id(place, "identity", IDENTITY, place.names.identity))


def _is_closed(settings: Settings) -> bool:
    return settings.network == "private"


def _insights(place: Place) -> _Content:
    properties = {
        "Application_Type": "web",
        "Flow_Type": "Bluefield",
        "Request_Source": "rest",
        "IngestionMode": "LogAnalytics",
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        "WorkspaceResourceId": _id(place, "logs", LOG_WORKSPACE, place.names.log_analytics),
    }
    return {"kind": "web", "properties": properties}


def _storage(settings: Settings, place: Place) -> _Content:
    properties: _Content = {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": settings.storage.shared_keys,
        "supportsHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
        **(_CLOSED | _DENY if _is_closed(settings) else {}),
    }
    if settings.encryption.key or settings.encryption.infrastructure:
        source = "Microsoft.Keyvault" if settings.encryption.key else "Microsoft.Storage"
        twice = {"requireInfrastructureEncryption": True} if settings.encryption.infrastructure else {}
        properties["encryption"] = {"keySource": source, **twice, **_storage_key(settings, place)}
    own = _acts_as(settings, place, itself=False)
    return {"kind": "StorageV2", "sku": {"name": settings.storage.sku}, **own, "properties": properties}


def _storage_key(settings: Settings, place: Place) -> _Content:
    own = settings.encryption
    if not own.key:
        return {}
    acts_as = {"userAssignedIdentity": _key_identity(settings, place)}
    return {"keyvaultproperties": {"keyname": own.name, "keyvaulturi": own.vault_uri}, "identity": acts_as}


def _vault(settings: Settings) -> _Content:
    return {
        "sku": {"family": "A", "name": "standard"},
        "enabledForDeployment": False,
        "enabledForDiskEncryption": False,
        "enabledForTemplateDeployment": False,
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": settings.vault.retention_days,
        **({"enablePurgeProtection": True} if settings.vault.purge_protection else {}),
        **(_CLOSED | _DENY if _is_closed(settings) else {"publicNetworkAccess": "enabled"}),
    }


def _registry(settings: Settings, place: Place) -> _Content:
    closed, key = _is_closed(settings), settings.encryption
    # `keyVaultProperties.identity`, here and of AI Services, is known only when that is made.
    under = {"status": "enabled", "keyVaultProperties": {"keyIdentifier": key.without_version}}
    properties: _Content = {
        "adminUserEnabled": False,
        "anonymousPullEnabled": False,
        "networkRuleBypassOptions": "AzureServices",
        "zoneRedundancy": "Disabled",
        "publicNetworkAccess": "Disabled" if closed else "Enabled",
        **({"policies": {"exportPolicy": {"status": "disabled"}}} if closed else {}),
        **({"encryption": under} if key.key else {}),
    }
    premium = closed or key.key
    own = _acts_as(settings, place, itself=False)
    return {"sku": {"name": "Premium" if premium else "Standard"}, **own, "properties": properties}


def _ai_services(settings: Settings, place: Place) -> _Content:
    key = settings.encryption
    version = {"keyName": key.name, "keyVersion": key.version, "keyVaultUri": key.vault_uri}
    under = {"keySource": "Microsoft.KeyVault", "keyVaultProperties": version}
    properties = {
        "customSubDomainName": place.names.ai_services,
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
        **({} if settings.local_auth else {"disableLocalAuth": True}),
        **({"encryption": under} if key.key else {}),
    }
    own = _acts_as(settings, place, itself=True, both="SystemAssigned, UserAssigned")
    return {"kind": "AIServices", "sku": {"name": "S0"}, **own, "properties": properties}


def _workspace(settings: Settings, place: Place, kind: str) -> _Content:
    names, network = place.names, _network(settings)
    by_stage = _is_closed(settings) or settings.outbound.to == "approved"
    builder = names.data_cluster if settings.data.run_on == "cluster" else names.cluster
    properties = {
        "friendlyName": names.workspace if kind == "Default" else names.hub,
        "storageAccount": _id(place, "storage", STORAGE, names.storage_account),
        "keyVault": _id(place, "vault", VAULT, names.key_vault),
        "applicationInsights": _id(place, "insights", APPLICATION_INSIGHTS, names.application_insights),
        "containerRegistry": _id(place, "registry", REGISTRY, names.container_registry),
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
        **({"managedNetwork": network} if network else {}),
        **({"provisionNetworkNow": True} if network and not by_stage else {}),
        **({"imageBuildCompute": builder} if _is_closed(settings) and kind == "Default" else {}),
        **({"hbiWorkspace": True} if settings.high_business_impact else {}),
        **_workspace_key(settings, place),
        **({} if settings.storage.shared_keys else {"systemDatastoresAuthMode": "Identity"}),
    }
    return {"kind": kind, "sku": dict(_BASIC), **_acts_as(settings, place, itself=True), "properties": properties}


def _workspace_key(settings: Settings, place: Place) -> _Content:
    own = settings.encryption
    if not own.key:
        return {}
    under = {
        "status": "Enabled",
        "identity": {"userAssignedIdentity": _key_identity(settings, place)},
        "keyVaultProperties": {"keyIdentifier": own.key, "keyVaultArmId": own.vault},
    }
    return {"encryption": under, "enableServiceSideCMKEncryption": True}


def _network(settings: Settings) -> _Content:
    if settings.network == "public":
        return {}
    out = settings.outbound
    mode = "AllowOnlyApprovedOutbound" if out.to == "approved" else "AllowInternetOutbound"
    rules = {name: {"type": "FQDN", "category": "UserDefined", "destination": host} for name, host in out.rules.items()}
    return {"isolationMode": mode, "enableNetworkMonitor": False, **({"outboundRules": rules} if rules else {})}


def _project(settings: Settings, place: Place) -> _Content:
    names = place.names
    own = {"friendlyName": names.project, "hubResourceId": _id(place, "hub", HUB, names.hub)}
    properties = own | (_CLOSED if _is_closed(settings) else {})
    identity = {"identity": {"type": "SystemAssigned"}}
    return {"kind": "Project", "sku": dict(_BASIC), **identity, "properties": properties}


def _cluster(settings: Settings, place: Place, vm_size: str, scale: tuple[int, int, int]) -> _Content:
    """`scale` is the least and most nodes, and the seconds that an idle one waits."""
    least, most, idle = scale
    inner = {
        "vmSize": vm_size.upper(),
        "vmPriority": "Dedicated",
        "osType": "Linux",
        "remoteLoginPortPublicAccess": "Disabled",
        "enableNodePublicIp": settings.network == "public",
        "scaleSettings": {
            "minNodeCount": least,
            "maxNodeCount": most,
            "nodeIdleTimeBeforeScaleDown": f"PT{idle}S",
        },
    }
    shut = {} if settings.local_auth else {"disableLocalAuth": True}
    return {**_stacks(place), "properties": {"computeType": "AmlCompute", **shut, "properties": inner}}


def _endpoint(settings: Settings, place: Place) -> _Content:
    properties = {
        "authMode": "Key" if settings.local_auth else "AADToken",
        "publicNetworkAccess": "Disabled" if _is_closed(settings) else "Enabled",
    }
    return {**_stacks(place), "properties": properties}


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
