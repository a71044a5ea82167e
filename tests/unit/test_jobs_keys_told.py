"""What an endpoint is asked with, and a rotation of its keys: each request, refusal and line."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from test_jobs_keys import CONNECTION, ENDPOINT, PROPERTIES, RING

from chat.entra import token
from cloud.errors import NotFinished, StageError
from jobs import keys
from jobs.keys import address, rotate
from tests.unit import arm_fake
from tests.unit.arm_fake import ArmFake


@pytest.mark.parametrize(
    ("properties", "answer", "found"),
    [
        ({"scoringUri": "https://e", "authMode": "Key"}, {"primaryKey": "p", "secondaryKey": "s"}, ("https://e", "p")),
        ({"scoringUri": "https://e", "authMode": "AADToken"}, None, ("https://e", token)),
        ({"authMode": "Key"}, {}, ("", "")),
        ({"scoringUri": None}, None, ("", "")),
    ],
)
def test_where_an_endpoint_is_asked_and_with_what(
    properties: dict[str, Any], answer: Any, found: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloud.arm import Arm

    arm = arm_fake.install(monkeypatch)
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, answer))
    assert address(Arm(), ENDPOINT, properties) == found
    asked = [] if found[1] is token else ["POST"]
    assert [method for method, _ in arm.sent] == asked
    assert all(url.endswith("/listKeys?api-version=2025-12-01") for _, url in arm.sent)


def ready(arm: ArmFake) -> None:
    arm.get(CONNECTION, {"properties": PROPERTIES})
    arm.get(ENDPOINT, {"properties": {"authMode": "Key"}})
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, {"primaryKey": "p", "secondaryKey": "s"}))
    arm.then("POST", f"{CONNECTION}/listsecrets", (200, {}, {"properties": {"credentials": {"keys": {"key": "p"}}}}))
    arm.then("POST", f"{ENDPOINT}/regenerateKeys", (200, {}, {}))
    arm.then("PUT", CONNECTION, (200, {}, {}))


def refused() -> str:
    with pytest.raises(StageError) as error:
        rotate(RING, lambda line: None, threading.Event())
    return str(error.value)


@pytest.mark.parametrize(
    ("method", "path", "what", "on"),
    [
        ("GET", ENDPOINT, "the endpoint's keys could not be read", "endpoint phi"),
        ("POST", f"{ENDPOINT}/listKeys", "the endpoint's keys could not be read", "endpoint phi"),
        (
            "POST",
            f"{CONNECTION}/listsecrets",
            "the connection's key could not be read",
            "connection phi-connection",
        ),
        ("POST", f"{ENDPOINT}/regenerateKeys", "the secondary key could not be made new", "endpoint phi"),
        ("GET", CONNECTION, "the connection could not be given the key", "connection phi-connection"),
        ("PUT", CONNECTION, "the connection could not be given the key", "connection phi-connection"),
    ],
)
def test_a_refusal_says_what_it_was_for(
    method: str, path: str, what: str, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = arm_fake.install(monkeypatch)
    ready(arm)
    arm.queues.pop(f"{method} {path}".lower(), None)
    arm.refuse(method, path, 403, "Forbidden", "not yours")
    assert refused().startswith(f"{what} ({on}): Forbidden: not yours")


def test_what_is_wrong_with_keys_is_told_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = arm_fake.install(monkeypatch)
    ready(arm)
    assert refused() == (
        "the connection did not take the key (connection phi-connection): it was written, and read back it is another "
        "one. Run this again."
    )
    arm.then("POST", f"{CONNECTION}/listsecrets", (200, {}, {}))
    silent = "Azure's answer says nothing of it. Run this again."
    assert refused() == f"the connection's key could not be read (connection phi-connection): {silent}"
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, {"secondaryKey": "s"}))
    assert refused() == f"the endpoint's keys could not be read (endpoint phi): {silent}"
    arm.get(ENDPOINT, {"properties": {"authMode": "AADToken"}})
    assert refused() == (
        "there are no keys to rotate (endpoint phi): its authMode is AADToken. Nothing: tokens of Entra ID end by "
        "themselves (finetune-phi:localAuth is false)."
    )


def test_others_have_a_while_to_read_the_key_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Any] = []
    said: list[str] = []

    def pause(seconds: float, *, tell: Any, stop: Any) -> None:
        waited.append((seconds, stop))
        tell(60.0)

    monkeypatch.setattr(keys, "pause", pause)
    stop: Any = object()
    keys._wait(RING, said.append, stop)
    assert waited == [(60, stop)]
    assert said == ["others have 1 min 00 s to read their key again: still waiting after 1 min 00 s"]
    keys._wait(keys.Keyring(target=RING.target, endpoint="e", project="p", connection="c"), said.append, stop)
    assert len(waited) == 1, "nobody is waited for where there is no pause"

    def stopped(*_: Any, **__: Any) -> None:
        raise keys.Stopped

    monkeypatch.setattr(keys, "pause", stopped)
    with pytest.raises(NotFinished) as error:
        keys._wait(RING, said.append, stop)
    assert str(error.value) == (
        "the rotation is not finished (endpoint phi): you asked to stop; the connection has the new secondary key, and "
        "the primary is the old one. `python -m jobs rotate-keys` goes on where it stopped."
    )


def test_what_is_slow_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    asked: list[Any] = []

    class Slow:
        def run(self, method: str, path: str, query: Any, body: Any, *, tell: Any) -> None:
            asked.append((method, path, query, body))
            tell(60.0)

    arm: Any = Slow()
    keys._regenerate(arm, RING, "Primary", said.append)
    assert asked == [("POST", f"{ENDPOINT}/regenerateKeys", {"api-version": "2025-12-01"}, {"keyType": "Primary"})]
    assert said == [
        "endpoint phi: its primary key is still being made new after 1 min 00 s",
        "endpoint phi has a new primary key",
    ]


def test_an_interrupted_rotation_and_a_foreign_key_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    from test_jobs_keys import Azure

    for held, told in (
        ("s", "the connection holds the secondary key: an earlier rotation was interrupted here, and goes on"),
        ("other", "the connection holds neither of the endpoint's keys; it is given the primary one"),
    ):
        arm = arm_fake.install(monkeypatch)
        azure = Azure(arm, "p", "s", held)
        monkeypatch.setattr(ArmFake, "__call__", lambda self, request, azure=azure, **how: azure(request, **how))
        said: list[str] = []
        quick = keys.Keyring(target=RING.target, endpoint="phi", project="proj", connection="phi-connection")
        rotate(quick, said.append, threading.Event())
        assert said[0] == told
        assert ("connection phi-connection has the new secondary key" in said) is (held == "other")
        monkeypatch.undo()


def test_of_a_connection_all_that_is_the_users_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = arm_fake.install(monkeypatch)
    ready(arm)
    kept = {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": "https://e",
        "metadata": {"a": "b"},
        "isSharedToAll": False,
        "sharedUserList": ["x"],
        "expiryTime": "2027",
    }
    arm.get(CONNECTION, {"properties": {**kept, "group": "Azure's own", "createdBy": "x"}})
    arm.then(
        "POST",
        f"{CONNECTION}/listsecrets",
        (200, {}, {"properties": {"credentials": {"keys": {"key": "p", "other": "o"}}}}),
        (200, {}, {"properties": {"credentials": {"keys": {"key": "new"}}}}),
    )
    from cloud.arm import Arm

    keys._give(Arm(), RING, "new")
    credentials = {"keys": {"key": "new", "other": "o"}}
    assert arm.bodies == [{"properties": {**kept, "credentials": credentials}}]
