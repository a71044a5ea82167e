"""What the workspace stands on: group, logs, telemetry, storage, vault, registry, AI Services.

Defaults are those of the REST specifications (Azure/azure-rest-api-specs) in the API versions of `cloud.catalogue`.
"""

from __future__ import annotations

from cloud.catalogue import (
    AI_SERVICES,
    APPLICATION_INSIGHTS,
    LOG_WORKSPACE,
    REGISTRY,
    RESOURCE_GROUP,
    STORAGE,
    VAULT,
)
from review.known.judge import (
    Finding,
    Judge,
    Level,
    Property,
    for_good,
    harmless,
    matters,
    naming,
    number,
    one_of,
    prop,
)

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW

LOCKED_OUT: Finding = (MEDIUM, "closes it to the internet; whoever came in that way is locked out")
REACHED = (HIGH, "it can be reached from the internet")
PUBLIC = one_of({"Enabled": REACHED, "Disabled": None, "SecuredByPerimeter": None}, leaving=LOCKED_OUT, created=MEDIUM)
TELEMETRY = one_of({"Enabled": REACHED, "Disabled": None, "SecuredByPerimeter": None}, leaving=LOCKED_OUT, created=LOW)
NETWORK = matters("the network around it changes", at_first=LOW)
TIER = matters("another tier has other limits and another price")
KEYS_CLOSED: Finding = (MEDIUM, "whoever comes with a key, and not as somebody, is locked out")
KEY_SOURCE = for_good("the key it is encrypted with cannot simply be changed back")


def firewall(path: str) -> tuple[Property, ...]:
    """The rules for callers. Without any of them everybody is let through."""
    everybody = (HIGH, "its firewall lets everybody through")
    trusted = (MEDIUM, "trusted Azure services, diagnostics among them, no longer get past its firewall")
    return (
        prop(f"{path}.defaultAction", one_of({"Allow": everybody, "Deny": None}, leaving=LOCKED_OUT), "Allow"),
        prop(
            f"{path}.bypass",
            one_of({"AzureServices": None, "Logging, Metrics, AzureServices": None, "None": trusted}, created=MEDIUM,
                   leaving=(LOW, "trusted Azure services get past its firewall")),
            "AzureServices",
        ),
        prop(f"{path}.ipRules**", matters("other addresses get past its firewall", HIGH, at_first=MEDIUM)),
        prop(f"{path}.virtualNetworkRules**", matters("other networks get past its firewall", at_first=MEDIUM)),
        prop(f"{path}.resourceAccessRules**", matters("other resources get past its firewall", at_first=MEDIUM)),
    )  # fmt: skip


def off(when_true: Finding, *, leaving: Finding = (LOW, "closes it further")) -> Judge:
    """A switch that is better off."""
    return one_of({True: when_true, False: None, "Enabled": when_true, "Disabled": None}, leaving=leaving)


def on(when_false: Finding, *, leaving: Finding = (LOW, "closes it further"), created: Level = HIGH) -> Judge:
    """A switch that is better on."""
    return one_of({True: None, False: when_false}, leaving=leaving, created=created)


NO_LOCAL_AUTH = on((MEDIUM, "keys open it beside roles"), leaving=KEYS_CLOSED, created=LOW)
BROKEN = (HIGH, "it accepts broken versions of TLS")
SHORTER = (HIGH, "what is older is deleted for good")

STORES: dict[str, tuple[Property, ...]] = {
    RESOURCE_GROUP.type: (
        prop("managedBy", matters("another resource decides over the group", HIGH, at_first=MEDIUM)),
    ),
    LOG_WORKSPACE.type: (
        prop("retentionInDays", number((MEDIUM, "logs are kept, and paid for, longer"), SHORTER), 30),
        prop("sku.name", TIER),
        prop("sku.capacityReservationLevel", TIER),
        prop("publicNetworkAccessForIngestion", TELEMETRY, "Enabled"),
        prop("publicNetworkAccessForQuery", TELEMETRY, "Enabled"),
        prop("workspaceCapping.dailyQuotaGb",
             matters("above the cap no log is taken in, below it more is paid for"), -1),
        prop("features.disableLocalAuth", NO_LOCAL_AUTH, False),
        prop("features.immediatePurgeDataOn30Days", off(SHORTER), False),
        prop("features.enableDataExport", off((MEDIUM, "its logs can be sent elsewhere")), False),
        prop("features.enableLogAccessUsingOnlyResourcePermissions",
             matters("other people read its logs", at_first=LOW)),
    ),
    APPLICATION_INSIGHTS.type: (
        *harmless("flowType", "requestSource", "kind", "applicationType", "hockeyAppId"),
        prop("ingestionMode", matters("telemetry goes to another store")),
        prop("workspaceResourceId", matters("telemetry goes to another log workspace")),
        prop("publicNetworkAccessForIngestion", TELEMETRY, "Enabled"),
        prop("publicNetworkAccessForQuery", TELEMETRY, "Enabled"),
        prop("retentionInDays", number((LOW, "telemetry is kept longer"), SHORTER), 90),
        prop("samplingPercentage", number(less=(MEDIUM, "less of what happens is recorded")), 100),
        prop("disableLocalAuth", NO_LOCAL_AUTH, False),
        prop("disableIpMasking", off((MEDIUM, "callers' addresses are recorded")), False),
        prop("immediatePurgeDataOn30Days", off(SHORTER), False),
        prop("forceCustomerStorageForProfiler", matters("traces go to another store")),
    ),
    STORAGE.type: (
        prop("kind", matters("another kind of account stores in another way")),
        prop("sku.name", matters("another redundancy has another price, and survives other failures")),
        prop("accessTier", matters("another tier has another price"), "Hot"),
        prop("allowBlobPublicAccess", one_of({
            True: (HIGH, "its blobs can be made readable by anybody"), False: None,
            None: (MEDIUM, "an account of before November 2023 is open then, a newer one is not")})),
        prop("allowSharedKeyAccess", one_of(
            {True: (MEDIUM, "whoever holds its key can do everything"), False: None}, leaving=KEYS_CLOSED), True),
        prop("enableHttpsTrafficOnly", on((HIGH, "it can be used without encryption")), True),
        prop("minimumTlsVersion", one_of(
            {"TLS1_0": BROKEN, "TLS1_1": BROKEN, "TLS1_2": None,
             "TLS1_3": (MEDIUM, "Azure Storage does not support it as a minimum")}), "TLS1_0"),
        prop("publicNetworkAccess", PUBLIC, "Enabled"),
        *firewall("networkRuleSet"),
        prop("allowCrossTenantReplication", off((HIGH, "its blobs can be copied to another company's tenant")), False),
        prop("allowedCopyScope", matters("blobs can be copied to and from other accounts")),
        prop("defaultToOAuthAuthentication", matters("the portal asks for roles, or for the key, first"), False),
        prop("isLocalUserEnabled", off((HIGH, "users with a password of their own can be let in")), False),
        prop("isSftpEnabled", off((HIGH, "it can be reached by SFTP")), False),
        prop("enableNfsV3", off((HIGH, "it can be mounted without anybody's identity")), False),
        prop("enableExtendedGroups", matters("local users come with other groups"), False),
        prop("isHnsEnabled", for_good("a storage account cannot go back to flat names"), False),
        prop("largeFileSharesState", for_good("it cannot be switched off again"), "Disabled"),
        prop("encryption.keySource", KEY_SOURCE, "Microsoft.Storage"),
        prop("encryption.requireInfrastructureEncryption", matters("it counts only when an account is made"), False),
        prop("encryption.**", matters("it is encrypted with another key", HIGH, at_first=MEDIUM)),
        prop("sasPolicy.**", matters("signed addresses last for another time", at_first=LOW)),
        prop("keyPolicy.**", matters("its keys last for another time", at_first=LOW)),
        prop("dnsEndpointType", matters("its addresses are others"), "Standard"),
        prop("customDomain.**", matters("it answers under another address", at_first=MEDIUM)),
        prop("immutableStorageWithVersioning.**", for_good("what is written can no longer be deleted")),
    ),
    VAULT.type: (
        *harmless("properties.sku.family"),
        *naming("properties.tenantId"),
        prop("properties.sku.name", TIER),
        prop("properties.enableRbacAuthorization", on((HIGH, "roles no longer decide who reads it"),
             leaving=(MEDIUM, "roles decide who reads it; whoever came in by an access policy is locked out")), False),
        prop("properties.accessPolicies**", matters("an access policy decides who reads it", HIGH, at_first=HIGH)),
        prop("properties.enableSoftDelete", on((HIGH, "what is deleted in it cannot be recovered")), True),
        prop("properties.enablePurgeProtection",
             for_good("it can never be switched off again, and the vault's name stays taken after a delete"), False),
        prop("properties.softDeleteRetentionInDays", number((LOW, "deleted secrets, and the name, are kept longer"),
             (HIGH, "deleted secrets can be recovered for a shorter time")), 90),
        prop("properties.enabledForDeployment", off((MEDIUM, "machines may take certificates out of it")), False),
        prop("properties.enabledForDiskEncryption", off((MEDIUM, "disk encryption may take secrets out of it")), False),
        prop("properties.enabledForTemplateDeployment",
             off((MEDIUM, "whoever deploys templates may read its secrets")), False),
        prop("properties.publicNetworkAccess", PUBLIC, "Enabled"),
        *firewall("properties.networkAcls"),
        prop("properties.createMode", one_of({"default": None, "recover":
             (MEDIUM, "a deleted vault comes back with what it held")}), "default"),
    ),
    REGISTRY.type: (
        prop("sku.name", TIER),
        prop("adminUserEnabled", off((HIGH, "a shared password opens it to whoever holds it")), False),
        prop("anonymousPullEnabled", off((HIGH, "anybody can pull its images")), False),
        prop("publicNetworkAccess", PUBLIC, "Enabled"),
        *firewall("networkRuleSet"),
        prop("networkRuleBypassOptions", one_of(
             {"AzureServices": None, "None": (MEDIUM, "Azure ML may no longer get past its firewall")},
             leaving=(LOW, "trusted Azure services get past its firewall")), "AzureServices"),
        prop("zoneRedundancy", matters("it survives other failures, at another price"), "Disabled"),
        prop("dataEndpointEnabled", matters("images come from other addresses"), False),
        prop("policies.exportPolicy.status", one_of(
             {"enabled": (MEDIUM, "its images can be exported"), "disabled": None}, created=LOW), "enabled"),
        prop("policies.quarantinePolicy.status", matters(
             "images are held back until they are released, or no longer"), "disabled"),
        prop("policies.trustPolicy.**", matters("images need a signature, or no longer", at_first=LOW)),
        prop("policies.retentionPolicy.**", matters("images without a tag are deleted for good", HIGH, at_first=LOW)),
        prop("policies.softDeletePolicy.**", matters("deleted images can be recovered for another time", at_first=LOW)),
        prop("policies.azureADAuthenticationAsArmPolicy.status",
             matters("tokens for all of Azure open it, or no longer"), "enabled"),
        prop("encryption.**", KEY_SOURCE),
    ),
    AI_SERVICES.type: (
        *naming("kind", "properties.customSubDomainName"),
        prop("sku.name", TIER),
        prop("properties.publicNetworkAccess", PUBLIC, "Enabled"),
        prop("properties.disableLocalAuth", NO_LOCAL_AUTH, False),
        *firewall("properties.networkAcls"),
        prop("properties.restrictOutboundNetworkAccess", one_of(
            {True: None, False: (HIGH, "it may send data to any address")}, created=LOW,
            leaving=(MEDIUM, "it may send data to named addresses only")), False),
        prop("properties.allowedFqdnList**", matters("it may send data to other addresses", HIGH, at_first=MEDIUM)),
        prop("properties.dynamicThrottlingEnabled", matters("it answers more, and is paid for more, at once"), False),
        prop("properties.encryption.**", KEY_SOURCE),
        prop("properties.userOwnedStorage**", matters(
             "what people send it is kept in another account", HIGH, at_first=MEDIUM)),
        prop("properties.allowProjectManagement", matters("projects can be made in it", at_first=LOW), False),
    ),
}  # fmt: skip
