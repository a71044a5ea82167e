"""Rotation of an endpoint's keys: what is asked of Azure in which order, and where an interrupted one goes on."""

from __future__ import annotations

from typing import Any

import pytest
from jobs_fake import Stop

from cloud.errors import NotFinished, StageError
from cloud.target import Target
from jobs.keys import Keyring, rotate
from tests.unit import arm_fake
from tests.unit.arm_fake import ArmFake

RING = Keyring(target=Target("s", "rg", "ws"), endpoint="phi", project="proj", connection="phi-connection", pause=60)
WORKSPACES = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces"
ENDPOINT, CONNECTION = f"{WORKSPACES}/ws/onlineEndpoints/phi", f"{WORKSPACES}/proj/connections/phi-connection"
PROPERTIES = {"authType": "CustomKeys", "category": "CustomKeys", "target": "https://e", "group": "Azure's own"}


class Azure:
    """Its keys and the connection's, which each request changes."""

    def __init__(self, arm: ArmFake, primary: str, secondary: str, held: str) -> None:
        self.keys, self.secrets = {"Primary": primary, "Secondary": secondary}, {"key": held, "region": "a secret, too"}
        self.done: list[str] = []
        self._arm, self._send = arm, arm.__call__

    def __call__(self, request: Any, **how: Any) -> Any:
        method, path = request.method, request.url.split("?")[0].removeprefix("https://management.azure.com")
        before = len(self._arm.bodies)
        self._arm.get(CONNECTION, {"properties": PROPERTIES})
        self._arm.get(ENDPOINT, {"properties": {"authMode": "Key"}})
        keys = {"primaryKey": self.keys["Primary"], "secondaryKey": self.keys["Secondary"]}
        self._arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, keys))
        answer = {"properties": {"credentials": {"keys": dict(self.secrets)}}}
        self._arm.then("POST", f"{CONNECTION}/listsecrets", (200, {}, answer))
        self._arm.then("POST", f"{ENDPOINT}/regenerateKeys", (200, {}, {}))
        self._arm.then("PUT", CONNECTION, (200, {}, {}))
        found = self._send(request, **how)
        sent = self._arm.bodies[before:]
        if (method, path) == ("POST", f"{ENDPOINT}/regenerateKeys"):
            which = sent[0]["keyType"]
            self.keys[which] += "'"
            self.done.append(f"new {which}")
        if (method, path) == ("PUT", CONNECTION):
            properties = sent[0]["properties"]
            self.secrets = properties["credentials"]["keys"]
            assert {key: properties[key] for key in properties if key != "credentials"} == {
                "authType": "CustomKeys",
                "category": "CustomKeys",
                "target": "https://e",
            }
            assert self.secrets["region"] == "a secret, too"
            self.done.append(f"given {self.secrets['key']}")
        return found


ALL = ["new Secondary", "given s'", "new Primary", "given p'"]


@pytest.mark.parametrize(
    ("held", "secondary", "done"),
    [
        ("p", "s", ALL),
        ("other", "s", ["given p", *ALL]),
        ("s", "s", ["new Primary", "given p'"]),  # interrupted before the primary key
        ("p", "p", ["new Secondary", "given p'", "new Primary", "given p'"]),
    ],
)
def test_each_key_is_made_new_while_the_connection_holds_the_other(
    monkeypatch: pytest.MonkeyPatch, held: str, secondary: str, done: list[str]
) -> None:
    arm = arm_fake.install(monkeypatch)
    azure = Azure(arm, "p", secondary, held)
    monkeypatch.setattr(ArmFake, "__call__", lambda self, request, **how: azure(request, **how))
    said: list[str] = []
    stop = Stop()
    rotate(RING, said.append, stop)
    assert azure.done == done and azure.secrets["key"] == azure.keys["Primary"] == "p'"
    assert stop.waited == [60]
    assert said[-2:] == ["endpoint phi has a new primary key", "connection phi-connection has the new primary key"]
    assert not any(key in line for line in said for key in ("p'", "s'"))
    assert all("api-version=2025-12-01" in url for _, url in arm.sent)


def test_told_to_stop_the_connection_holds_a_key_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = arm_fake.install(monkeypatch)
    azure = Azure(arm, "p", "s", "p")
    monkeypatch.setattr(ArmFake, "__call__", lambda self, request, **how: azure(request, **how))
    stop = Stop()
    stop.turns.append(stop.set)
    with pytest.raises(NotFinished, match="you asked to stop; the connection has the new secondary key"):
        rotate(RING, lambda line: None, stop)
    assert azure.done == ALL[:2] and azure.secrets["key"] == azure.keys["Secondary"] == "s'"


def test_a_connection_that_keeps_its_key_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = arm_fake.install(monkeypatch)
    arm.get(CONNECTION, {"properties": PROPERTIES})
    arm.get(ENDPOINT, {"properties": {"authMode": "Key"}})
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, {"primaryKey": "p", "secondaryKey": "s"}))
    arm.then("POST", f"{CONNECTION}/listsecrets", (200, {}, {"properties": {"credentials": {"keys": {"key": "p"}}}}))
    arm.then("POST", f"{ENDPOINT}/regenerateKeys", (200, {}, {}))
    arm.then("PUT", CONNECTION, (200, {}, {}))
    with pytest.raises(StageError, match="did not take the key"):
        rotate(RING, lambda line: None, Stop())


@pytest.mark.parametrize(
    ("keys", "secrets", "says"),
    [
        ({}, {"properties": {}}, "the endpoint's keys could not be read"),
        ({"primaryKey": "p"}, {"properties": {}}, "the endpoint's keys could not be read"),
        ({"primaryKey": "p", "secondaryKey": "s"}, {}, "the connection's key could not be read"),
    ],
)
def test_an_answer_that_says_nothing_is_not_taken_for_no_keys(
    keys: dict[str, str], secrets: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = arm_fake.install(monkeypatch)
    arm.get(ENDPOINT, {"properties": {"authMode": "Key"}})
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, keys))
    arm.then("POST", f"{CONNECTION}/listsecrets", (200, {}, secrets))
    with pytest.raises(StageError, match=rf"{says}.*says nothing of it"):
        rotate(RING, lambda line: None, Stop())
    sent = {method for method, url in arm.sent if not url.split("?")[0].lower().endswith(("keys", "secrets"))}
    assert sent == {"GET"}


def test_an_endpoint_without_keys_has_none_to_rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    arm_fake.install(monkeypatch).get(ENDPOINT, {"properties": {"authMode": "AADToken"}})
    with pytest.raises(StageError, match="there are no keys to rotate"):
        rotate(RING, print, Stop())
