"""Role assignments and trust in others' tokens: what is refused, and the way through."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from emulator.machine.store import Resource
from tests.contract.cases import Cases
from tests.contract.lab import Lab

CASES = Cases("requests")
"""With those of test_refusals_requests.py."""


@CASES.refused("principal")
def _(lab: Lab) -> None:
    lab.assign("Reader", str(uuid.uuid4()), lab.storage, principalType=None)


@CASES.passes("principal")
def _(lab: Lab) -> None:
    lab.assign("Reader", str(uuid.uuid4()), lab.storage)


@CASES.refused("role-exists")
def _(lab: Lab) -> None:
    principal = str(uuid.uuid4())
    lab.assign("Reader", principal, lab.storage)
    lab.assign("Reader", principal, lab.storage)


@CASES.passes("role-exists")
def _(lab: Lab) -> None:
    principal = str(uuid.uuid4())
    lab.assign("Reader", principal, lab.storage)
    lab.assign("Contributor", principal, lab.storage)
    lab.assign("Reader", principal, lab.workspace)


TRUST = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"


def trusting(lab: Lab, name: str) -> str:
    """An identity of its own for a case."""
    return lab.make_identity(f"id-trust-{name}", ())


def trust(lab: Lab, identity: str, name: str = "github", **changed: Any) -> None:
    properties = {
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": f"repo:someone/finetune-phi:environment:{name}",
        "audiences": ["api://AzureADTokenExchange"],
    }
    lab.put(f"{identity}/federatedIdentityCredentials/{name}", {"properties": properties | changed})


@CASES.refused("trust-name")
def _(lab: Lab) -> None:
    trust(lab, trusting(lab, "name"), "a")


@CASES.refused("trust-empty")
def _(lab: Lab) -> None:
    trust(lab, trusting(lab, "empty"), subject="")


@CASES.refused("trust-audience")
def _(lab: Lab) -> None:
    trust(lab, trusting(lab, "audience"), audiences=["api://AzureADTokenExchange", "another"])


@CASES.refused("trust-twice")
def _(lab: Lab) -> None:
    identity = trusting(lab, "twice")
    trust(lab, identity)
    trust(lab, identity, "other", subject="repo:someone/finetune-phi:environment:github")


@CASES.refused("trust-identity")
def _(lab: Lab) -> None:
    trust(lab, f"{trusting(lab, 'identity')}-none")


@CASES.passes("trust-name")
@CASES.passes("trust-empty")
@CASES.passes("trust-audience")
@CASES.passes("trust-twice")
@CASES.passes("trust-identity")
@CASES.passes("trust-race")
def _(lab: Lab) -> None:
    identity = trusting(lab, "well")
    trust(lab, identity)
    trust(lab, identity)  # again is fine
    trust(lab, identity, "other")
    lab.delete(f"{identity}/federatedIdentityCredentials/other")
    trust(lab, identity, "another", subject="repo:someone/finetune-phi:environment:other")


@CASES.refused("trust-most")
def _(lab: Lab) -> None:
    identity = trusting(lab, "most")
    for number in range(20):
        name = f"github-{number}"
        body = {"id": f"{identity}/federatedIdentityCredentials/{name}", "name": name, "type": TRUST}
        lab.store.put(Resource({**body, "properties": {"issuer": "https://issuer", "subject": name}}))
    trust(lab, identity, "github-20")


@CASES.passes("trust-most")
def _(lab: Lab) -> None:
    identity = trusting(lab, "most")
    lab.delete(f"{identity}/federatedIdentityCredentials/github-0")
    trust(lab, identity, "github-20")


@CASES.refused("trust-race")
def _(lab: Lab) -> None:
    identity = trusting(lab, "race")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: trust(lab, identity, f"github-{number}"), range(4)))


@CASES.refused("trust-missing")
def _(lab: Lab) -> None:
    lab.get(f"{trusting(lab, 'missing')}/federatedIdentityCredentials/github")


@CASES.passes("trust-missing")
def _(lab: Lab) -> None:
    identity = trusting(lab, "there")
    trust(lab, identity)
    assert lab.get(f"{identity}/federatedIdentityCredentials/github")["name"] == "github"


@CASES.refused("role-name")
def _(lab: Lab) -> None:
    properties = lab.get(lab.assign("Reader", str(uuid.uuid4()), lab.storage))["properties"]
    wanted = {key: properties[key] for key in ("roleDefinitionId", "principalType")}
    path = f"{lab.storage}/providers/Microsoft.Authorization/roleAssignments/acr-pull"
    lab.put(path, {"properties": {**wanted, "principalId": str(uuid.uuid4())}})


@CASES.passes("role-name")
def _(lab: Lab) -> None:
    lab.assign("Reader", str(uuid.uuid4()), lab.storage)


def assigned_again(lab: Lab, **changes: str) -> None:
    path = lab.assign("Reader", str(uuid.uuid4()), lab.storage)
    properties = lab.get(path)["properties"]
    wanted = {key: properties[key] for key in ("roleDefinitionId", "principalId", "principalType")}
    lab.put(path, {"properties": {**wanted, **changes}})


@CASES.refused("role-update")
def _(lab: Lab) -> None:
    assigned_again(lab, principalId=str(uuid.uuid4()))


@CASES.passes("role-update")
def _(lab: Lab) -> None:
    assigned_again(lab)
