"""Storage, key vault and container registry."""

from __future__ import annotations

from collections.abc import Iterator

from cloud.catalogue import AI_SERVICES, REGISTRY, STORAGE, VAULT
from cloud.roles import Role
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, cis
from policy.rule import ADVISORY, CRITICAL, DISABLED, HIGH, LOW, MEDIUM, Config, Option, resource_rule
from policy.subject import Resource

_STORAGE, _VAULT, _REGISTRY = (STORAGE,), (VAULT,), (REGISTRY,)


@resource_rule(
    "storage-tls",
    "Storage takes TLS 1.2 and later only.",
    types=_STORAGE,
    reason="older versions can be read on the way",
    remedy='set minimum_tls_version="TLS1_2"',
    severity=HIGH,
    framework=cis("3.15"),
    options={"versions": Option("array", ["TLS1_2", "TLS1_3"], "allowed values")},
    covers=(
        "CKV_AZURE_44",
        "Azure.Storage.MinTLS",
        "Azure Policy fe83a0eb-a853-422d-aac2-1bffd182c5d0",
    ),
    examples=(but(samples.storage, minimumTlsVersion="TLS1_0"),),
)
def storage_tls(resource: Resource, config: Config) -> Iterator[str]:
    version = resource.at("minimumTlsVersion", "TLS1_0, Azure's default")
    if version not in config["versions"]:
        yield f"{resource.name} takes {version}"


@resource_rule(
    "storage-no-public-blob",
    "No blob can be made readable for everybody.",
    types=_STORAGE,
    reason="training data are people's conversations; one wrong container setting would publish them",
    remedy="set allow_blob_public_access=False",
    severity=CRITICAL,
    framework=cis("3.7"),
    covers=(
        "CKV_AZURE_59",
        "CKV_AZURE_190",
        "CKV2_AZURE_47",
        "Azure.Storage.BlobPublicAccess",
        "Azure Policy 4fa4b6c0-31ca-4c0d-b10d-24b96f62a751",
    ),
    examples=(but(samples.storage, allowBlobPublicAccess=True),),
)
def storage_no_public_blob(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("allowBlobPublicAccess") is not False:
        yield f"{resource.name} allows public blobs"


@resource_rule(
    "storage-no-shared-key",
    "Storage is reached with Entra ID, not with the account key.",
    types=_STORAGE,
    reason="whoever has the account key has all data, without a name in the log",
    remedy="set allow_shared_key_access=False, and the workspace's system_datastores_auth_mode to Identity",
    severity=HIGH,
    level=ADVISORY,
    framework=benchmark("IM-1"),
    covers=(
        "CKV2_AZURE_40",
        "Azure Policy 8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54",
    ),
    examples=(but(samples.storage, allowSharedKeyAccess=True),),
)
def storage_no_shared_key(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("allowSharedKeyAccess", True):
        yield f"{resource.name} can be opened with its account key"


@resource_rule(
    "storage-https-only",
    "Storage is reached over HTTPS only.",
    types=_STORAGE,
    reason="over HTTP, keys and data travel in clear",
    remedy="set enable_https_traffic_only=True",
    severity=HIGH,
    framework=cis("3.1"),
    covers=(
        "CKV_AZURE_3",
        "Azure.Storage.SecureTransfer",
        "Azure Policy 404c3081-a854-4457-ae30-26a93ef643f9",
    ),
    examples=(but(samples.storage, enableHttpsTrafficOnly=False),),
)
def storage_https_only(resource: Resource, _config: Config) -> Iterator[str]:
    if not resource.at("enableHttpsTrafficOnly", True):
        yield f"{resource.name} answers over HTTP"


@resource_rule(
    "vault-rbac",
    "Access to a key vault is by role.",
    types=_VAULT,
    reason="access policies are a second list of rights that nobody reviews",
    remedy="set enable_rbac_authorization=True",
    severity=HIGH,
    framework=cis("8.6"),
    covers=(
        "Azure.KeyVault.RBAC",
        "Azure Policy 12d4fa5e-1f9f-4c21-97a9-b99b3c6611b5",
    ),
    examples=(but(samples.vault, properties__enableRbacAuthorization=False),),
)
def vault_rbac(resource: Resource, _config: Config) -> Iterator[str]:
    if not resource.at("properties.enableRbacAuthorization"):
        yield f"{resource.name} uses access policies"


@resource_rule(
    "vault-soft-delete",
    "A deleted key vault can be recovered for some days.",
    types=_VAULT,
    reason="a connection's secrets are in there",
    remedy="leave enable_soft_delete on and raise soft_delete_retention_in_days",
    severity=HIGH,
    framework=cis("8.5"),
    options={"minimumDays": Option("integer", 7, "fewest days of retention")},
    covers=(
        "CKV_AZURE_111",
        "Azure.KeyVault.SoftDelete",
        "Azure Policy 1e66c121-a66a-4b1f-9b83-0fd99bf0fc2d",
    ),
    examples=(but(samples.vault, properties__enableSoftDelete=False),),
)
def vault_soft_delete(resource: Resource, config: Config) -> Iterator[str]:
    if not resource.at("properties.enableSoftDelete", True):
        yield f"{resource.name} has no soft delete"
    days = resource.at("properties.softDeleteRetentionInDays", 90)
    if days < config["minimumDays"]:
        yield f"{resource.name} keeps what is deleted for {days:g} days; at least: {config['minimumDays']:g}"


@resource_rule(
    "vault-purge-protection",
    "A deleted key vault cannot be purged before its time.",
    types=_VAULT,
    reason="who may delete should not be able to destroy; it cannot be switched off again, so not for experiments",
    remedy="set enable_purge_protection=True; the name is then taken until the retention is over",
    severity=HIGH,
    level=DISABLED,
    framework=cis("8.5"),
    covers=(
        "CKV_AZURE_42",
        "CKV_AZURE_110",
        "Azure.KeyVault.PurgeProtect",
        "Azure Policy 0b60c0b2-2dc2-4e1c-b5c9-abbed971de53",
    ),
    examples=(but(samples.vault, properties__enablePurgeProtection=None),),
)
def vault_purge_protection(resource: Resource, _config: Config) -> Iterator[str]:
    if not resource.at("properties.enablePurgeProtection"):
        yield f"{resource.name} can be purged"


@resource_rule(
    "registry-no-admin",
    "A container registry has no admin user.",
    types=_REGISTRY,
    reason="its password is shared, does not end and can do everything",
    remedy=f"set admin_user_enabled=False and grant {Role.ACR_PULL.title}",
    severity=HIGH,
    framework=benchmark("IM-1"),
    covers=(
        "CKV_AZURE_137",
        "Azure.ACR.AdminUser",
        "Azure Policy dc921057-6b28-4fbe-9b83-f7bec05db6c2",
    ),
    examples=(but(samples.registry, adminUserEnabled=True),),
)
def registry_no_admin(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("adminUserEnabled"):
        yield f"{resource.name} has an admin user"


@resource_rule(
    "registry-sku",
    "A container registry has a suitable SKU.",
    types=_REGISTRY,
    reason="Basic throttles the image pulls of a scaled deployment; only Premium can be private",
    remedy="choose an allowed SKU",
    severity=LOW,
    options={"skus": Option("array", ["Standard", "Premium"], "allowed SKUs")},
    covers=("Azure.ACR.MinSku",),
    examples=(but(samples.registry, sku={"name": "Basic"}),),
)
def registry_sku(resource: Resource, config: Config) -> Iterator[str]:
    sku = resource.at("sku.name")
    if sku is not None and sku not in config["skus"]:
        yield f"{resource.name} has the SKU {sku}; allowed: {', '.join(config['skus'])}"


@resource_rule(
    "registry-no-anonymous-pull",
    "Nobody pulls images without a name.",
    types=_REGISTRY,
    reason="images hold the scoring code and its environment",
    remedy="set anonymous_pull_enabled=False",
    severity=MEDIUM,
    framework=benchmark("IM-1"),
    covers=(
        "CKV_AZURE_138",
        "Azure.ACR.AnonymousAccess",
        "Azure Policy 9f2dea28-e834-476c-99c5-3507b4728395",
    ),
    examples=(but(samples.registry, anonymousPullEnabled=True),),
)
def registry_no_anonymous_pull(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("anonymousPullEnabled"):
        yield f"{resource.name} gives images to anybody"


@resource_rule(
    "ai-services-no-keys",
    "AI Services are reached with Entra ID, not with a key.",
    types=(AI_SERVICES,),
    reason="the hub's connection uses Entra ID: keys would only be something to leak",
    remedy="set finetune-phi:localAuth to false, or disable_local_auth=True",
    severity=MEDIUM,
    level=ADVISORY,
    framework=benchmark("IM-1"),
    covers=(
        "CKV_AZURE_236",
        "Azure.AI.DisableLocalAuth (AZR-000282)",
        "Azure Policy 71ef260a-8f18-47b7-abcb-62d0673d94dc",
    ),
    examples=(
        Example(
            passes=samples.ai_services("ai-services-no-keys-clean"),
            fails=(
                samples.ai_services("ai-services-no-keys")[0].but(properties__disableLocalAuth=False),
                samples.diagnostics("ai-services-no-keys-logs", "ai-services-no-keys"),
            ),
            on="ai-services-no-keys",
        ),
    ),
)
def ai_services_no_keys(resource: Resource, _config: Config) -> Iterator[str]:
    if not resource.at("properties.disableLocalAuth"):
        yield f"{resource.name} takes keys"


@resource_rule(
    "registry-no-export",
    "Nobody copies a registry's images to another one.",
    types=_REGISTRY,
    reason="whoever may import can carry images, and the code in them, to a registry of their own",
    remedy='set policies.exportPolicy.status to "disabled", which takes a Premium registry that is closed',
    severity=MEDIUM,
    level=DISABLED,
    framework=benchmark("NS-2"),
    covers=("Azure Policy 524b0254-c285-4903-bee6-bb8126cde579",),
    examples=(but(samples.registry, policies={"exportPolicy": {"status": "enabled"}}),),
)
def registry_no_export(resource: Resource, _config: Config) -> Iterator[str]:
    if str(resource.at("policies.exportPolicy.status", "enabled")).lower() != "disabled":
        yield f"{resource.name} lets its images be exported"
