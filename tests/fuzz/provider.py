"""The emulator's azure-native: whatever a program gives and Azure answers, the engine gets words and no traceback."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as protocol

from emulator.provider.errors import ArmError, ProviderError
from emulator.provider.resources import FUNCTIONS, RESOURCES
from emulator.provider.values import UNKNOWN, map_from_plain, map_to_plain
from tests.fuzz.values import broken, odd
from tests.provided import Arm, Direct, run

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
VARIABLES = {"azure-native:config:location": "eastus2", "azure-native:config:subscriptionId": SUBSCRIPTION}
PROPERTIES = {
    "sku": {"name": "Standard_LRS"},
    "tags": {"owner": "me"},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/x/id"]},
    "properties": {"computeType": "AmlCompute", "credentials": {"keys": {"key": "k"}}, "list": [1, {"a": 2}]},
    "kind": "StorageV2",
    "accessRules": [{"name": "a"}, {"name": "b"}],
}


def build(folder: Path) -> Callable[[random.Random], None]:
    del folder
    tokens = sorted(RESOURCES)

    def trial(chance: random.Random) -> None:
        arm = Arm()
        provider = Direct(connect=lambda subscription, cancelled: arm, warn=lambda _: None)  # type: ignore[arg-type,return-value]
        run(provider.configure(protocol.ConfigureRequest(VARIABLES, {}, True, True)))
        token = chance.choice(tokens) if chance.random() < 0.95 else str(odd(chance))
        urn = f"urn:pulumi:t::p::p:infra:X${token}::one"
        old, new = (_inputs(token, chance) for _ in range(2))
        for step in chance.sample(STEPS, len(STEPS)):
            if chance.random() < 0.2:
                arm.failing = chance.choice((None, ArmError("Azure said no"), ArmError("later", accepted=True)))
            if arm.resources and chance.random() < 0.3:
                path = chance.choice(list(arm.resources))
                answer = broken(arm.resources[path], chance, 0.05)
                arm.resources[path] = answer if isinstance(answer, dict) else {}
            try:
                step(provider, urn, old, new, chance)
            except ProviderError as refusal:
                assert str(refusal).strip(), "refused without a word"
                assert len(str(refusal)) < 20_000

    return trial


def _inputs(token: str, chance: random.Random) -> dict[str, Any]:
    row = RESOURCES.get(token)
    named = {name: chance.choice(("fuzz1", "fuzz1", UNKNOWN)) for name in (row.path_parameters if row else ())}
    found = broken({**named, **PROPERTIES}, chance, 0.08)
    return _sendable(found) if isinstance(found, dict) else {}


def _sendable(value: Any) -> Any:
    """As the engine's protocol can carry it: doubles, and text of whole characters."""
    if isinstance(value, dict):
        return {_sendable(str(key)): _sendable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_sendable(one) for one in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return float(min(value, 10**300))
    return value


def _check(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    seed = bytes([chance.randrange(256)]) * chance.choice((0, 32))
    answer = run(provider.check(protocol.CheckRequest(urn, map_from_plain(old), map_from_plain(new), seed)))
    map_to_plain(answer.inputs or {})


def _diff(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    del chance
    run(provider.diff(protocol.DiffRequest(urn, "id", map_from_plain(old), map_from_plain(new), [])))


def _create(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    del old
    run(provider.create(protocol.CreateRequest(urn, map_from_plain(new), 0, chance.random() < 0.5)))


def _update(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    olds, news = map_from_plain(old), map_from_plain(new)
    run(provider.update(protocol.UpdateRequest(urn, "id", olds, news, 0, [], chance.random() < 0.5)))


def _read(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    known = map_from_plain(old) if chance.random() < 0.6 else {}
    arm: Any = provider._client()
    there = chance.choice([*arm.resources, "/subscriptions/x", str(odd(chance))])
    run(provider.read(protocol.ReadRequest(urn, there, map_from_plain(new), known)))


def _invoke(provider: Direct, urn: str, old: Any, new: Any, chance: random.Random) -> None:
    del urn, old
    token = chance.choice([*FUNCTIONS, "azure-native:nope:nope"])
    run(provider.invoke(protocol.InvokeRequest(token, map_from_plain(new))))


STEPS: list[Callable[[Direct, str, Any, Any, random.Random], None]] = [_check, _diff, _create, _update, _read, _invoke]
