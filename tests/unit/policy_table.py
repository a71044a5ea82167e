"""The table of cases: what each rule takes, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.policy_cases import (
    BLOB_READER,
    METRICS_WRITER,
    OWNER,
    ROLES,
    STACK,
    TAGS,
    Case,
    Declared,
    ai_services,
    assignment,
    budget,
    cluster,
    connection,
    diagnostics,
    endpoint,
    finetune,
    group,
    identity,
    log_analytics,
    project,
    ref,
    registry,
    release,
    storage,
    trust,
    vault,
    workspace,
)


def one(rule: str, make: Callable[[str], Declared], also: tuple[str, ...] = (), **changes: Any) -> Case:
    """A case of one resource: clean as `make` makes it, violating with `changes`."""
    clean, violating = make(f"{rule}-clean"), make(rule).but(**changes)
    return Case(rule, (clean,), (violating,), on=rule, also={rule: also} if also else {})


def _account(rule: str) -> Case:
    account, logs = ai_services(rule)
    return Case(rule, ai_services(f"{rule}-clean"), (account.but(properties__disableLocalAuth=False), logs), on=rule)


def _without_tag(make: Callable[[str], Declared], name: str, tag: str) -> Declared:
    return make(name).but(tags={key: value for key, value in TAGS.items() if key != tag})


_SCALE = "properties__properties__scaleSettings__"

CASES = [
    one("allowed-locations", storage, location="westeurope"),
    one("names-by-convention", storage, accountName="mystorage"),
    Case("tags-present", (group("tagged"),), (_without_tag(group, "tags-present", "owner"),), on="tags-present"),
    Case(
        "tags-present",
        (group("tagged-too"),),
        (_without_tag(group, "tags-added", "stack"),),
        on="tags-added",
        remedied=True,
    ),
    Case(
        "tags-true",
        (group("tagged-truly"),),
        (group("tags-true").but(tags__stack="another"),),
        on="tags-true",
        remedied=True,
    ),
    Case(
        "workspace-customer-tags",
        (workspace("workspace-customer-tags-clean"),),
        (_without_tag(workspace, "workspace-customer-tags", "cost-center"),),
        on="workspace-customer-tags",
    ),
    one("vm-size-allowed", cluster, properties__properties__vmSize="Standard_ND96isr_H100_v5"),
    one(
        "vm-size-retired",
        cluster,
        ("vm-size-allowed",),
        computeName="old",  # no stage trains there
        properties__properties__vmSize="Standard_NC6s_v3",
    ),
    one("release-fits-model", release, input__instance_type="Standard_NC4as_T4_v3"),
    Case(
        "cluster-fits-model",
        (cluster("fitting"), finetune("fitting-stage")),
        (
            cluster("cluster-fits-model").but(
                computeName="small", properties__properties__vmSize="Standard_NC4as_T4_v3"
            ),
            finetune("cluster-fits-model-stage").but(input__cluster="small"),
        ),
        on="cluster-fits-model",
    ),
    one("cluster-scales-to-zero", cluster, **{f"{_SCALE}minNodeCount": 1}),
    one("cluster-max-nodes", cluster, **{f"{_SCALE}maxNodeCount": 10}),
    one("cluster-idle-time", cluster, **{f"{_SCALE}nodeIdleTimeBeforeScaleDown": "PT1H"}),
    one("cluster-dedicated", cluster, properties__properties__vmPriority="LowPriority"),
    one("cluster-login-closed", cluster, properties__properties__remoteLoginPortPublicAccess="Enabled"),
    one("endpoint-auth-mode", endpoint, properties__authMode="AMLToken"),
    one(
        "endpoint-public-access",
        endpoint,
        properties__publicNetworkAccess="Enabled",
        tags={**TAGS, "public-reason": "shown at a fair"},
    ),
    one("endpoint-instances", release, ("serving-spending",), input__instance_count=5),
    one("endpoint-identity", endpoint, identity=None),
    one("endpoint-traffic-sum", endpoint, properties__traffic={"blue": 60, "green": 30}),
    Case(
        "endpoint-keeps-traffic",
        (endpoint("endpoint-keeps-traffic-clean"),),
        (endpoint("endpoint-keeps-traffic").having(ignore_changes=()),),
        on="endpoint-keeps-traffic",
    ),
    one("release-in-steps", release, input__traffic_steps=[100]),
    one("storage-tls", storage, minimumTlsVersion="TLS1_0"),
    one("storage-no-public-blob", storage, allowBlobPublicAccess=True),
    one("storage-no-shared-key", storage, allowSharedKeyAccess=True),
    one("storage-https-only", storage, enableHttpsTrafficOnly=False),
    one("vault-rbac", vault, properties__enableRbacAuthorization=False),
    one("vault-soft-delete", vault, properties__enableSoftDelete=False),
    one("vault-purge-protection", vault, properties__enablePurgeProtection=None),
    one("registry-no-admin", registry, adminUserEnabled=True),
    one("registry-sku", registry, sku={"name": "Basic"}),
    one("registry-no-anonymous-pull", registry, anonymousPullEnabled=True),
    _account("ai-services-no-keys"),
    one("workspace-managed-network", workspace, managedNetwork=None),
    one("workspace-high-business-impact", workspace, tags={**TAGS, "data-classification": "confidential"}),
    Case(
        "one-hub-per-project",
        (workspace("hub", "Hub"), project("project", "hub")),
        (workspace("one-hub-per-project", "Hub"),),
        on="one-hub-per-project",
    ),
    Case(
        "connection-secrets",
        (connection("connection-clean"),),
        (connection("connection-secrets").having(secret_outputs=()),),
        on="connection-secrets",
    ),
    Case(
        "connection-secrets",
        (connection("connection-clean-too"),),
        (connection("connection-plain").but(properties__credentials={"keys": {"key": "a plain key"}}),),
        on="connection-plain",
        remedied=True,
    ),
    Case(
        "connections-one-by-one",
        (connection("first", "proj"), connection("second", "proj").having(depends_on=("first",))),
        (connection("at-once", "proj-x"), connection("connections-one-by-one", "proj-x")),
        on="connections-one-by-one",
    ),
    *(
        Case(
            "trust-one-environment",
            (trust(f"trust-clean-{number}"),),
            (trust(f"trust-{number}").but(**{key: value}),),
            on=f"trust-{number}",
        )
        for number, (key, value) in enumerate(
            (
                ("subject", "repo:someone/finetune-phi:environment:another"),
                ("subject", "repo:someone/finetune-phi:ref:refs/heads/main"),
                ("subject", "repo:someone@1/finetune-phi@2:pull_request"),
                ("issuer", "https://vstoken.actions.githubusercontent.com"),
            )
        )
    ),
    Case(
        "trust-one-environment",
        (trust("trust-ids").but(subject=f"repo:someone@1/finetune-phi@2:environment:{STACK}-review"),),
        (trust("trust-any").but(subject=f"repo:someone@1/*:environment:{STACK}"),),
        on="trust-any",
    ),
    Case(
        "role-no-owner",
        (identity("puller"), assignment("role-no-owner-clean", "puller")),
        (identity("owner"), assignment("role-no-owner", "owner", OWNER)),
        on="role-no-owner",
    ),
    Case(
        "role-no-subscription-scope",
        (identity("narrow"), assignment("role-no-subscription-scope-clean", "narrow")),
        (
            identity("wide"),
            assignment("role-no-subscription-scope", "wide").but(scope=ROLES.split("/providers")[0]),
        ),
        on="role-no-subscription-scope",
    ),
    Case(
        "role-known-principals",
        (identity("known"), assignment("role-known-principals-clean", "known")),
        (assignment("role-known-principals", "").but(principalId="11111111-0000-4000-8000-000000000000"),),
        on="role-known-principals",
    ),
    Case(
        "endpoint-identity-roles",
        (
            identity("able"),
            endpoint("able-endpoint").but(identity={"type": "UserAssigned", "userAssignedIdentities": [ref("able")]}),
            *(assignment(f"able-{role[:8]}", "able", role) for role in (BLOB_READER, METRICS_WRITER)),
            assignment("able-pull", "able"),
        ),
        (
            identity("unable"),
            endpoint("endpoint-identity-roles").but(
                identity={"type": "UserAssigned", "userAssignedIdentities": [ref("unable")]}
            ),
            *(assignment(f"unable-{role[:8]}", "unable", role) for role in (BLOB_READER, METRICS_WRITER)),
        ),
        on="endpoint-identity-roles",
    ),
    one("public-with-reason", storage, publicNetworkAccess="Enabled"),
    Case(
        "diagnostics-on",
        (*ai_services("diagnostics-on-clean"), diagnostics("another", "diagnostics-on-clean")),
        (ai_services("diagnostics-on")[0],),
        on="diagnostics-on",
    ),
    Case("budget-present", (budget("budget"),), ()),
    Case(
        "stateful-protected",
        (storage("stateful-protected-clean"),),
        (storage("stateful-protected").having(protect=False),),
        on="stateful-protected",
    ),
    one("logs-kept", log_analytics, retentionInDays=7),
    Case(
        "finetune-spending",
        (cluster("affordable"), finetune("affordable-stage")),
        (
            cluster("finetune-spending-cluster"),
            finetune("finetune-spending").but(input__recipe__num_train_epochs=100),
        ),
        on="finetune-spending",
    ),
    one("serving-spending", release, input__compare_with_base=True),
]
