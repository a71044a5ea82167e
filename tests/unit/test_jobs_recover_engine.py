"""Recovery with the engine: locks, a refresh, and what Pulumi says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.adoption import somebody_elses
from cloud.errors import StageError
from jobs.commands import recover
from settings.outputs import OutputsError
from tests.unit.arm_fake import ArmFake, install
from tests.unit.state_fake import GROUP, resource, state


def urns(rows: list[dict[str, Any]]) -> list[str]:
    return [row["urn"] for row in rows]


PULUMI = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *import*) grep -q cancel {log} && exit 0; echo "error: the stack is currently locked by 1 lock(s)." >&2
    echo "  file:///x: created by me@{host} (pid {pid}) at now" >&2; exit 255;;
  *export*) cat {state};;
  *preview*) echo '{{"steps": []}}';;
esac
"""


Locked = Callable[[int, str], Path]


@pytest.fixture
def locked_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locked:
    """Puts a pulumi on PATH that says which process locks the stack; the file where it writes what it is asked."""
    log, kept = tmp_path / "asked", tmp_path / "state"
    kept.write_text(json.dumps({"deployment": {"resources": []}}))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(recover.socket, "gethostname", lambda: "here")

    def make(pid: int, host: str) -> Path:
        script = tmp_path / "pulumi"
        script.write_text(PULUMI.format(log=log, host=host, pid=pid, state=kept))
        script.chmod(0o700)
        return log

    return make


def test_the_lock_of_a_process_that_is_gone_is_lifted(locked_by: Locked) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    asked = locked_by(ended.pid, "here")
    said: list[str] = []
    recover.recover("local", said.append)
    assert "cancel --stack local --yes" in asked.read_text()
    assert "is lifted" in said[0]
    assert "refresh" not in asked.read_text(), "nothing was missing"


@pytest.mark.parametrize(("pid", "host"), [(os.getpid(), "here"), (1, "elsewhere")], ids=["alive", "elsewhere"])
def test_an_update_that_may_run_still_keeps_its_lock(locked_by: Locked, pid: int, host: str) -> None:
    asked = locked_by(pid, host)
    with pytest.raises(StageError, match="an update holds its lock"):
        recover.recover("local", print)
    assert "cancel" not in asked.read_text()


def test_an_update_that_pulumis_service_knows_of_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no lock file that says which process; the words are the ones that Pulumi's own SDK looks for."""
    script = tmp_path / "pulumi"
    export = 'echo {\'"deployment": {"resources": []}\'}'.replace("{'", "'{").replace("'}", "}'")
    held = "error: [409] Conflict: Another update is currently in progress."
    script.write_text(f'#!/bin/sh\ncase "$*" in *import*) echo "{held}" >&2; exit 255;; *) {export};; esac\n')
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StageError, match=r"in progress, and not whose.*`pulumi cancel --stack local`"):
        recover.recover("local", print)


ENGINE = """#!/bin/sh
case "$*" in
  *import*) while [ "$1" != --file ]; do shift; done; cp "$2" {state}; cp "$2" {state}.$(ls {state}.* | wc -l);;
  *export*) cat {state};;
  'preview --stack local --json '*) cat {preview}; {meanwhile};;
  refresh*) {refresh};;
esac
"""


KV = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"


class Engine:
    """A pulumi of files: what is imported is what is exported next."""

    def __init__(self, place: Path) -> None:
        self.place, self.kept, self.preview = place, place / "state", place / "preview"
        (place / "state.0").write_text("")
        self.wants()

    def has(self, deployment: dict[str, Any]) -> None:
        self.kept.write_text(json.dumps({"deployment": deployment}))

    def wants(self, *resources: dict[str, Any], op: str = "create", meanwhile: str = ":", refresh: str = ":") -> None:
        steps = [{"op": op, "urn": each["urn"], "newState": each} for each in resources]
        self.preview.write_text(json.dumps({"steps": steps}))
        script = self.place / "pulumi"
        script.write_text(ENGINE.format(state=self.kept, preview=self.preview, meanwhile=meanwhile, refresh=refresh))
        script.chmod(0o700)

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kept.read_text())["deployment"]["resources"]
        return found


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return install(monkeypatch)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Engine(tmp_path)


def vault(name: str = "vault", **inputs: Any) -> dict[str, Any]:
    return resource(name, vaultName="kv", azureApiVersion="2024-11-01", **inputs)


def recovered() -> list[str]:
    said: list[str] = []
    recover.recover("local", said.append)
    return said


def test_an_interrupted_replacement_is_settled(engine: Engine, arm: ArmFake) -> None:
    """An engine that is killed between deleting and creating writes this; its preview calls both of them a replace."""
    arm.get(KV, {"id": KV})
    engine.has(state(vault(sku="old") | {"id": KV, "pendingReplacement": True}))
    engine.wants(vault(sku="new"), op="replace")
    assert "found on Azure: vault" in recovered()[0]
    assert (engine.rows[-1]["inputs"]["sku"], engine.rows[-1].get("pendingReplacement")) == ("new", None)


def test_what_somebody_else_has_under_that_name_stays_theirs(engine: Engine, arm: ArmFake) -> None:
    """In a workspace or project that is given: in the state, the next destroy would delete it."""
    ours = {"project": "finetune-phi", "stack": "dev"}
    arm.get(KV, {"id": KV, "tags": {"owner": "them"}})
    engine.has(state())
    engine.wants(vault(tags=ours))
    said = recovered()
    assert said[0].startswith("vault: Azure has one of that name, and somebody else has made it: left alone")
    assert engine.rows == state()["resources"]
    arm.get(KV, {"id": KV, "tags": {**ours, "costCenter": "1"}})
    assert "found on Azure: vault" in recovered()[0]


@pytest.mark.parametrize(("metadata", "theirs"), [({}, True), (None, True), ({"finetune_phi_stack": "dev"}, False)])
def test_a_connection_says_so_in_its_metadata(metadata: Any, *, theirs: bool) -> None:
    inputs = {"properties": {"metadata": {"endpoint": "x", "finetune_phi_stack": "dev"}}}
    assert somebody_elses(inputs, {"properties": {"metadata": metadata}}) is theirs
    # In a project of the stack's own there is nobody else, and nothing said of it.
    assert not somebody_elses({"properties": {"metadata": {"endpoint": "x"}}}, {"properties": {"metadata": metadata}})


def test_what_azure_does_not_have_is_never_written(engine: Engine, arm: ArmFake) -> None:
    """A refresh that fails would leave it in the state for good: no update would ever create it."""
    arm.refuse("GET", KV, 404, "UserError")
    engine.has(state())
    engine.wants(vault())
    assert recovered() == ["nothing is missing in the state: `pulumi up` or `pulumi destroy` goes on where it stopped"]
    assert engine.rows == state()["resources"]


def test_what_is_gone_by_a_code_that_refresh_does_not_know_is_taken_out(engine: Engine, arm: ArmFake) -> None:
    arm.refuse("GET", KV, 404, "UserError", "Connection kv can't be found in this workspace")
    engine.has(state(vault() | {"id": KV, "outputs": {"name": "kv"}}))
    assert recovered()[1] == "no longer on Azure, and taken out of the state: vault"
    assert engine.rows == state()["resources"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"code": "SubscriptionNotFound", "message": "The subscription could not be found."}}),
        (404, "<html>blocked by the proxy</html>"),
        (403, {"error": {"code": "AuthorizationFailed", "message": "no authorization"}}),
    ],
    ids=["another subscription", "no answer of Azure's", "not allowed"],
)
def test_where_azure_does_not_say_that_something_is_gone_nothing_is_changed(
    engine: Engine, arm: ArmFake, status: int, body: Any
) -> None:
    arm.get(KV, body, status)
    engine.has(state(vault() | {"id": KV, "outputs": {"name": "kv"}}))
    with pytest.raises(StageError, match=r"what is on Azure could not be read \(stack local\)"):
        recovered()
    assert urns(engine.rows)[-1] == vault()["urn"]


def test_what_a_refresh_takes_over_from_azure_is_put_back(engine: Engine, arm: ArmFake) -> None:
    arm.get(KV, {"id": KV})
    engine.has(state())
    filled = state(vault(sku="AZURES") | {"id": KV, "outputs": {"provisioningState": "Updating"}})
    (engine.place / "refreshed").write_text(json.dumps({"deployment": filled}))
    engine.wants(vault(sku="ours"), refresh=f"cp {engine.place}/refreshed {engine.kept}")
    recovered()
    row = engine.rows[-1]
    assert row["inputs"]["sku"] == "ours" and row["outputs"] == {"provisioningState": "Updating"}
    assert row["initErrors"] == ["Azure said that it is Updating"]


def test_an_update_in_between_is_not_overwritten(engine: Engine, arm: ArmFake) -> None:
    arm.get(KV, {"id": KV})
    engine.has(state())
    other = state(vault("somebody-elses") | {"id": "/other"})
    (engine.place / "theirs").write_text(json.dumps({"deployment": other}))
    engine.wants(vault(), meanwhile=f"cp {engine.place}/theirs {engine.kept}")
    with pytest.raises(StageError, match="its state has changed while Azure was asked"):
        recovered()
    assert engine.rows == other["resources"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: no stack named 'dev' found", r"export --stack dev`\): no stack .* `pulumi stack init dev`"),
        ("error: the passphrase is wrong", r"export --stack dev`\): the passphrase is wrong\. Mend that"),
    ],
)
def test_a_refusal_is_told_with_its_whole_command(said: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 255, "", said)
    monkeypatch.setattr(recover.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(StageError, match=told):
        recover.recover("dev", print)


def test_without_pulumi_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OutputsError, match=r"pulumi is not on PATH\. Run `make setup`"):
        recover.recover("dev", print)


def test_a_pulumi_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(recover.subprocess, "run", hangs)
    with pytest.raises(StageError, match=r"could not be recovered .*`pulumi refresh`.*had not ended after 60 minutes"):
        recover._run("refresh")
