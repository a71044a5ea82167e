"""What single rules find beside their examples: where an input is left out, at other settings, and on other kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloud import catalogue
from cloud.roles import Role
from policy import rule as rules
from policy import samples
from policy.beyond import blobs, custom_role
from policy.example import Declared
from tests.unit.policy_engine import arguments, resource_policy

TOLD = Path(__file__).parents[1] / "fixtures" / "policy_findings.txt"
"""Of each case below: the rule, and its problems."""
BLOCKS = [block.split("\n", 1) for block in TOLD.read_text(encoding="utf-8").strip().split("\n\n")]
P = "properties__"
SCALE = f"{P}properties__scaleSettings"
S = "properties__properties__"
DEPLOYMENT = Declared(
    type=catalogue.DEPLOYMENT.type,
    name="d",
    inputs={"properties": {"instanceType": "standard_nc24ads_a100_v4"}, "sku": {"capacity": 1}},
)
ASKED: list[tuple[str, dict[str, Any], Declared]] = [
    ("endpoint-auth-mode", {}, samples.endpoint("e").but(properties__authMode=None)),
    ("endpoint-auth-mode", {}, samples.endpoint("e").but(properties__authMode="AADToken")),
    ("endpoint-public-access", {}, samples.endpoint("e").but(properties__publicNetworkAccess=None)),
    ("endpoint-instances", {}, DEPLOYMENT),
    ("endpoint-instances", {}, DEPLOYMENT.but(sku__capacity=9)),
    ("endpoint-instances", {}, DEPLOYMENT.but(sku=None)),
    ("endpoint-instances", {}, samples.release("r").but(input__scale={"min": 5})),
    ("endpoint-instances", {}, samples.release("r").but(input__scale={"min": 0, "max": 3})),
    ("endpoint-instances", {}, samples.release("r").but(input__scale={"min": 2, "max": 0}, input__instance_count=2)),
    ("endpoint-identity", {}, samples.endpoint("e").but(identity={"type": "UserAssigned"})),
    (
        "endpoint-identity",
        {},
        samples.endpoint("e").but(identity={"type": "UserAssigned", "userAssignedIdentities": ["x"]}),
    ),
    ("endpoint-identity", {}, samples.endpoint("e").but(identity={"type": "None", "userAssignedIdentities": ["x"]})),
    ("endpoint-traffic-sum", {}, samples.endpoint("e").but(properties__traffic={})),
    ("endpoint-traffic-sum", {}, samples.endpoint("e").but(properties__traffic={"a": 60, "b": 40})),
    ("endpoint-keeps-traffic", {}, samples.endpoint("e").having(ignore_changes=()).but(properties__traffic={"a": 100})),
    ("endpoint-keeps-traffic", {}, samples.endpoint("e").having(ignore_changes=("properties.traffic",))),
    ("endpoint-keeps-traffic", {}, samples.endpoint("e").having(ignore_changes=("properties.traffic.a", "props"))),
    ("endpoint-keeps-traffic", {"ignored": ["a", "b.c", "d"]}, samples.endpoint("e").having(ignore_changes=("d",))),
    ("release-in-steps", {}, samples.finetune("f")),
    ("release-in-steps", {"minimumSoakSeconds": 1}, samples.release("r").but(input__soak_seconds=None)),
    ("release-in-steps", {}, samples.release("r").but(input__traffic_steps=[20, 10, 100])),
    ("release-answers-throughout", {}, samples.finetune("f")),
    ("release-answers-throughout", {"strategies": ["a", "b"]}, samples.release("r")),
    ("vm-size-allowed", {"sizes": ["Standard_A", "Standard_B"]}, DEPLOYMENT),
    ("vm-size-allowed", {}, DEPLOYMENT),
    ("vm-size-allowed", {}, samples.preflight("p")),
    ("vm-size-allowed", {}, samples.release("r").but(input__instance_type="Standard_X")),
    ("vm-size-retired", {}, samples.release("r").but(input__instance_type="STANDARD_NC6S_V3")),
    ("vm-size-retired", {}, samples.preflight("p")),
    ("release-fits-model", {}, samples.finetune("f").but(input__instance_type="Standard_NC4as_T4_v3")),
    ("release-fits-model", {}, samples.release("r").but(input__base_model__name="unheard")),
    ("release-fits-model", {}, samples.release("r").but(input__instance_type="unheard")),
    *(
        (rule, {}, samples.cluster("c").but(**{f"{P}computeType": "Kubernetes", f"{S}{key}": value}))
        for rule, key, value in (
            ("cluster-scales-to-zero", "scaleSettings__minNodeCount", 9),
            ("cluster-max-nodes", "scaleSettings__maxNodeCount", 9),
            ("cluster-idle-time", "scaleSettings__nodeIdleTimeBeforeScaleDown", "PT9H"),
            ("cluster-dedicated", "vmPriority", "LowPriority"),
            ("cluster-login-closed", "remoteLoginPortPublicAccess", "Enabled"),
        )
    ),
    *(
        (
            rule,
            {"maximum": 0, "maximumSeconds": 119},
            samples.cluster("c").but(**{f"{P}computeType": None, SCALE: None}),
        )
        for rule in ("cluster-scales-to-zero", "cluster-max-nodes", "cluster-idle-time")
    ),
    *(
        (
            "cluster-idle-time",
            {"maximumSeconds": 0},
            samples.cluster("c").but(**{f"{SCALE}__nodeIdleTimeBeforeScaleDown": text}),
        )
        for text in ("P1D", "PT1H1M1.5S", "P1M", "P2DT3H", "soon")
    ),
    ("cluster-dedicated", {}, samples.cluster("c").but(**{f"{S}vmPriority": None})),
    ("cluster-login-closed", {}, samples.cluster("c").but(**{f"{S}remoteLoginPortPublicAccess": None})),
    ("cluster-no-local-auth", {}, samples.cluster("c").but(**{f"{P}disableLocalAuth": None})),
    (
        "cluster-no-local-auth",
        {},
        samples.cluster("c").but(**{f"{P}disableLocalAuth": None, f"{P}computeType": "Kubernetes"}),
    ),
    ("storage-tls", {}, samples.storage("s").but(minimumTlsVersion=None)),
    ("storage-tls", {}, samples.storage("s").but(minimumTlsVersion="TLS1_3")),
    ("storage-no-public-blob", {}, samples.storage("s").but(allowBlobPublicAccess=None)),
    ("storage-no-shared-key", {}, samples.storage("s").but(allowSharedKeyAccess=None)),
    ("storage-https-only", {}, samples.storage("s").but(enableHttpsTrafficOnly=None)),
    ("vault-rbac", {}, samples.vault("v").but(properties__enableRbacAuthorization=None)),
    (
        "vault-soft-delete",
        {},
        samples.vault("v").but(properties__enableSoftDelete=None, properties__softDeleteRetentionInDays=None),
    ),
    ("vault-soft-delete", {"minimumDays": 91}, samples.vault("v").but(properties__softDeleteRetentionInDays=None)),
    ("registry-no-admin", {}, samples.registry("r").but(adminUserEnabled=None)),
    ("registry-sku", {}, samples.registry("r").but(sku=None)),
    ("registry-sku", {"skus": ["A"]}, samples.registry("r")),
    ("registry-no-anonymous-pull", {}, samples.registry("r").but(anonymousPullEnabled=None)),
    ("registry-no-export", {}, samples.registry("r").but(policies=None)),
    ("registry-no-export", {}, samples.registry("r").but(policies={"exportPolicy": {"status": "Disabled"}})),
    ("ai-services-no-keys", {}, samples.ai_services("a")[0].but(properties__disableLocalAuth=None)),
    (
        "storage-recoverable",
        {},
        blobs("b").but(
            isVersioningEnabled=None,
            deleteRetentionPolicy=None,
            containerDeleteRetentionPolicy={"enabled": False, "days": 9},
        ),
    ),
    (
        "storage-recoverable",
        {},
        blobs("b").but(deleteRetentionPolicy={"days": 9}, containerDeleteRetentionPolicy={"enabled": True}),
    ),
    *(
        ("storage-trusted-services", {}, samples.storage("s").but(networkRuleSet=rules))
        for rules in (
            {"defaultAction": "Allow", "bypass": "None"},
            {"defaultAction": "Deny"},
            {"bypass": "None"},
            {"defaultAction": "Deny", "bypass": "Logging, AzureServices"},
            {"defaultAction": "Deny", "bypass": "Logging, Metrics"},
        )
    ),
    ("workspace-user-identity", {}, samples.workspace("w", "Hub").but(identity=None)),
    ("workspace-user-identity", {}, samples.workspace("w", "Project").but(identity=None)),
    ("workspace-user-identity", {}, samples.workspace("w").but(identity={"userAssignedIdentities": ["x"]})),
    ("workspace-customer-key", {}, samples.workspace("w", "Hub").but(encryption={"status": "Disabled"})),
    ("workspace-customer-key", {}, samples.workspace("w", "Project").but(encryption=None)),
    ("workspace-managed-network", {}, samples.workspace("w", "Project").but(managedNetwork=None)),
    (
        "workspace-managed-network",
        {},
        samples.workspace("w", "Hub").but(managedNetwork={"isolationMode": "Disabled"}, kind="HUB"),
    ),
    ("workspace-managed-network", {"modes": ["X"]}, samples.workspace("w").but(kind=None)),
    ("workspace-high-business-impact", {"always": True}, samples.workspace("w").but(hbiWorkspace=True)),
    ("workspace-high-business-impact", {"always": True}, samples.workspace("w", "Project")),
    (
        "workspace-high-business-impact",
        {},
        samples.workspace("w", "Hub").but(tags={"data-classification": "restricted"}),
    ),
    ("workspace-high-business-impact", {}, samples.workspace("w").but(tags={"data-classification": "public"})),
    ("workspace-customer-tags", {"tags": ["a", "owner", "b"]}, samples.workspace("w", "Hub")),
    ("workspace-customer-tags", {}, samples.workspace("w").but(tags=None)),
    ("allowed-locations", {}, samples.storage("s").but(location="East US 2")),
    ("allowed-locations", {}, samples.storage("s").but(location=None)),
    ("allowed-locations", {"locations": ["a", "b"]}, samples.storage("s")),
    ("names-by-convention", {}, samples.workspace("w", "Hub").but(workspaceName="mlw-phi-dev-abcdef")),
    ("names-by-convention", {}, samples.workspace("w").but(workspaceName=None)),
    ("names-by-convention", {"patterns": {"storage": "x.*"}}, samples.storage("s")),
    ("names-by-convention", {}, samples.ai_services("a")[0].but(accountName="x")),
    ("tags-present", {}, samples.group("g").but(tags=None)),
    ("tags-present", {"required": ["a", "stack", "b"]}, samples.group("g")),
    ("tags-true", {}, samples.group("g").but(tags={"project": "x", "stack": "y"})),
    ("tags-true", {}, samples.group("g").but(tags={})),
    ("model-from-approved-registry", {}, samples.preflight("p")),
    ("model-from-approved-registry", {}, samples.finetune("f").but(input__base_model={})),
    ("model-from-approved-registry", {"models": ["a", "b"]}, samples.finetune("f")),
    ("model-from-approved-registry", {"models": ["Phi-4-mini-instruct"]}, samples.release("r")),
    (
        "model-from-approved-registry",
        {},
        DEPLOYMENT.but(properties__model="azureml://registries/hub/models/m/versions/1"),
    ),
    (
        "model-from-approved-registry",
        {},
        DEPLOYMENT.but(properties__model="azureml://registries/azureml/models/m/versions/1"),
    ),
    ("model-from-approved-registry", {}, DEPLOYMENT.but(properties__model="/subscriptions/s/x/models/m")),
    ("component-pinned", {}, samples.finetune("f")),
    ("component-pinned", {}, samples.release("r").but(input__component={})),
    ("component-pinned", {}, samples.finetune("f").but(input__component={"name": "x"})),
    ("component-pinned", {}, samples.finetune("f").but(input__component={"registry": "azureml", "version": "LATEST"})),
    *(
        ("connection-target", {}, samples.connection("c").but(properties__target=target, properties__metadata=metadata))
        for target, metadata in (
            ("https://x.openai.azure.com:443/a?b", None),
            ("https://x.openai.azure.com", {"endpoint": "https://y.services.ai.azure.com/x"}),
            ("HTTPS://X.CognitiveServices.azure.com", {"endpoint": "https://openai.azure.com.example"}),
            ("https://user@x.openai.azure.com/", {"endpoint": 3}),
            ("https://x.openai.azure.com:8443/", {"endpoint": {"$ref": "e"}}),
        )
    ),
    ("connection-secrets", {}, samples.connection("c").having(secret_outputs=()).but(properties__credentials={})),
    (
        "connection-secrets",
        {},
        samples.connection("c").having(secret_outputs=()).but(properties__credentials={"$ref": "x"}),
    ),
    ("connection-secrets", {}, samples.connection("c").having(secret_outputs=("other",))),
    *(
        ("trust-one-environment", config, samples.trust("t").but(**changes))
        for config, changes in (
            ({}, {"issuer": None}),
            ({}, {"subject": None}),
            ({"issuers": ["https://i"]}, {"issuer": "https://i"}),
            ({}, {"subject": "repo:a/b:environment:checked-review"}),
            ({}, {"subject": "repo:a/b:environment:checked-reviews"}),
            ({}, {"subject": "repo:a@x/b:environment:checked"}),
            ({"repositories": ["a/b"]}, {"subject": "repo:a@1/c@2:environment:checked"}),
            ({"repositories": ["a/b"]}, {"subject": "repo:a@1/b@2:environment:another"}),
        )
    ),
    *(
        ("role-no-subscription-scope", {}, samples.assignment("a", "x").but(scope=scope))
        for scope in (
            "/",
            "",
            "/subscriptions/s/",
            "/providers/microsoft.management/managementGroups/m",
            "/subscriptions/s/resourceGroups/r",
            None,
        )
    ),
    ("role-no-owner", {"forbidden": {}}, samples.assignment("a", "x", Role.OWNER)),
    ("role-no-owner", {}, samples.assignment("a", "x").but(roleDefinitionId=f"/X/{Role.OWNER.guid.upper()}")),
    ("role-no-wildcard", {}, custom_role("c").but(permissions=None, assignableScopes=None)),
    (
        "role-no-wildcard",
        {},
        custom_role("c").but(
            permissions=[{"actions": None, "dataActions": ["a", "*/b"]}, "x"],
            assignableScopes=["/", "/subscriptions/s/resourceGroups/r", "/subscriptions/s/"],
        ),
    ),
    ("logs-kept", {}, samples.log_analytics("l").but(retentionInDays=None)),
    ("logs-kept", {"minimumDays": 31}, samples.log_analytics("l").but(retentionInDays=None)),
    ("alerts-on", {}, samples.alert("a").but(enabled=None, actions=None)),
    ("alerts-on", {}, samples.alert("a").but(actions=[])),
    ("stateful-protected", {}, samples.group("g")),
    ("stateful-protected", {"types": [catalogue.RESOURCE_GROUP.type]}, samples.group("g")),
    ("serving-spending", {"maximumDollarsPerMonth": 1}, samples.finetune("f")),
    ("serving-spending", {}, samples.release("r").but(input__instance_type="Standard_X")),
    (
        "serving-spending",
        {"dollarsPerHour": {"standard_x": 2}, "maximumDollarsPerMonth": 1},
        samples.release("r").but(
            input__instance_type="Standard_X",
            input__scale={"max": 3},
            input__compare_with_base=True,
            input__hours="Mon-Fri 07:00-19:00 UTC",
        ),
    ),
]


@pytest.mark.parametrize(("case", "told"), zip(ASKED, BLOCKS, strict=True), ids=lambda each: each[0])
def test_what_a_rule_finds(
    case: tuple[str, dict[str, Any], Declared], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_declared", {})
    (rule, config, declared), found = case, list[str]()
    policy = resource_policy(rule)
    policy.validate(arguments(declared, config), lambda message, _=None: found.append(message.split("\n")[0]))
    assert [rule, "\n".join(found) or "nothing"] == told
