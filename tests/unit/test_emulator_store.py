from __future__ import annotations

from pathlib import Path

import pytest

from emulator.machine.store import Resource, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.sqlite")


def resource(resource_id: str, kind: str = "N/t") -> Resource:
    return Resource({"id": resource_id, "name": resource_id.rsplit("/", 1)[1], "type": kind, "properties": {"a": 1}})


def test_ids_are_matched_without_case(store: Store) -> None:
    store.put(resource("/S/A"))
    found = store.get("/s/a")
    assert found is not None
    assert found.id == "/S/A"


def test_removing_takes_everything_below_and_nothing_beside(store: Store) -> None:
    for each in ("/s/a", "/s/a/b", "/s/a/b/c", "/s/a_b", "/s/ab"):
        store.put(resource(each))
    store.remove("/s/a")
    assert [each.id for each in store.everything()] == ["/s/a_b", "/s/ab"]


def test_a_soft_deleted_resource_is_found_until_it_is_purged(store: Store) -> None:
    store.put(resource("/s/vault"))
    store.put(resource("/s/vault/secret"))
    store.soft_delete(resource("/s/vault"))
    assert store.everything() == []
    assert store.find_deleted("/S/VAULT") is not None
    store.purge("/s/vault")
    assert store.deleted() == []


def test_state_survives_the_store(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.sqlite")
    first.put(resource("/s/a"))
    first.add_operation("o", "apply", "/s/a")
    first.refuse("example.org")
    first.refuse("example.org")
    second = Store(tmp_path / "state.sqlite")  # the first was never closed, as after a kill
    assert second.get("/s/a") is not None
    assert second.open_operations() == [("o", "apply", "/s/a")]
    assert second.refused() == [("example.org", 2)]
