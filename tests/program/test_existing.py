"""What somebody else has made is read and used, and no part of the stack: nothing of it is declared."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from cloud.roles import role_of
from infra.lifecycle.origin import MADE_AS
from settings.estate.existing import USABLE
from settings.naming import Names
from tests.program.conftest import SUBSCRIPTION, Azure, Program, Run

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-platform"
OTHER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared"
IDS = {
    "group": GROUP,
    "logs": f"{OTHER}/providers/Microsoft.OperationalInsights/workspaces/log-shared",
    "insights": f"{OTHER}/providers/microsoft.insights/components/appi-shared",
    "storage": f"{OTHER}/providers/Microsoft.Storage/storageAccounts/stshared",
    "vault": f"{OTHER}/providers/Microsoft.KeyVault/vaults/kv-shared",
    "registry": f"{OTHER}/providers/Microsoft.ContainerRegistry/registries/crshared",
    "identity": f"{OTHER}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-train",
}
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
IDS |= {
    "workspace": f"{ML}/mlw-platform",
    "cluster": f"{ML}/mlw-platform/computes/a100",
    # A platform's hub is in a group of its own, its projects are where their teams are.
    "hub": f"{OTHER}/providers/Microsoft.MachineLearningServices/workspaces/hub-shared",
    "project": f"{ML}/proj-team",
}
NEEDS = {
    "workspace": ("group", "storage", "vault", "registry", "insights"),
    "cluster": ("workspace", "identity", "group", "storage", "vault", "registry", "insights"),
    "project": ("group",),
}
"""What goes with one that is given."""
MADE = {
    "group": "resource-group",
    "logs": "log-analytics",
    "insights": "application-insights",
    "storage": "storage",
    "vault": "key-vault",
    "registry": "container-registry",
    "identity": "identity",
    "workspace": "workspace",
    "cluster": "cluster",
    "hub": "hub",
    "project": "project",
}
BESIDE = {
    "vault": {"vault-diagnostics"},
    "logs": {"log-analytics-purge"},
    "workspace": {"workspace-purge", "workspace-diagnostics"},
    "cluster": {"cluster-size"},
    "hub": {"hub-purge", "ai-services", "ai-services-connection"},
    "project": {"project-purge", "hub", "hub-purge", "ai-services", "ai-services-connection"},
}
"""What is of it alone and goes with it: its logs' settings, what frees its name, and what it has or needs no more."""


def using(run: Run, *keys: str) -> Program:
    return run("dev", lambda config: config.update({"finetune-phi:existing": {key: IDS[key] for key in keys}}))


@pytest.mark.parametrize("key", IDS)
def test_one_alone_is_read_and_the_rest_is_made(run: Run, key: str) -> None:
    keys = (*NEEDS.get(key, ()), key)
    program, alone = using(run, *keys), run("dev")
    assert program.read == {f"existing-{each}": IDS[each] for each in keys}
    gone = set(alone.resources) - set(program.resources)
    assert gone == {MADE[each] for each in keys}.union(*(BESIDE.get(each, set()) for each in keys))
    assert set(program.resources) <= set(alone.resources)


def test_what_is_given_is_what_the_rest_is_made_in(run: Run) -> None:
    program = using(run, *IDS)
    made = program.resources
    assert made["endpoint"].inputs["workspaceName"] == "mlw-platform"
    connection = made["endpoint-connection"].inputs
    assert connection["workspaceName"] == "proj-team"
    # There it is one of many, and has no tags; in a project of the stack's own nothing is said.
    assert connection["properties"]["value"]["metadata"]["finetune_phi_stack"] == "dev"
    own = run("dev").resources["endpoint-connection"].inputs["properties"]["value"]["metadata"]
    assert "finetune_phi_stack" not in own
    finetune = made["finetune"].inputs["input"]
    assert (finetune["target"]["workspace"], finetune["cluster"]) == ("mlw-platform", "a100")
    assert finetune["workspace_id"] == "guid-of-their-mlw-platform"
    assert made["flow"].inputs["input"]["target"]["workspace"] == "proj-team"
    assert program.outputs["workspaceId"] == IDS["workspace"] and program.outputs["hubId"] == IDS["hub"]
    assert not {"workspace", "cluster", "cluster-size", "hub", "project", "ai-services"} & made.keys()
    # Nothing is left that Azure would keep soft-deleted, as nothing of that is the stack's.
    assert made["purge"].inputs["names"] == {}
    # A project is in a hub, whether that is given or not.
    alone = using(run, "group", "project")
    assert alone.outputs["hubId"] == f"{ML}/hub-of-proj-team" and alone.outputs["hub"] == "hub-of-proj-team"
    team = using(run, "hub")
    assert team.resources["project"].inputs["hubResourceId"] == IDS["hub"]


def test_all_together(run: Run) -> None:
    stores = [key for key in IDS if key not in ("workspace", "cluster", "hub", "project")]
    program = using(run, *stores)
    assert program.read == {f"existing-{key}": IDS[key] for key in stores}
    workspace, hub = program.resources["workspace"].inputs, program.resources["hub"].inputs
    for each in (workspace, hub):
        assert each["resourceGroupName"] == "rg-platform"
        assert each["storageAccount"] == IDS["storage"] and each["keyVault"] == IDS["vault"]
        assert each["applicationInsights"] == IDS["insights"] and each["containerRegistry"] == IDS["registry"]
    assert program.resources["endpoint"].inputs["identity"]["userAssignedIdentities"] == [IDS["identity"]]
    for diagnostics in ("workspace-diagnostics", "endpoint-diagnostics"):
        assert program.resources[diagnostics].inputs["workspaceId"] == IDS["logs"]
    # Roles on what is given are granted to who is given, and in a group of somebody else's no further than our own.
    roles = {each.name: each.inputs for each in program.of_type("RoleAssignment")}
    assert {each["principalId"] for each in roles.values()} == {"their-principal"}
    assert roles["storage-blob-data-reader"]["scope"] == IDS["storage"]
    assert roles["acr-pull"]["scope"] == IDS["registry"]
    assert roles["contributor"]["scope"] == "/id/workspace"
    # A destroy purges names that are the stack's own.
    assert set(program.resources["purge"].inputs["names"]) == {"accounts"}
    assert program.outputs["resourceGroup"] == "rg-platform"
    # The stages work where the group is.
    target = program.resources["finetune"].inputs["input"]["target"]
    assert target["resource_group"] == "rg-platform"
    asked = program.resources["preflight"].inputs["input"]
    assert asked["existing"] == {key: IDS[key] for key in stores} and asked["shared_access"] is True


def test_nothing_given_is_nothing_recorded(run: Run) -> None:
    asked = run("dev").resources["preflight"].inputs["input"]
    assert not {"existing", "shared_access", "isolated", "connection", "team", "unique_names", "origin"} & asked.keys()
    assert run("dev").read == {}


def test_every_key_says_what_the_program_makes_instead(run: Run) -> None:
    assert MADE_AS.keys() == USABLE.keys() == IDS.keys() == MADE.keys()
    for key, ending in MADE_AS.items():
        (found,) = (each for each in run("dev").resources.values() if each.urn.endswith(ending))
        assert found.name == MADE[key]


def row(key: str) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::finetune-phi::finetune-phi:infra:Foundation$azure-native:x:Y::{MADE[key]}"
    name = IDS[key].rsplit("/", 1)[1]
    kinds = {"identity": "UserAssignedIdentity", "cluster": "Compute"}
    kind = kinds.get(key, "Workspace" if key in ("workspace", "hub", "project") else "Y")
    return {urn.replace("x:Y", f"machinelearningservices:{kind}"): {"outputs": {"name": name}}}


@pytest.mark.parametrize("key", ["storage", "identity", "group", "hub"])
def test_what_a_stack_has_made_itself_is_not_somebody_elses(
    run: Run, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(Azure, "state", row(key))
    with pytest.raises(pulumi.RunError, match=f"existing.{key}: this stack has made .* itself, and would delete"):
        using(run, key)


def test_a_project_that_is_given_may_not_cost_the_stack_its_hub(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Azure, "state", row("hub"))
    with pytest.raises(pulumi.RunError, match=r"existing\.project: this stack has made hub \S+ itself, which it would"):
        using(run, "group", "project")


def test_another_of_its_kind_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {urn: {"outputs": {"name": "stphidev"}} for urn in row("storage")}
    monkeypatch.setattr(Azure, "state", other)
    assert using(run, "storage").read == {"existing-storage": IDS["storage"]}


def by_others(config: dict[str, Any]) -> None:
    config["finetune-phi:identity"] = {**config["finetune-phi:identity"], "assignRoles": False}


def closed(config: dict[str, Any]) -> None:
    """Storage without keys, and GitHub's workflows: all the roles there are."""
    config["finetune-phi:storage"] = {
        "sharedKeys": False,
        "deployers": {"00000000-0000-4000-8000-0000000000b2": "Group"},
    }
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi"}


def both(config: dict[str, Any]) -> None:
    closed(config)
    by_others(config)


@pytest.mark.parametrize(("own", "others"), [(lambda config: None, by_others), (closed, both)])
def test_what_others_grant_is_what_the_program_would_grant(run: Run, own: Any, others: Any) -> None:
    granting, looking = run("dev", own), run("dev", others)
    assert looking.of_type("RoleAssignment") == []
    spec = looking.resources["roles"].inputs["input"]
    names = Names.of("phi", "dev", SUBSCRIPTION)
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{names.resource_group}"
    scopes = {
        "/id/resource-group": group,
        "/id/storage": names.id_of(SUBSCRIPTION, "Microsoft.Storage/storageAccounts", names.storage_account),
        "/id/container-registry": names.id_of(
            SUBSCRIPTION, "Microsoft.ContainerRegistry/registries", names.container_registry
        ),
        "/id/workspace": names.id_of(SUBSCRIPTION, "Microsoft.MachineLearningServices/workspaces", names.workspace),
    }
    wanted = sorted(
        (str(role_of(each.inputs["roleDefinitionId"]).name), scopes[each.inputs["scope"]])  # type: ignore[union-attr]
        for each in granting.of_type("RoleAssignment")
        # With which GitHub's identity would grant the others.
        if each.name != "deployer-access"
    )
    assert sorted((each["role"], each["scope"]) for each in spec["grants"]) == wanted
    assert {each["kind"] for each in spec["grants"]} <= {"ServicePrincipal", "Group"}
    # All that needs a role waits for the look, and the look for what is granted on.
    for stage in ("finetune", "release"):
        assert "roles" in looking.waits_for(stage)
    assert {"storage", "container-registry", "workspace", "identity"} <= looking.waits_for("roles")
    assert list(looking.resources["roles"].request.hooks.before_create) == ["roles"]
    assert looking.resources["preflight"].inputs["input"]["grants"] == spec["grants"]
