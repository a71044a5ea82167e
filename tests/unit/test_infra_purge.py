"""What the purging resources keep in the state, and do when they are deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from infra.lifecycle import machines
from infra.purge import _LiveProvider, _Provider


def record(group: str, vault: str, **more: Any) -> dict[str, Any]:
    names = {"vaults": [vault], "accounts": ["ais"]}
    return {"subscriptionId": "s", "location": "eastus2", "resourceGroup": group, "names": names, **more}


def test_names_of_an_earlier_suffix_are_purged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    purged: list[tuple[str, Any]] = []

    def purge(_s: str, _l: str, group: str, names: Mapping[str, Sequence[str]], _report: object) -> list[str]:
        purged.append((group, names["vaults"]))
        return []

    monkeypatch.setattr("cloud.removal.purge.purge", purge)
    provider, state = _Provider(), record("rg-one", "kvone")
    for group, vault in (("rg-two", "kvtwo"), ("rg-three", "kvthree")):
        state = dict(provider.update("id", state, record(group, vault)).outs or {})
    assert provider.diff("id", state, record("rg-three", "kvthree")).changes is False
    provider.delete("id", state)
    assert purged == [("rg-three", ["kvthree"]), ("rg-one", ["kvone"]), ("rg-two", ["kvtwo"])]


def test_a_name_that_is_in_use_again_is_no_earlier_one() -> None:
    provider, first = _Provider(), record("rg-one", "kvone")
    second = provider.update("id", first, record("rg-two", "kvtwo")).outs or {}
    back = provider.update("id", second, first).outs or {}
    assert [each["resourceGroup"] for each in back["earlier"]] == ["rg-two"]


def test_a_record_of_a_program_that_purged_workspaces_here_is_not_an_earlier_name() -> None:
    old = record("rg", "kv")
    old["names"] = {**old["names"], "workspaces": ["mlw", "proj", "hub"]}
    assert (_Provider().update("id", old, record("rg", "kv")).outs or {})["earlier"] == []


def test_another_target_is_another_purge() -> None:
    old = {"subscriptionId": "s", "target": "/a/Workspaces/one", "holds": {}}
    assert _LiveProvider().diff("id", old, {**old, "target": "/a/workspaces/two"}).replaces == ["target"]
    same = _LiveProvider().diff("id", old, {**old, "target": "/a/workspaces/ONE", "holds": {"/b": "1"}})
    assert (same.replaces, same.changes) == ([], True)
    assert _LiveProvider().diff("id", old, {**old, "__provider": "x"}).changes is False


def test_a_cluster_makes_room_before_it_gets_another_size_and_never_when_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str, object]] = []
    monkeypatch.setattr(
        "cloud.removal.deletion.delete_other_size", lambda cluster, size, say, tags: asked.append((cluster, size, tags))
    )
    provider, old = machines._Provider(), {"subscriptionId": "s", "cluster": "/c", "vmSize": "A"}
    new = {**old, "vmSize": "B"}
    provider.create(old)
    assert (provider.diff("/c", old, old).changes, provider.diff("/c", old, new).changes) == (False, True)
    provider.update("/c", old, new)
    provider.delete("/c", new)
    assert asked == [("/c", "A", None), ("/c", "B", None)]
