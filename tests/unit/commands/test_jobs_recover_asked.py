"""Recovery: which commands of Pulumi are run, with which arguments, in which order, and what is told."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import StageError
from jobs.commands import recover
from settings.outputs import MISSING, OutputsError
from tests.unit.arm_fake import ArmFake, install
from tests.unit.state_fake import GROUP, resource, state

KV = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
EXPORT = ("stack", "export", "--stack", "local")
IMPORT = ("stack", "import", "--stack", "local", "--file")
PREVIEW = ("preview", "--stack", "local", "--json")
REFRESH = ("refresh", "--stack", "local", "--yes", "--skip-preview")
CANCEL = ("cancel", "--stack", "local", "--yes")
AFTER = "`pulumi up` or `pulumi destroy` goes on where it stopped"


class Pulumi:
    """The CLI: a state that is exported and imported, and the steps of a preview. ``locked`` is what an import says."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"version": 3, "deployment": state()}
        self.steps: list[dict[str, Any]] = []
        self.asked: list[tuple[str, ...]] = []
        self.locked = ""
        self.preview_code = 0
        self.refreshed: dict[str, Any] | None = None
        self.imported: list[dict[str, Any]] = []

    def __call__(self, command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        assert how == {
            "capture_output": True,
            "text": True,
            "check": False,
            "stdin": subprocess.DEVNULL,
            "timeout": 3600.0,
        }
        assert command[0] == "pulumi" and command[-2:] == ["--color", "never"]
        arguments = tuple(command[1:-2])
        code, out, err = 0, "", ""
        if arguments == EXPORT:
            out = json.dumps(self.state)
        elif arguments[:-1] == IMPORT:
            file, arguments = Path(arguments[-1]), arguments[:-1]
            assert file.name == "state.json" and file.stat().st_mode & 0o777 == 0o600
            if self.locked:
                code, err = 255, self.locked
            else:
                self.state = json.loads(file.read_text())
                self.imported.append(self.state)
        elif arguments == PREVIEW:
            code, out = self.preview_code, json.dumps({"steps": self.steps})
        elif arguments == REFRESH:
            self.state = self.refreshed or self.state
        elif arguments == CANCEL:
            self.locked = ""
        else:
            raise AssertionError(arguments)
        self.asked.append(arguments)
        return subprocess.CompletedProcess(command, code, out, err)


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    fake = Pulumi()
    monkeypatch.setattr(recover.subprocess, "run", fake)
    monkeypatch.setattr(recover.socket, "gethostname", lambda: "here")
    return fake


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return install(monkeypatch)


def vault(name: str = "vault", **inputs: Any) -> dict[str, Any]:
    return resource(name, vaultName="kv", azureApiVersion="2024-11-01", **inputs)


def recovered() -> list[str]:
    said: list[str] = []
    recover.recover("local", said.append)
    return said


def refused() -> str:
    with pytest.raises(StageError) as found:
        recovered()
    return str(found.value)


def test_where_nothing_is_missing_pulumi_is_only_looked_at(pulumi: Pulumi, arm: ArmFake) -> None:
    before = copy.deepcopy(pulumi.state)
    assert recovered() == [f"nothing is missing in the state: {AFTER}"]
    assert pulumi.asked == [EXPORT, IMPORT, EXPORT, PREVIEW]
    assert pulumi.imported == [before] and arm.sent == []


def test_what_is_found_is_imported_filled_in_and_given_back(pulumi: Pulumi, arm: ArmFake) -> None:
    arm.get(KV, {"id": KV})
    wanted = vault(sku="ours")
    pulumi.steps = [
        {"op": "create", "newState": wanted},
        {"op": "same", "newState": vault("another")},
        {"op": "create"},
    ]
    filled = state(vault(sku="AZURES") | {"id": KV, "outputs": {"provisioningState": "Succeeded"}})
    pulumi.refreshed = {"version": 3, "deployment": filled}
    assert recovered() == ["0 interrupted operations settled; found on Azure: vault", AFTER]
    assert pulumi.asked == [EXPORT, IMPORT, EXPORT, PREVIEW, EXPORT, IMPORT, REFRESH, EXPORT, EXPORT, IMPORT]
    assert pulumi.imported[1]["deployment"]["resources"][-1]["id"] == KV
    assert pulumi.state["deployment"]["resources"][-1]["inputs"] == wanted["inputs"]
    (asked,) = arm.sent
    assert asked == ("GET", f"https://management.azure.com{KV}?api-version=2024-11-01")


def test_what_a_refresh_has_left_alone_is_not_imported_again(pulumi: Pulumi, arm: ArmFake) -> None:
    arm.get(KV, {"id": KV})
    pulumi.steps = [{"op": "replace", "newState": vault()}]
    recovered()
    assert pulumi.asked[-3:] == [IMPORT, REFRESH, EXPORT]


def test_interrupted_operations_are_settled(pulumi: Pulumi, arm: ArmFake) -> None:
    """What was being created is looked for on Azure; what was being updated is there."""
    arm.get(KV, {"id": KV})
    pending = [
        {"type": "creating", "resource": vault()},
        {"type": "updating", "resource": vault("updated")},
        {"type": "creating", "resource": resource("unknown", "pulumi:index:Stash")},
    ]
    pulumi.state["deployment"]["pending_operations"] = pending
    assert recovered() == ["3 interrupted operations settled; found on Azure: vault", AFTER]
    assert "pending_operations" not in pulumi.state["deployment"]
    pulumi.state["deployment"]["pending_operations"] = pending[1:]
    assert recovered() == ["2 interrupted operations settled; found on Azure: none of them", AFTER]


def test_what_is_gone_is_taken_out(pulumi: Pulumi, arm: ArmFake) -> None:
    other = f"{GROUP}/providers/Microsoft.KeyVault/vaults/other"
    arm.get(other, {"id": other})
    rows = [vault(name) | {"id": f"{KV}{name}", "outputs": {"name": name}} for name in ("a", "b")]
    kept = resource("kept", vaultName="other", azureApiVersion="2024-11-01") | {"id": other}
    pulumi.state["deployment"] = state(*rows, kept)
    assert recovered() == [
        "0 interrupted operations settled; found on Azure: none of them",
        "no longer on Azure, and taken out of the state: a, b",
        AFTER,
    ]
    assert pulumi.state["deployment"]["resources"] == state(kept)["resources"]


def test_somebody_elses_is_told_once_and_left_alone(pulumi: Pulumi, arm: ArmFake) -> None:
    arm.get(KV, {"id": KV, "tags": {"owner": "them"}})
    ours = vault(tags={"project": "finetune-phi", "stack": "dev"})
    pulumi.steps = [{"op": "create", "newState": ours}]
    pulumi.state["deployment"]["pending_operations"] = [{"type": "creating", "resource": ours}]
    assert recovered() == [
        "vault: Azure has one of that name, and somebody else has made it: left alone; give yours another name",
        "1 interrupted operations settled; found on Azure: none of them",
        AFTER,
    ]
    assert pulumi.state["deployment"]["resources"] == state()["resources"]


def test_of_a_program_that_fails_only_interrupted_operations_are_looked_at(pulumi: Pulumi, arm: ArmFake) -> None:
    pulumi.preview_code = 255
    assert recovered() == [
        "`pulumi preview` fails, so only interrupted operations are looked at",
        f"nothing is missing in the state: {AFTER}",
    ]


LOCK = "error: the stack is currently locked by {}\n  file:///x: created by me@{} (pid {}) at now"


def test_a_lock_is_lifted_where_its_process_is_gone(
    pulumi: Pulumi, arm: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "runs", lambda pid: pid != 41)
    pulumi.locked = LOCK.format("1 lock(s)", "here", 41)
    assert recovered()[0] == "the lock of process 41 is lifted, which is gone"
    assert pulumi.asked[:5] == [EXPORT, IMPORT, CANCEL, IMPORT, EXPORT]


@pytest.mark.parametrize(
    ("locks", "holder"),
    [
        ([("here", 42)], "process 42 on here"),
        ([("elsewhere", 41)], "process 41 on elsewhere"),
        ([("here", 41), ("elsewhere", 41)], "process 41 on elsewhere"),
    ],
)
def test_a_lock_that_may_be_held_is_left_alone(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, locks: list[tuple[str, int]], holder: str
) -> None:
    monkeypatch.setattr(recover, "runs", lambda pid: pid != 41)
    pulumi.locked = "\n".join(LOCK.format("", host, pid) for host, pid in locks)
    assert refused() == (
        f"the stack was left alone (stack local): an update holds its lock: {holder}. Wait for its end. If you know "
        "that it is gone, run `pulumi cancel` first."
    )
    assert CANCEL not in pulumi.asked


def test_an_update_of_pulumis_service_is_waited_for(pulumi: Pulumi) -> None:
    pulumi.locked = "error: [409] Conflict: Another update is currently in progress."
    assert refused() == (
        "the stack was left alone (stack local): Pulumi's service says that an update is in progress, and not whose. "
        "Wait for its end. If you know that it is gone, run `pulumi cancel --stack local` first."
    )


def test_a_state_that_has_changed_meanwhile_is_not_overwritten(
    pulumi: Pulumi, arm: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm.get(KV, {"id": KV})
    pulumi.steps = [{"op": "create", "newState": vault()}]
    run = pulumi.__call__

    def meanwhile(command: list[str], **how: Any) -> Any:
        done = run(command, **how)
        if command[1] == "preview":
            pulumi.state = {"version": 3, "deployment": state(vault("theirs") | {"id": "/theirs"})}
        return done

    monkeypatch.setattr(recover.subprocess, "run", meanwhile)
    assert refused() == (
        "the stack was left alone (stack local): its state has changed while Azure was asked, by an update or somebody "
        "else's recovery. Wait for its end, then run the same again."
    )
    assert len(pulumi.imported) == 1


def test_when_a_state_was_written_and_how_it_is_encrypted_is_no_change() -> None:
    one: dict[str, Any] = {"manifest": {"time": 1}, "resources": [{"a": {"ciphertext": "x", "b": 1}}, 2]}
    assert recover._content(one) == {"resources": [{"a": {"b": 1}}, 2]}
    assert recover._content("text") == "text"


@pytest.mark.parametrize(
    ("out", "err", "why"),
    [
        ("", "warning: x\n error: the first \nerror: the last\n", "the last"),
        ("error: in the output", "", "in the output"),
        ("", "without the word " + "x" * 300, "x" * 300),
        ("in the output alone", "", "in the output alone"),
    ],
)
def test_a_refusal_of_pulumi_is_told_with_its_command(
    out: str, err: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 255, out, err))
    assert refused() == (
        f"the stack could not be recovered (`pulumi stack export --stack local`): {why}. Mend that, then run the same "
        "again."
    )


def test_without_pulumi_or_its_end_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError("pulumi")

    def hangs(command: list[str], timeout: float, **_: Any) -> Any:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(recover.subprocess, "run", missing)
    with pytest.raises(OutputsError) as found:
        recovered()
    assert str(found.value) == MISSING
    monkeypatch.setattr(recover.subprocess, "run", hangs)
    assert refused() == (
        "the stack could not be recovered (`pulumi stack export --stack local`): it had not ended after 60 minutes, "
        "and was stopped. Look whether Azure and the backend of the state answer, then run the same again."
    )


def test_the_state_is_in_no_file_afterwards(pulumi: Pulumi, arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Path] = []
    run = pulumi.__call__

    def noting(command: list[str], **how: Any) -> Any:
        files.extend(Path(each) for each in command if each.endswith("state.json"))
        return run(command, **how)

    monkeypatch.setattr(recover.subprocess, "run", noting)
    recovered()
    assert len(files) == 1 and not files[0].exists()
