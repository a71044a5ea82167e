"""What becomes of an error of Azure's client libraries: one message, whole, with what to do next."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from cloud import adoption, errors, states
from cloud.errors import ModelFault, NotFinished, StageError, azure_errors, first_line, refusal
from cloud.faults import Fault, fault
from cloud.services.lease import Holder

AGAIN = "Run `pulumi up` again: it goes on where it stopped."
SIGN_IN = (
    "Sign in with `az login`, or set ARM_CLIENT_ID, ARM_TENANT_ID and ARM_CLIENT_SECRET of a service principal (or "
    "ARM_USE_OIDC=true, ARM_USE_MSI=true)."
)
QUOTA = "Ask for quota of this VM family in the Azure portal, or choose another vmSize."


def answered(code: str, message: str, status: int = 400, details: Any = ()) -> HttpResponseError:
    error = HttpResponseError(message)
    error.status_code = status
    error.error = SimpleNamespace(code=code, message=message, details=details)  # type: ignore[assignment]
    return error


def bare(message: str, status: int | None) -> HttpResponseError:
    error = HttpResponseError(message)
    error.status_code, error.error = status, None
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ClientAuthenticationError("no\nmore"), f"no. {SIGN_IN}"),
        (ServiceRequestError("no route\nx"), f"Azure could not be reached (no route). Check the network. {AGAIN}"),
        (ServiceResponseError("cut"), f"Azure could not be reached (cut). Check the network. {AGAIN}"),
        (AzureError("odd\nx"), f"odd. {AGAIN}"),
        (bare("why.", 500), f"500: why. {AGAIN}"),
        (bare("why", None), f"why. {AGAIN}"),
        (answered("X", "why..\nmore"), f"X: why. {AGAIN}"),
        (
            answered("AuthorizationFailed", "no"),
            "AuthorizationFailed: no. Give the identity you run as the role Contributor on the resource group (a role "
            "granted just now takes minutes to arrive), then run `pulumi up` again.",
        ),
        *(
            (answered(code, "no"), f"{code}: no. Sign in again with `az login`, then run `pulumi up` again.")
            for code in ("InvalidAuthenticationToken", "ExpiredAuthenticationToken")
        ),
        (
            answered("SubscriptionRequestsThrottled", "no"),
            "SubscriptionRequestsThrottled: no. Azure asks for fewer requests: wait some minutes, then go on with "
            "`pulumi up`.",
        ),
        (
            answered("AuthorizationFailure", "no"),
            "AuthorizationFailure: no. The storage answers in its virtual network alone, or behind a firewall: run "
            "this on a machine that it lets in (docs/network.md), then run `pulumi up` again.",
        ),
        (
            answered("RequestDisallowedByPolicy", "no"),
            "RequestDisallowedByPolicy: no. `python -m jobs preflight` names each policy that denies something of the "
            "stack, and the setting that satisfies it, as far as there is one.",
        ),
        (answered("OutOfQuota", "no"), f"OutOfQuota: no. {QUOTA}"),
        (
            answered("OutOfCapacity", "no"),
            "OutOfCapacity: no. The region has no such machine free now: wait, or choose another region or vmSize.",
        ),
        (answered("Y", "Not enough Quota"), f"Y: Not enough Quota. {QUOTA}"),
        (answered("Y", "the quota reached x"), f"Y: the quota reached x. {QUOTA}"),
        (answered("Y", "would EXCEED the quota"), f"Y: would EXCEED the quota. {QUOTA}"),
    ],
)
def test_an_error_is_one_message(error: Exception, told: str) -> None:
    with pytest.raises(StageError) as raised, azure_errors("it failed", "endpoint e"):
        raise error
    assert str(raised.value) == f"it failed (endpoint e): {told}"
    assert raised.value.__cause__ is error


def test_what_is_no_error_of_azures_passes() -> None:
    with pytest.raises(KeyError), azure_errors("it failed", "x"):
        raise KeyError("own")


INSIDE = json.dumps({"errors": {"a": ["one", "two"], "b": ["three"]}})


@pytest.mark.parametrize(
    ("code", "message", "details", "found"),
    [
        ("BadRequest", "no", [(None, INSIDE)], ("BadRequest", "one; two; three")),
        ("BadRequest", "no", [(None, INSIDE.replace("{", "{{").replace("}", "}}"))], ("BadRequest", "one; two; three")),
        ("BadRequest", "no", [(None, "{}"), (None, "second")], ("BadRequest", "{}")),
        ("BadRequest", "no", [(None, '{"errors": 3}')], ("BadRequest", '{"errors": 3}')),
        ("X", "", [("A", ""), ("B", "")], ("X", "A")),
        ("X", "", [("A", "why")], ("X", "why")),
        ("", "no", (), ("", "no")),
        (None, "no", None, ("", "no")),
    ],
)
def test_the_best_reason_of_a_refusal(code: Any, message: str, details: Any, found: tuple[str, str]) -> None:
    each = details and [SimpleNamespace(code=one, message=text) for one, text in details]
    assert refusal(answered(code, message, details=each)) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n  \n a  b \nc", "a  b"), ("", "no reason given"), ("\n \n", "no reason given"), ("x" * 501, "x" * 500)],
)
def test_the_first_line_that_says_something(text: str, line: str) -> None:
    assert first_line(text) == line


def test_an_error_has_parts_and_a_fault_its_evidence() -> None:
    error = StageError("it failed", on="", why=" because.. ", todo="Wait.")
    assert (error.what, error.on, error.why, error.todo) == ("it failed", "", "because..", "Wait.")
    assert str(error) == "it failed: because. Wait."
    faulty = ModelFault("w", on="o", why="y", todo="t", evidence={"a": 1})
    assert (faulty.evidence, ModelFault("w", on="o", why="y", todo="t").evidence) == ({"a": 1}, {})
    assert (fault(faulty), fault(NotFinished("w", on="o", why="y", todo="t"))) == (Fault.MODEL, Fault.STOPPED)
    assert fault(None) is Fault.OURS
    assert errors.AGAIN == AGAIN and errors.SIGN_IN == SIGN_IN


def test_states_as_azure_ml_spells_them() -> None:
    assert states.ENDED == ("Completed", "Failed", "Canceled")
    assert (*states.ENDED, "NotResponding") == states.GIVEN_UP
    assert states.CANCELLED == ("Canceled", "CancelRequested")
    assert states.HEALTHY == "Succeeded"
    assert states.IN_TRANSITION == ("Creating", "Updating", "Scaling", "Deleting")


def test_a_holder_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.services.lease._ago", lambda moment: f"{moment} ago")
    holder = Holder(who="ada", host="h", pid=7, command="pulumi up", since="9", seen="3")
    told = "ada (process 7 on h) does `pulumi up` since 9 ago; its last sign of life came 3 ago ago"
    assert str(holder) == told and holder.machine == ""


STORE = "azure-native:storage:StorageAccount"
GROUP = "/subscriptions/s/resourceGroups/rg"
PROVIDER = {
    "urn": "urn:provider",
    "type": "pulumi:providers:azure-native",
    "id": "p",
    "inputs": {"subscriptionId": "s"},
}
STACK = {"urn": "urn:stack", "type": "pulumi:pulumi:Stack"}
WANTED = {
    "urn": "urn:store",
    "type": STORE,
    "parent": "urn:stack",
    "provider": "urn:provider::p",
    "protect": True,
    "custom": True,
    "dependencies": ["urn:stack", "urn:gone"],
    "inputs": {"resourceGroupName": "rg", "accountName": "st", "azureApiVersion": "2024-01-01"},
}
ROW = {
    **{key: WANTED[key] for key in ("urn", "type", "parent", "provider", "protect", "inputs")},
    "custom": True,
    "dependencies": ["urn:stack"],
    "id": "AS AZURE SPELLS IT",
    "outputs": {},
}


def test_a_row_is_adopted_as_the_engine_would_have_written_it() -> None:
    asked: list[str] = []
    deployment: dict[str, Any] = {"resources": [STACK, PROVIDER]}
    found = adoption.adopt(deployment, [WANTED], there=lambda id_: asked.append(id_) or "AS AZURE SPELLS IT")
    assert found == [ROW] and deployment["resources"] == [STACK, PROVIDER, ROW]
    assert asked == [f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"]
    versions = adoption.ids_with_versions([STACK, PROVIDER], [WANTED, {**WANTED, "id": "given"}])
    assert versions == {asked[0]: "2024-01-01", "given": "2024-01-01"}


@pytest.mark.parametrize(
    "changes",
    [
        {"parent": "urn:nobody"},
        {"provider": "urn:nobody::p"},
        {"inputs": {"resourceGroupName": "rg"}},
        {"inputs": {**WANTED["inputs"], "x": adoption.UNKNOWN}},  # type: ignore[dict-item]
        {"type": "random:x:Y"},
    ],
)
def test_what_cannot_have_been_made_is_not_adopted(changes: dict[str, Any]) -> None:
    deployment: dict[str, Any] = {"resources": [STACK, PROVIDER]}
    assert adoption.adopt(deployment, [{**WANTED, **changes}], there=lambda id_: id_) == []
    assert deployment["resources"] == [STACK, PROVIDER]


@pytest.mark.parametrize(
    ("rows", "subscription"),
    [
        ([{"type": "x", "inputs": {"subscriptionId": "no"}, "id": f"{GROUP}/x"}], "s"),
        ([{"type": "x", "id": f"{GROUP}/x"}, {**PROVIDER, "inputs": {"subscriptionId": 7}}], "7"),
        (
            [{"type": "x"}, {"type": "pulumi:providers:azure-native", "inputs": {}}, {"id": "/x/subscriptions/a/"}],
            "env",
        ),
    ],
)
def test_whose_subscription_a_state_is_of(rows: Any, subscription: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.credentials.subscription_id", lambda: "env")
    assert adoption.subscription_of(rows) == subscription
