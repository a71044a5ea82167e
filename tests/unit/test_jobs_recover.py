"""After a crash: which resources are written into the state, under which ids; no engine here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.provider.resources import RESOURCES
from jobs import recover
from jobs.errors import StageError
from jobs.outputs import OutputsError

SUB = "00000000-0000-4000-8000-0000000000a1"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
STACK = "urn:pulumi:local::p::pulumi:pulumi:Stack::p-local"
GROUP_URN = "urn:pulumi:local::p::g::group"
PROVIDER = "urn:pulumi:local::p::pulumi:providers:azure-native::default_3_29_0"


def named(template: str) -> str:
    """A path with its parameters numbered: their names differ between the SDK and the table."""
    return re.sub(r"\{\w+\}", "{}", template)


def test_ids_are_those_of_the_provider() -> None:
    made_by_stages = {"azure-native:machinelearningservices:OnlineDeployment"}
    for kind, row in RESOURCES.items():
        if kind in made_by_stages:
            continue
        template = recover.IDS[kind.removeprefix("azure-native:")]
        assert named(template) == named(row.path), kind
        wanted = re.findall(r"\{(\w+)\}", template.replace("{subscription}", ""))
        assert wanted == list(row.path_parameters), kind


def resource(name: str, kind: str = "azure-native:keyvault:Vault", **inputs: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:local::p::{kind}::{name}",
        "type": kind,
        "custom": kind.startswith(("azure-native", "pulumi:providers")),
        "parent": STACK,
        "provider": f"{PROVIDER}::1234",
        "inputs": {"resourceGroupName": "rg", **inputs},
    }


def state(*more: dict[str, Any]) -> dict[str, Any]:
    stack = {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False}
    provider = {"urn": PROVIDER, "type": "pulumi:providers:azure-native", "custom": True, "id": "1234"}
    group = {"urn": GROUP_URN, "type": "g", "custom": True, "id": GROUP}
    return {"resources": [stack, provider, group, *more]}


def urns(rows: list[dict[str, Any]]) -> list[str]:
    return [row["urn"] for row in rows]


def test_what_azure_may_have_is_adopted_under_its_id_below_its_parent() -> None:
    deployment = state()
    component = resource("base", "finetune-phi:infra:Foundation") | {"inputs": {}}
    vault = resource("vault", vaultName="kv") | {"parent": component["urn"], "dependencies": ["urn:gone", STACK]}
    assert urns(recover.adopt(deployment, [component, vault])) == [vault["urn"]]
    added = deployment["resources"][-1]
    assert added["id"] == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert (added["parent"], added["dependencies"], added["inputs"]) == (component["urn"], [STACK], vault["inputs"])


def test_the_providers_own_subscription_comes_first() -> None:
    deployment, other = state(), "00000000-0000-4000-8000-0000000000b2"
    deployment["resources"][1]["inputs"] = {"subscriptionId": other}
    recover.adopt(deployment, [resource("vault", vaultName="kv")])
    assert deployment["resources"][-1]["id"].startswith(f"/subscriptions/{other}/resourceGroups/rg/")


@pytest.mark.parametrize(
    "other",
    [
        resource("step", "pulumi:index:Stash"),
        resource("unnamed"),
        resource("vault", vaultName="kv", tenant=recover._UNKNOWN),
        resource("vault", vaultName="kv") | {"parent": "urn:not-there"},
        resource("vault", vaultName="kv") | {"provider": "urn:not-there::1"},
    ],
    ids=["not Azure's", "without a name", "with an unknown input", "below nothing", "of no provider"],
)
def test_what_cannot_have_been_made_is_not_adopted(other: dict[str, Any]) -> None:
    other["custom"] = True
    deployment = state()
    assert recover.adopt(deployment, [other]) == []
    assert deployment == state()


def test_what_the_state_knows_is_left_alone() -> None:
    vault = resource("vault", vaultName="kv")
    deployment = state(vault)
    assert recover.adopt(deployment, [vault]) == []


def test_the_new_one_of_an_interrupted_replacement_takes_the_row_of_the_old_one() -> None:
    old = resource("vault", vaultName="kv", sku="old") | {"id": "of old", "pendingReplacement": True}
    new = resource("vault", vaultName="kv", sku="new") | {"dependencies": [GROUP_URN, "urn:later"]}
    later = resource("later", vaultName="other") | {"urn": "urn:later"}
    deployment = state(old, later)
    assert urns(recover.adopt(deployment, [new])) == [old["urn"]]
    row = deployment["resources"][-2]
    assert row["id"] == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert row["inputs"] == new["inputs"] and "pendingReplacement" not in row
    assert row["dependencies"] == [GROUP_URN], "the engine takes no state where one follows what depends on it"
    assert urns(deployment["resources"]) == [*urns(state()["resources"]), old["urn"], "urn:later"]


def test_a_replacement_that_has_not_begun_leaves_the_old_one_alone() -> None:
    old = resource("vault", vaultName="kv") | {"id": "of old"}
    deployment = state(old)
    assert recover.adopt(deployment, [resource("vault", vaultName="another")]) == []
    assert deployment == state(old)


def test_a_replacement_begun_beside_the_old_one_is_left_for_the_next_update_to_delete() -> None:
    old = resource("vault", vaultName="kv") | {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"}
    new = resource("vault", vaultName="kv2")
    deployment = state(old)
    assert urns(recover.adopt(deployment, [resource("vault", vaultName="kv3")], begun=[new])) == [old["urn"]]
    assert deployment["resources"][-2] == old
    row = deployment["resources"][-1]
    assert (row["id"], row["delete"]) == (f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv2", True)

    deployment = state(old)
    assert recover.adopt(deployment, [], begun=[resource("vault", vaultName="kv")]) == []
    assert deployment == state(old), "it would be deleted under the old one's feet"


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


ENGINE = """#!/bin/sh
case "$*" in
  *import*) while [ "$1" != --file ]; do shift; done; cp "$2" {state};;
  *export*) cat {state};;
  *preview*) cat {preview};;
esac
"""


def test_an_interrupted_replacement_is_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is killed between deleting and creating writes this; its preview calls both of them a replace."""
    old = resource("vault", vaultName="kv", sku="old") | {"id": "of old", "pendingReplacement": True}
    kept, preview = tmp_path / "state", tmp_path / "preview"
    kept.write_text(json.dumps({"deployment": state(old)}))
    step = {"op": "replace", "urn": old["urn"], "newState": resource("vault", vaultName="kv", sku="new")}
    preview.write_text(json.dumps({"steps": [step]}))
    script = tmp_path / "pulumi"
    script.write_text(ENGINE.format(state=kept, preview=preview))
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said: list[str] = []
    recover.recover("local", said.append)
    assert "found on Azure: vault" in said[0]
    row = json.loads(kept.read_text())["deployment"]["resources"][-1]
    assert (row["inputs"]["sku"], row.get("pendingReplacement")) == ("new", None)


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
