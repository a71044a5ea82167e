"""Inference servers that come back after a restart of the emulator."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emulator.cloud.parts import Cloud
from emulator.machine.home import Home
from emulator.machine.store import Resource, Store
from emulator.runs.servers import Servers

KIND = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
DEPLOYMENT = f"{WORKSPACE}/onlineEndpoints/e/deployments"


def test_one_that_is_deleted_while_it_comes_back_is_stopped_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    store = Store(home.database)
    for name, state in (("d", "Succeeded"), ("failed", "Failed")):
        body: dict[str, Any] = {"properties": {"provisioningState": state, "model": "m"}}
        store.put(Resource({"id": f"{DEPLOYMENT}/{name}", "name": name, "type": KIND, **body}))
    happened: list[str] = []
    processes = SimpleNamespace(stop_all=lambda each: happened.append("stopped"))
    traffic = SimpleNamespace(drained=lambda *_: True)
    servers = Servers(cast(Cloud, SimpleNamespace(home=home, store=store, processes=processes, traffic=traffic)))
    may_serve = threading.Event()

    def serve(*_: str) -> None:
        assert may_serve.wait(10)
        happened.append("serving")

    monkeypatch.setattr(servers, "serve", serve)
    coming = servers.to_resume()
    assert [each.name for each in coming] == ["d"]
    # A deletion may ask before the first server has even begun to start.
    stopping = threading.Thread(target=servers.stop, args=(f"{DEPLOYMENT}/d",))
    stopping.start()
    resuming = threading.Thread(target=servers.resume, args=(coming,))
    resuming.start()
    may_serve.set()
    for thread in (resuming, stopping):
        thread.join(10)
    assert happened == ["serving", "stopped"]
    store.close()
