"""The search for secrets knows those that were replaced or deleted since."""

from __future__ import annotations

from pathlib import Path

from emulator.machine.home import Home
from emulator.machine.store import Resource, Store
from emulator.resources.endpoints import OnlineEndpoint
from tests.canaries import collect, leaks

ID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/phi"


def test_keys_that_were_rotated_are_searched_for_as_well(tmp_path: Path) -> None:
    home, secrets = Home(tmp_path), dict[str, str]()
    collect(secrets, home)  # before there is an emulator
    assert secrets == {}
    store = Store(home.database)
    keys = [[f"{turn}-key-{place}-of-the-endpoint" for place in range(2)] for turn in ("first", "second", "third")]
    for pair in keys:
        store.put(Resource({"id": ID, "name": "phi", "type": OnlineEndpoint.type}, {"keys": pair}))
        collect(secrets, home)
        collect(secrets, home)
    store.remove(ID)
    store.close()
    collect(secrets, home)
    assert sorted(secrets.values()) == sorted(key for pair in keys for key in pair)
    for pair in keys:
        for key in pair:
            assert len(list(leaks([("a log", f"key={key}".encode())], secrets))) == 1
