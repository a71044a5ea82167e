"""Endpoints, deployments, their identity and traffic: what is refused, and the way through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.contract.arm import Refusal
from tests.contract.bodies import endpoint_body
from tests.contract.cases import Cases
from tests.contract.lab import DEPLOYMENT_ROLES, Lab

CASES = Cases("serving")

A100_FAMILY = "StandardNCADSA100v4Family"
H100_FAMILY, H100 = "StandardNCadsH100v5Family", "Standard_NC40ads_H100_v5"
T4_FAMILY = "Standard NCASv3_T4 Family"
T4 = "Standard_NC4as_T4_v3"


@CASES.refused("size-retired")
def _(lab: Lab) -> None:
    lab.deploy(lab.idle, "retired", "Standard_NC6s_v3")


@CASES.refused("quota")
def _(lab: Lab) -> None:
    with lab.setting("quota", {A100_FAMILY: 23}):
        lab.deploy(lab.idle, "much")


@CASES.refused("quota-reserve")
def _(lab: Lab) -> None:
    """One instance of a T4 size takes quota for two; of an A100 size for one."""
    with lab.setting("quota", {T4_FAMILY: 4}):
        lab.deploy(lab.idle, "reserved", T4)


@CASES.passes("size-retired")
@CASES.passes("quota")
def _(lab: Lab) -> None:
    """One deployment of 40 cores fits into 40 of a family that nothing else here is of, and no second."""
    with lab.setting("quota", {H100_FAMILY: 40}):
        deployment = lab.deploy(lab.idle, "fits", H100)
        with pytest.raises(Refusal, match="BadRequest"):
            lab.deploy(lab.idle, "too-much", H100)
    lab.delete(deployment)


@CASES.passes("quota-reserve")
def _(lab: Lab) -> None:
    with lab.setting("quota", {T4_FAMILY: 8}):
        lab.delete(lab.deploy(lab.idle, "reserved", T4))


@CASES.refused("probe")
def _(lab: Lab) -> None:
    lab.deploy(lab.idle, "probed", livenessProbe={"period": "PT20M", "initialDelay": "PT10M"})


@CASES.passes("probe")
def _(lab: Lab) -> None:
    lab.delete(lab.deploy(lab.idle, "probed", livenessProbe={"period": "PT10S", "initialDelay": "PT10M"}))


@CASES.refused("egress")
def _(lab: Lab) -> None:
    with lab.state(lab.workspace, managedNetwork={"isolationMode": "AllowInternetOutbound"}):
        lab.deploy(lab.idle, "egress", egressPublicNetworkAccess="Disabled")


@CASES.passes("egress")
def _(lab: Lab) -> None:
    with lab.state(lab.workspace, managedNetwork={"isolationMode": "AllowInternetOutbound"}):
        lab.delete(lab.deploy(lab.idle, "egress", egressPublicNetworkAccess="Enabled"))


@CASES.refused("endpoint-missing")
def _(lab: Lab) -> None:
    lab.get(f"{lab.idle}-nowhere")


@CASES.passes("endpoint-missing")
def _(lab: Lab) -> None:
    assert lab.get(lab.idle)["id"] == lab.idle


@CASES.refused("endpoint-providers")
def _(lab: Lab) -> None:
    with lab.setting("providers", {"Microsoft.Cdn": "NotRegistered"}):
        lab.make_endpoint("refusals-cdn")


@CASES.passes("endpoint-providers")
def _(lab: Lab) -> None:
    """What was made without them stays Failed, and takes no deployment."""
    failed = f"{lab.workspace}/onlineEndpoints/refusals-policies"
    with lab.setting("providers", {"Microsoft.PolicyInsights": "NotRegistered"}), pytest.raises(Refusal):
        lab.make_endpoint("refusals-policies")
    assert lab.get(failed)["properties"]["provisioningState"] == "Failed"
    with pytest.raises(Refusal, match="Please recreate endpoint"):
        lab.deploy(failed, "blue")
    lab.delete(failed)
    lab.delete(lab.make_endpoint("refusals-policies"))


@CASES.refused("endpoint-updating")
def _(lab: Lab) -> None:
    with lab.state(lab.idle, provisioningState="Updating"):
        lab.deploy(lab.idle, "early")


@CASES.refused("endpoint-failed")
def _(lab: Lab) -> None:
    with lab.state(lab.idle, provisioningState="Failed"):
        lab.deploy(lab.idle, "early")


@CASES.refused("endpoint-again")
def _(lab: Lab) -> None:
    """One whose creation failed: no PUT mends it."""
    with lab.state(lab.idle, {"never_lived": True}, provisioningState="Failed"):
        lab.put(lab.idle, endpoint_body())


@CASES.passes("endpoint-again")
def _(lab: Lab) -> None:
    """One that was well before its update failed."""
    with lab.state(lab.idle, provisioningState="Failed"):
        lab.put(lab.idle, endpoint_body())
        assert lab.get(lab.idle)["properties"]["provisioningState"] == "Succeeded"


@CASES.passes("endpoint-updating")
@CASES.passes("endpoint-failed")
def _(lab: Lab) -> None:
    lab.delete(lab.deploy(lab.idle, "early"))


@CASES.refused("endpoint-count")
def _(lab: Lab) -> None:
    with lab.setting("endpoint-limit", 0):
        lab.make_endpoint("refusals-many")


@CASES.passes("endpoint-count")
def _(lab: Lab) -> None:
    lab.delete(lab.make_endpoint("refusals-many"))


# --- the endpoint's identity


@contextmanager
def serving_as(lab: Lab, name: str, without: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> Iterator[str]:
    """An endpoint whose user-assigned identity has the three roles less some and more others; gone afterwards."""
    roles = tuple(role for role in DEPLOYMENT_ROLES if role not in without) + more
    endpoint = lab.make_endpoint(f"refusals-{name}", lab.make_identity(f"id-{name}", roles))
    try:
        yield endpoint
    finally:
        lab.delete(endpoint)


def deploy_without(lab: Lab, name: str, role: str) -> None:
    with serving_as(lab, name, (role,)) as endpoint:
        lab.deploy(endpoint, "blue")


@CASES.refused("identity-pull")
def _(lab: Lab) -> None:
    deploy_without(lab, "pull", "AcrPull")


@CASES.refused("identity-blobs")
def _(lab: Lab) -> None:
    deploy_without(lab, "blobs", "Storage Blob Data Reader")


@CASES.refused("identity-metrics")
def _(lab: Lab) -> None:
    deploy_without(lab, "metrics", "AzureML Metrics Writer")


@CASES.passes("identity-metrics")
def _(lab: Lab) -> None:
    """Contributor may write metrics: that is an action, none on data."""
    with serving_as(lab, "writes", ("AzureML Metrics Writer",), ("Contributor",)) as endpoint:
        lab.deploy(endpoint, "blue")


@CASES.passes("identity-pull")
@CASES.passes("identity-blobs")
def _(lab: Lab) -> None:
    """All three are enough."""
    with serving_as(lab, "serves") as endpoint:
        lab.deploy(endpoint, "blue")


@CASES.refused("identity-delay")
def _(lab: Lab) -> None:
    with serving_as(lab, "delay") as endpoint, lab.setting("rbac-delay", "3600"):
        lab.deploy(endpoint, "red")


@CASES.passes("identity-delay")
def _(lab: Lab) -> None:
    """What failed while the roles were unknown is deleted, and works later."""
    with serving_as(lab, "later") as endpoint, lab.setting("rbac-delay", "reads:1"):
        for _role in DEPLOYMENT_ROLES:
            with pytest.raises(Refusal, match="BadArgument"):
                lab.deploy(endpoint, "red")
            lab.delete(f"{endpoint}/deployments/red")
        lab.deploy(endpoint, "red")


@CASES.refused("failed-again")
def _(lab: Lab) -> None:
    with serving_as(lab, "again", ("AcrPull",)) as endpoint:
        with pytest.raises(Refusal, match="BadArgument"):
            lab.deploy(endpoint, "blue")
        lab.deploy(endpoint, "blue")


@CASES.passes("failed-again")
def _(lab: Lab) -> None:
    with serving_as(lab, "anew", ("AcrPull",)) as endpoint:
        with pytest.raises(Refusal, match="BadArgument"):
            lab.deploy(endpoint, "blue")
        lab.delete(f"{endpoint}/deployments/blue")
        lab.put(endpoint, endpoint_body())  # its own identity is given the roles by Azure ML
        lab.deploy(endpoint, "blue")


# --- traffic


@CASES.refused("traffic-sum")
def _(lab: Lab) -> None:
    lab.set_traffic(lab.live, {"blue": 90})


@CASES.refused("traffic-unknown")
def _(lab: Lab) -> None:
    lab.set_traffic(lab.live, {"green": 100})


@CASES.passes("traffic-sum")
@CASES.passes("traffic-unknown")
def _(lab: Lab) -> None:
    """0 or 100; and a PUT without traffic takes it away."""
    lab.set_traffic(lab.live, {"blue": 0})
    lab.set_traffic(lab.live, {"blue": 100})
    lab.put(lab.live, endpoint_body())
    assert lab.get(lab.live)["properties"]["traffic"] == {}
    lab.set_traffic(lab.live, {"blue": 100})


@CASES.refused("delete-live")
def _(lab: Lab) -> None:
    lab.delete(f"{lab.live}/deployments/blue")


@CASES.passes("delete-live")
def _(lab: Lab) -> None:
    """Without traffic it goes; with the endpoint it goes even under traffic."""
    endpoint = lab.make_endpoint("refusals-delete")
    lab.deploy(endpoint, "blue")
    lab.set_traffic(endpoint, {"blue": 100})
    lab.set_traffic(endpoint, {"blue": 0})
    lab.delete(f"{endpoint}/deployments/blue")
    lab.deploy(endpoint, "green")
    lab.set_traffic(endpoint, {"green": 100})
    lab.delete(endpoint)


@CASES.refused("logs")
def _(lab: Lab) -> None:
    deployment = f"{lab.live}/deployments/blue"
    with lab.state(deployment, provisioningState="Creating"):
        lab.arm.post(f"{deployment}/getLogs", "2025-12-01", {"tail": 10})


@CASES.passes("logs")
def _(lab: Lab) -> None:
    assert lab.arm.post(f"{lab.live}/deployments/blue/getLogs", "2025-12-01", {"tail": 10})["content"]
