"""Azure Policy on the emulator: what definitions refuse, change and let through, and the preflight's question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cloud.arm import Arm as Asking
from cloud.place import Place
from emulator.machine.home import SUBSCRIPTION_ID, Home
from jobs.preflight.findings import State
from jobs.preflight.locked import policies
from jobs.preflight.locked.declared import declared
from jobs.specs import preflight
from settings.stack import parse
from tests.contract.arm import Arm, Refusal
from tests.contract.conftest import LOCATION

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-policed"
BUILT_IN = "/providers/Microsoft.Authorization/policyDefinitions"
VERSION = "2023-04-01"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stpoliced"
NO_SHARED_KEYS, NO_KEYS = "8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54", "71ef260a-8f18-47b7-abcb-62d0673d94dc"
TAG, INHERIT = "871b6d14-10aa-478d-b590-94f262ecfa99", "cd3aa116-8754-49c9-a813-ad46512ece54"


class Policed:
    """A group whose policies are taken away again."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self._assigned: list[str] = []
        arm.put(GROUP, "2024-03-01", {"location": LOCATION, "tags": {"cost-centre": "7"}})

    def assign(self, definition: str, name: str, scope: str = GROUP, **parameters: Any) -> str:
        path = f"{scope}/providers/Microsoft.Authorization/policyAssignments/{name.replace(' ', '-')}"
        given = {key: {"value": value} for key, value in parameters.items()}
        id_ = definition if definition.startswith("/") else f"{BUILT_IN}/{definition}"
        properties = {"policyDefinitionId": id_, "displayName": name, "parameters": given}
        self.arm.put(path, VERSION, {"properties": properties})
        self._assigned.append(path)
        return path

    def storage(self, tags: dict[str, str] | None = None, **properties: Any) -> dict[str, Any]:
        body = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": tags or {}}
        return self.arm.put(STORAGE, "2024-01-01", {**body, "properties": properties})

    def clear(self) -> None:
        for path in self._assigned:
            self.arm.delete(path, VERSION)


@pytest.fixture
def policed(arm: Arm) -> Iterator[Policed]:
    found = Policed(arm)
    yield found
    found.clear()


def test_a_denial_has_azures_words_and_what_was_compared(policed: Policed) -> None:
    assignment = policed.assign(NO_SHARED_KEYS, "No shared keys", effect="Deny")
    with pytest.raises(Refusal) as caught:
        policed.storage()
    error = caught.value.body["error"]
    assert (caught.value.status, error["code"], error["target"]) == (403, "RequestDisallowedByPolicy", "stpoliced")
    assert error["message"].startswith(
        "Resource 'stpoliced' was disallowed by policy. Policy identifiers: "
        f'\'[{{"policyAssignment":{{"name":"No shared keys","id":"{assignment}"}},'
    )
    (info,) = error["additionalInfo"]
    assert (info["type"], info["info"]["policyDefinitionEffect"]) == ("PolicyViolation", "Deny")
    assert info["info"]["evaluationDetails"]["evaluatedExpressions"][-1]["path"].endswith("/allowSharedKeyAccess")
    assert policed.storage(allowSharedKeyAccess=False)["properties"]["allowSharedKeyAccess"] is False


def test_an_audit_lets_through_and_what_is_not_enforced_too(policed: Policed) -> None:
    policed.assign(NO_SHARED_KEYS, "Audit alone")
    assert policed.storage(allowSharedKeyAccess=True)


def test_a_modification_changes_the_request_before_a_denial_looks_at_it(policed: Policed) -> None:
    policed.assign(TAG, "A tag", tagName="cost-centre")
    with pytest.raises(Refusal, match="A tag"):
        policed.storage()
    policed.assign(INHERIT, "The group's tag", tagName="cost-centre")
    assert policed.storage({"owner": "me"})["tags"] == {"owner": "me", "cost-centre": "7"}


def test_a_definition_that_cannot_be_evaluated_is_refused_and_not_let_through(policed: Policed) -> None:
    path = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/policyDefinitions/counting"
    rule = {"if": {"count": {"field": "x[*]"}, "greater": 1}, "then": {"effect": "deny"}}
    with pytest.raises(Refusal, match="does not evaluate"):
        policed.arm.put(path, VERSION, {"properties": {"policyRule": rule}})
    with pytest.raises(Refusal) as caught:
        policed.assign("00000000-0000-0000-0000-000000000000", "None")
    assert (caught.value.status, caught.value.code) == (404, "PolicyDefinitionNotFound")
    with pytest.raises(Refusal) as caught:
        policed.assign(TAG, "Without its parameter")
    assert caught.value.code == "MissingPolicyParameter"


def test_the_preflight_names_policy_and_setting_and_is_content_when_they_are_set(policed: Policed, home: Home) -> None:
    del home
    subscription = f"/subscriptions/{SUBSCRIPTION_ID}"
    policed.assign(NO_KEYS, "No keys for AI", subscription, effect="Deny")
    policed.assign(NO_SHARED_KEYS, "No shared keys", subscription, effect="Deny")
    policed.assign(TAG, "Cost centre", subscription, tagName="cost-centre")

    def asked(**own: Any) -> list[tuple[State, str, str]]:
        config = {"finetune-phi:purgeOnDestroy": True, **{f"finetune-phi:{key}": value for key, value in own.items()}}
        settings = parse(config, "policed")
        place = Place.of(settings, "policed", SUBSCRIPTION_ID)
        spec = preflight(settings, place)
        assert spec.planned == declared(settings, place)
        return [(each.state, each.found, each.fix) for each in policies.allowed(spec, Asking())]

    found = asked()
    assert {state for state, _, _ in found} == {State.REFUSED}
    by_policy = {text.split("'")[1]: (text, fix) for _, text, fix in found}
    assert by_policy.keys() == {"No keys for AI", "No shared keys", "Cost centre"}
    text, fix = by_policy["No keys for AI"]
    assert "denies AI Services account ais-phi-policed-" in text and "disableLocalAuth is nothing" in text
    assert fix == "set finetune-phi:localAuth: false"
    assert by_policy["No shared keys"][1].startswith("set finetune-phi:storage.sharedKeys: false")
    assert by_policy["Cost centre"][1].startswith("set finetune-phi:tags")
    content = asked(localAuth=False, tags={"cost-centre": "7"})
    assert [state for state, _, _ in content] == [State.OK]
