"""The stage that provisions a managed network."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from preflight_asked import GROUP, WORKSPACE

from cloud.errors import NotFinished, StageError
from cloud.target import Target
from jobs.network import provision
from jobs.network.spec import ProvisionSpec, ReachSpec
from jobs.preflight.spec import Grant
from tests.unit.arm_fake import ArmFake

TARGET = Target("s", "rg", "ws")
NO_STOP = threading.Event()


APPROVER = "AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER"
SPEC_NET = ProvisionSpec(stack="dev", target=TARGET, grants=(Grant(role=APPROVER, scope=GROUP),))
ASSIGNED = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/b556d68e-0be0-4f35-a333-ad7ee1ce17ea"


STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/cr"
PROVISION = f"{WORKSPACE}/provisionManagedNetwork"
IN_PLACE = "the managed network is there, with its private endpoints"
MAKING = "provisioning the managed network, which takes Azure about half an hour"


def workspace(status: str, mode: str = "AllowInternetOutbound", **leads: str) -> dict[str, Any]:
    """`leads` are states of private endpoints, by the names of what they lead to."""
    at = {"st": STORAGE, "kv": VAULT.upper(), "cr": REGISTRY}
    rules: dict[str, Any] = {
        f"__SYS_PE_{name}": {
            "type": "PrivateEndpoint", "status": state, "destination": {"serviceResourceId": at[name]}
        } for name, state in leads.items()
    }  # fmt: skip
    rules["pypi-org"] = {"type": "FQDN", "status": "Inactive", "destination": "pypi.org"}
    network = {"isolationMode": mode, "status": {"status": status}, "outboundRules": rules}
    stores = {"storageAccount": STORAGE, "keyVault": VAULT, "containerRegistry": REGISTRY}
    return {"identity": {"principalId": "them"}, "properties": {**stores, "managedNetwork": network}}


def stores(arm: ArmFake, access: str) -> None:
    for store in (STORAGE, VAULT, REGISTRY):
        arm.get(store, {"properties": {"publicNetworkAccess": access}})


def approver(arm: ArmFake) -> None:
    assigned = {"principalId": "them", "roleDefinitionId": ROLE, "scope": GROUP}
    arm.get(ASSIGNED, {"value": [{"properties": assigned}]})


def provisioned(arm: ArmFake, *views: dict[str, Any]) -> list[str]:
    """What is told of a stage that sees the workspace so, one view after the other."""
    approver(arm)
    arm.then("GET", WORKSPACE, *((200, {}, view) for view in views))
    arm.then("POST", PROVISION, (200, {}, {}))
    told: list[str] = []
    provision.run(SPEC_NET, told.append, NO_STOP)
    return told


def asked_for(arm: ArmFake) -> int:
    return [method for method, _ in arm.sent].count("POST")


UP = {"st": "Active", "kv": "Active", "cr": "Active"}


@pytest.mark.parametrize(
    ("access", "view"),
    [
        ("Disabled", workspace("Active", **UP)),
        ("Enabled", workspace("Active")),
        ("Enabled", workspace("Active", "AllowOnlyApprovedOutbound", **UP)),
    ],
)
def test_a_network_that_leads_to_what_it_has_to_is_left_alone(arm: ArmFake, access: str, view: dict[str, Any]) -> None:
    stores(arm, access)
    assert provisioned(arm, view) == [IN_PLACE]
    assert asked_for(arm) == 0


@pytest.mark.parametrize(
    ("access", "before"),
    [
        ("Disabled", workspace("Inactive")),
        ("Disabled", workspace("Active")),
        ("Disabled", workspace("Active", **{**UP, "cr": "Inactive"})),
        ("Enabled", workspace("Active", "AllowOnlyApprovedOutbound", st="Active", kv="Active")),
    ],
)
def test_one_that_does_not_is_provisioned(arm: ArmFake, access: str, before: dict[str, Any]) -> None:
    stores(arm, access)
    assert provisioned(arm, before, workspace("Active", **UP)) == [MAKING]
    assert asked_for(arm) == 1
    assert arm.bodies == [{"includeSpark": False}]


def test_an_endpoint_that_takes_longer_is_waited_for(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "LEAD_POLL_SECONDS", 0.0)
    stores(arm, "Disabled")
    late = workspace("Active", **{**UP, "kv": "Provisioning"})
    told = provisioned(arm, workspace("Inactive"), late, late, late, workspace("Active", **UP))
    assert told[0] == MAKING and not [line for line in told if line.startswith("warning")]


def test_an_endpoint_that_does_not_come_up_ends_the_update(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "LEAD_SECONDS", 0.0)
    stores(arm, "Disabled")
    with pytest.raises(StageError) as caught:
        provisioned(arm, workspace("Inactive"), workspace("Active", st="Failed", kv="Active"))
    assert str(caught.value) == (
        "the managed network does not lead to its stores (workspace ws): its private endpoints are not up: st "
        "(Failed); cr (none). Look at Networking, managed outbound access, of ws in the Azure portal. "
        "Run `pulumi up` again: it goes on where it stopped."
    )


def test_endpoints_that_are_not_listed_are_told_and_no_obstacle(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "LEAD_SECONDS", 0.0)
    stores(arm, "Disabled")
    told = provisioned(arm, workspace("Inactive"), workspace("Active", st="Active"))
    assert told == [
        MAKING,
        "warning: workspace ws lists no private endpoint to kv (none); cr (none), which jobs may not reach then. Look "
        "at Networking, managed outbound access, of ws in the Azure portal.",
    ]


@pytest.mark.parametrize(("grants", "role"), [(SPEC_NET.grants, (10.0, 600.0)), ((), (10.0, 0.0))])
def test_how_long_roles_and_endpoints_are_waited_for(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, grants: tuple[Grant, ...], role: tuple[float, float]
) -> None:
    waited: list[tuple[float, float]] = []
    stores(arm, "Disabled")
    approver(arm)
    arm.then("GET", WORKSPACE, (200, {}, workspace("Inactive")), (200, {}, workspace("Active")))
    arm.then("POST", PROVISION, (200, {}, {}))

    def wait(_: Any, *, every: float, most: float, tell: Any, stop: threading.Event) -> None:
        assert stop is NO_STOP
        tell(60.0)
        waited.append((every, most))

    monkeypatch.setattr(provision, "wait", wait)
    told: list[str] = []
    provision.run(dataclasses.replace(SPEC_NET, grants=grants), told.append, NO_STOP)
    assert waited == [role, (20.0, 600.0)]
    assert told == [
        "waiting for the workspace's role to approve private endpoints after 1 min 00 s",
        MAKING,
        "waiting for the managed network's private endpoints after 1 min 00 s",
    ]


def test_azure_goes_on_with_what_nobody_waits_for(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def run(_: Any, *call: Any, tell: Any) -> None:
        tell(120.0)
        sent.append(call)

    monkeypatch.setattr("cloud.arm.Arm.run", run)
    approver(arm)
    stores(arm, "Disabled")
    arm.get(WORKSPACE, workspace("Inactive"))
    told: list[str] = []
    with pytest.raises(NotFinished) as caught:
        provision.run(SPEC_NET, told.append, NO_STOP)
    assert str(caught.value) == (
        "the managed network is not provisioned yet (workspace ws): you asked to stop. Azure goes on with it. Run "
        "`pulumi up` again: it goes on where it stopped."
    )
    assert sent == [("POST", PROVISION, {"api-version": "2025-12-01"}, {"includeSpark": False}, NO_STOP)]
    assert told == [MAKING, "Azure is provisioning the managed network after 2 min 00 s"]


def test_what_azure_refuses_is_told_with_the_workspace(arm: ArmFake) -> None:
    arm.refuse("GET", WORKSPACE, 403, "AuthorizationFailed", "you may not")
    with pytest.raises(StageError) as caught:
        provision.run(SPEC_NET, print, NO_STOP)
    assert str(caught.value).startswith(
        "the managed network was not provisioned (workspace ws): AuthorizationFailed: you may not"
    )


def test_who_asks_to_stop_waits_for_no_endpoint(arm: ArmFake) -> None:
    stores(arm, "Disabled")
    approver(arm)
    arm.then("GET", WORKSPACE, (200, {}, workspace("Inactive")), (200, {}, workspace("Active")))
    arm.then("POST", PROVISION, (200, {}, {}))
    stop = threading.Event()
    with pytest.raises(NotFinished) as caught:
        provision.run(SPEC_NET, lambda line: stop.set() if line == MAKING else None, stop)
    assert str(caught.value) == (
        "the managed network is not provisioned yet (workspace ws): you asked to stop. Run `pulumi up` again: it goes "
        "on where it stopped."
    )


@pytest.mark.parametrize("status", ["Inactive", "Active"])
def test_a_role_that_is_missing_is_told_with_the_line_that_grants_it(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(provision, "ROLE_SECONDS", 0.0)
    arm.get(WORKSPACE, workspace(status))
    arm.get(ASSIGNED, {"value": []})
    with pytest.raises(StageError, match="may not approve the private endpoints") as caught:
        provision.run(SPEC_NET, print, NO_STOP)
    line = (
        "az role assignment create --assignee-object-id them --assignee-principal-type ServicePrincipal "
        f'--role "Azure AI Enterprise Network Connection Approver" --scope {GROUP}'
    )
    assert str(caught.value).endswith(line)


def test_a_network_that_does_not_become_active_is_no_network(arm: ArmFake) -> None:
    arm.get(WORKSPACE, workspace("Inactive"))
    arm.then("POST", f"{WORKSPACE}/provisionManagedNetwork", (200, {}, {}))
    with pytest.raises(StageError) as caught:
        provision.run(dataclasses.replace(SPEC_NET, grants=()), print, NO_STOP)
    assert str(caught.value) == (
        "the managed network was not provisioned (workspace ws): Azure says that it is Inactive. Look at Networking of "
        "ws in the Azure portal. Run `pulumi up` again: it goes on where it stopped."
    )


def test_one_that_is_gone_again_is_said_to_be(arm: ArmFake) -> None:
    arm.then("GET", WORKSPACE, (200, {}, workspace("Inactive")), (200, {}, {}))
    arm.then("POST", PROVISION, (200, {}, {}))
    with pytest.raises(StageError, match="Azure says that it is not there"):
        provision.run(dataclasses.replace(SPEC_NET, grants=()), print, NO_STOP)


def test_a_stage_that_is_done_is_known_again() -> None:
    # Other texts would have both run again in every stack that is up.
    own = ProvisionSpec(stack="dev", target=TARGET, grants=(Grant(role="R", scope="/g"),))
    assert own.fingerprint == "8c69293fc2e2"
    assert ReachSpec(stack="dev", target=TARGET, subnet="/snet").fingerprint == "253407a7c40c"
