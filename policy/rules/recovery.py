"""What comes back after a mistake, who gets past a closed door, and whose keys things are kept under."""

from __future__ import annotations

from collections.abc import Iterator

from cloud.catalogue import STORAGE, WORKSPACE
from policy import samples
from policy.beyond import BLOB_SERVICE, blobs
from policy.example import Declared, Example, but
from policy.frameworks import benchmark
from policy.inputs import workspace_kind
from policy.rule import DISABLED, HIGH, LOW, MEDIUM, Config, Option, resource_rule
from policy.subject import Resource


@resource_rule(
    "storage-recoverable",
    "Blobs that are deleted or overwritten can be brought back for some days.",
    types=(BLOB_SERVICE,),
    reason="training data and models are deleted by mistake more often than by anybody else",
    remedy="set deleteRetentionPolicy, containerDeleteRetentionPolicy and isVersioningEnabled of the account's blobs",
    severity=HIGH,
    options={"minimumDays": Option("integer", 7, "fewest days of retention")},
    covers=("in part: CKV2_AZURE_38",),
    examples=(
        but(blobs, isVersioningEnabled=False),
        but(blobs, deleteRetentionPolicy={"enabled": False}),
        but(blobs, containerDeleteRetentionPolicy={"enabled": True, "days": 1}),
    ),
)
def storage_recoverable(resource: Resource, config: Config) -> Iterator[str]:
    if not resource.at("isVersioningEnabled"):
        yield f"{resource.name} keeps no earlier versions of a blob"
    for what, policy in (("blobs", "deleteRetentionPolicy"), ("containers", "containerDeleteRetentionPolicy")):
        days = resource.at(f"{policy}.days", 0) if resource.at(f"{policy}.enabled") else 0
        if days < config["minimumDays"]:
            yield f"{resource.name} keeps deleted {what} for {days:g} days; at least: {config['minimumDays']:g}"


@resource_rule(
    "storage-trusted-services",
    "A storage account that is closed lets Azure's own services in.",
    types=(STORAGE,),
    reason="Azure ML, its logs and its alerts reach the account from no network that a rule could name",
    remedy='set bypass of networkRuleSet to "AzureServices", with what else is to pass',
    severity=MEDIUM,
    framework=benchmark("NS-2"),
    covers=("CKV_AZURE_36", "Azure Policy c9d007d0-c057-4772-b18c-01e546713bcd"),
    examples=(but(samples.storage, networkRuleSet={"defaultAction": "Deny", "bypass": "None"}),),
)
def storage_trusted_services(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("networkRuleSet.defaultAction", "Allow") != "Deny":
        return
    passing = str(resource.at("networkRuleSet.bypass", "AzureServices")).replace(" ", "").split(",")
    if "AzureServices" not in passing:
        yield f"{resource.name} lets in no service of Azure's"


def _beside_own(name: str) -> Declared:
    both = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": ["/id/key"]}
    return samples.workspace(name).but(identity=both)


@resource_rule(
    "workspace-user-identity",
    "Workspaces and hubs act as an identity of the stack, and not as one of their own.",
    types=(WORKSPACE,),
    reason="an identity of its own gets Contributor on the whole group, and goes with the workspace",
    remedy="set identity to UserAssigned; this program leaves it to Azure, so it is for stacks that set it themselves",
    severity=MEDIUM,
    level=DISABLED,
    framework=benchmark("IM-3"),
    covers=("Azure.ML.UserManagedIdentity (AZR-000407)", "Azure Policy 5f0c7d88-c7de-45b8-ac49-db49e72eaa78"),
    examples=(
        but(samples.workspace, identity={"type": "SystemAssigned"}),
        Example(
            passes=(_beside_own("workspace-with-primary").but(primaryUserAssignedIdentity="/id/key"),),
            fails=(_beside_own("workspace-without-primary"),),
            on="workspace-without-primary",
        ),
    ),
)
def workspace_user_identity(resource: Resource, _config: Config) -> Iterator[str]:
    kind = workspace_kind(resource).lower()
    if kind == "project":  # which has its hub's
        return
    if not resource.peek("identity.userAssignedIdentities"):
        yield f"the {kind} workspace {resource.name} has an identity of its own alone"
    elif "SystemAssigned" in str(resource.at("identity.type", "")) and not resource.peek("primaryUserAssignedIdentity"):
        # As with a customer's key, whose identity stands beside it: it may use the key, and the workspace acts on.
        yield f"the {kind} workspace {resource.name} acts as an identity of its own: the other is not its primary one"


@resource_rule(
    "workspace-customer-key",
    "Workspaces and hubs are kept under a key of one's own.",
    types=(WORKSPACE,),
    reason="whoever has to be able to take the key away keeps it; it can only be set when the workspace is made",
    remedy="set finetune-phi:encryption before the first deployment",
    severity=LOW,
    level=DISABLED,
    covers=("Azure Policy ba769a63-b8cc-4b2d-abf6-ac33c7204be8",),
    examples=(but(samples.workspace, encryption=None),),
)
def workspace_customer_key(resource: Resource, _config: Config) -> Iterator[str]:
    kind = workspace_kind(resource).lower()
    if kind != "project" and str(resource.at("encryption.status", "Disabled")) != "Enabled":
        yield f"the {kind} workspace {resource.name} is kept under Microsoft's keys"
