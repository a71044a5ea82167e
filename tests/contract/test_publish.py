"""The stage flow with Azure's own clients: published once, found again, published again when it changed."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from cloud import waiting
from cloud.arm import Arm
from cloud.errors import NotFinished, StageError
from cloud.services.fileshare import Share
from cloud.target import Target
from emulator.dataplane.flows import TYPE
from emulator.front import admin
from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.machine.store import Store
from jobs.publishing import bundle, publish
from jobs.publishing.spec import FlowSpec
from tests.contract.arm import Arm as ArmRest
from tests.contract.conftest import GROUP, make_workspace

CONNECTION = "phi-connection"


def spec_of(name: str, files: dict[str, bytes]) -> FlowSpec:
    return FlowSpec(
        target=Target(SUBSCRIPTION_ID, GROUP, "mlw-contract"),
        name=name,
        connection=CONNECTION,
        content=bundle.fingerprint(files),
    )


def on_share(home: Home, flow: dict[str, Any]) -> dict[str, bytes]:
    """The files of a flow's folder."""
    (share,) = (home.root / "files" / "stcontract").iterdir()
    folder = (share / flow["flowDefinitionFilePath"]).parent
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def files(workspace: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The flow's files; what a test changes in them is what the stage finds."""
    files = bundle.files(CONNECTION)
    monkeypatch.setattr(bundle, "files", lambda connection: dict(files))
    return files


def publish_now(spec: FlowSpec) -> list[str]:
    lines: list[str] = []
    publish.run(spec, lines.append, threading.Event())
    return lines


def flow_of(spec: FlowSpec) -> dict[str, Any]:
    found = publish.Project(Arm(), spec).find()
    assert found is not None
    return found


def test_a_flow_is_published_once(home: Home, files: dict[str, bytes]) -> None:
    spec = spec_of("once", files)
    assert "published: https://ml.azure.com/" in publish_now(spec)[0]
    flow = flow_of(spec)
    assert flow["flowType"] == "Chat"
    assert flow["tags"] == {"fingerprint": spec.fingerprint, "connection": CONNECTION}
    assert on_share(home, flow) == files
    assert "there already" in publish_now(spec)[0]


def test_a_changed_flow_keeps_its_place_and_id(home: Home, files: dict[str, bytes]) -> None:
    files["chat/client/old.py"] = b"# of a flow that was published as a package\n"
    before = spec_of("changing", files)
    publish_now(before)
    del files["chat/client/old.py"]
    files["phi_messages.py"] += b"# changed\n"
    files["new.py"] = files.pop("phi_client.py")
    after = spec_of("changing", files)
    assert "published again" in publish_now(after)[0]
    assert flow_of(after)["flowId"] == flow_of(before)["flowId"]
    assert flow_of(after)["tags"]["fingerprint"] == after.fingerprint
    assert on_share(home, flow_of(after)) == files


def test_an_upload_that_broke_off_is_completed(
    home: Home, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of("broken-off", files)

    def broken(share: Share, folder: str, content: dict[str, bytes]) -> None:
        name = sorted(content)[0]
        whole(share, folder, {name: content[name]})
        raise ConnectionResetError("the line went dead")

    whole = Share.write
    with monkeypatch.context() as patch, pytest.raises(ConnectionResetError):
        patch.setattr(Share, "write", broken)
        publish_now(spec)
    assert publish.Project(Arm(), spec).find() is None
    publish_now(spec)
    assert on_share(home, flow_of(spec)) == files


def test_files_that_changed_since_the_preview_are_not_published(files: dict[str, bytes]) -> None:
    spec = spec_of("moving", files)
    files["phi_messages.py"] += b"# changed\n"
    with pytest.raises(StageError, match="changed since this run began"):
        publish_now(spec)


def test_a_flow_waits_for_a_role_that_is_new(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    spec, write, refusals = spec_of("late-role", files), Share.write, [403, 403]

    def late(self: Share, *given: Any) -> None:
        if refusals:
            error = HttpResponseError("This request is not authorized to perform this operation.")
            error.status_code = refusals.pop()
            raise error
        write(self, *given)

    monkeypatch.setattr(Share, "write", late)
    monkeypatch.setattr(waiting, "ROLE_POLL_SECONDS", 0.01)
    lines = publish_now(spec)
    assert "waiting for the role" in lines[0] and "published" in lines[1] and len(lines) == 2


def test_an_interrupt_before_the_upload_publishes_nothing(files: dict[str, bytes]) -> None:
    spec = spec_of("stopped", files)
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished):
        publish.run(spec, lambda line: None, stop)
    assert publish.Project(Arm(), spec).find() is None


def test_a_flow_goes_with_its_project(home: Home, arm: ArmRest, files: dict[str, bytes]) -> None:
    path = make_workspace(arm, "rg-flows", "flows")
    target = Target(SUBSCRIPTION_ID, "rg-flows", "mlw-flows")
    publish_now(FlowSpec(target=target, name="chat", connection=CONNECTION, content=bundle.fingerprint(files)))
    store = Store(home.database)
    assert [each.body["flow"]["flowName"] for each in store.below(path, TYPE)] == ["chat"]
    arm.delete(path, "2025-12-01")
    assert store.below(path) == []
    store.close()


@pytest.mark.parametrize("answered", (True, False))
@pytest.mark.parametrize("kind", ("throttled", "error", "unavailable", "reset"))
def test_a_lost_answer_makes_no_second_flow(kind: str, answered: bool, home: Home, files: dict[str, bytes]) -> None:
    spec = spec_of(f"lost-{kind}-{answered}", files)
    rule = {"kind": kind, "method": "POST", "host": "*.api.azureml.ms", "path": "/flow/api/*", "count": 1}
    if kind in ("throttled", "unavailable"):
        rule["retry_after"] = 0
    admin.call(home, "POST", "faults", rule | {"answered": answered})
    publish_now(spec)
    (hit,) = admin.call(home, "DELETE", "faults")
    assert hit["hits"] == 1
    project = publish.Project(Arm(), spec)
    flows = project.arm.rows(project._url, **project._query)
    assert len([flow for flow in flows if flow["flowName"] == spec.name]) == 1
