"""The preflight: its stage, its command, and what it does with answers that fail."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from preflight_asked import ACCOUNTS, ML, SPEC, VAULT, S, found, offer, only, usage

from cloud.credentials import CredentialError
from cloud.errors import StageError
from jobs import __main__ as cli
from jobs import specs
from jobs.preflight import run
from jobs.preflight.findings import State
from jobs.preflight.spec import PreflightSpec, TrainingData
from tests.unit.arm_fake import ArmFake


def test_all_is_well(arm: ArmFake) -> None:
    findings = run.check(SPEC)
    assert [finding.check for finding in findings] == list(run.CHECKS)
    assert not [str(finding) for finding in findings if finding.state is not State.OK]
    assert {method for method, _ in arm.sent} == {"GET"}


def test_what_cannot_be_read_is_a_warning_and_stops_nothing(arm: ArmFake) -> None:
    arm.refuse("GET", f"{ML}/usages", 403, "AuthorizationFailed", "The client 'x' may not")
    arm.refuse("GET", ACCOUNTS, 500, "InternalServerError", "oops")
    arm.get(f"{ML}/vmSizes", {"value": [None]})
    arm.unreachable.add("get eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery")
    findings = found()
    assert {finding.state for finding in findings} == {State.WARNING}
    assert {finding.check for finding in findings} == {
        *("quota", "VM sizes", "base model", "fine-tune component", "soft-deleted AI Services"),
    }
    assert all(finding.found.startswith("not checked: ") for finding in findings)


def test_a_failed_sign_in_is_one_error(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Any:
        raise CredentialError("half of it is missing")

    monkeypatch.setattr(run.azure, "credential", nobody)
    with pytest.raises(CredentialError, match="half of it is missing"):
        run.check(SPEC)


def test_the_stage_says_everything_at_once(arm: ArmFake) -> None:
    arm.get(VAULT, {"properties": {}})
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 0)]})
    arm.get(S, offer("Novel_2027-01-01"))
    lines: list[str] = []
    with pytest.raises(StageError, match="nothing was created") as raised:
        run.run(SPEC, lines.append, threading.Event())
    text = str(raised.value)
    assert "2 things stand in the way" in text and "quota request" in text and "jobs purge" in text
    assert [line for line in lines if line.startswith("warning: subscription: offer Novel_2027-01-01 may have")]


def test_the_stage_goes_on_with_warnings(arm: ArmFake) -> None:
    arm.get(S, offer("Novel_2027-01-01"))
    run.run(SPEC, lambda line: None, threading.Event())


def test_the_spec_survives_the_engine() -> None:
    inputs = json.loads(json.dumps(SPEC.to_inputs()), parse_int=float)  # it carries every number as a double
    again = PreflightSpec.from_inputs(inputs)
    assert again == SPEC and again.fingerprint == SPEC.fingerprint


def test_the_command_prints_and_exits(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(specs, "preflight_of", lambda stack: SPEC)
    cli.main(["preflight", "--stack", "dev"])
    assert "Phi-4-mini-instruct version 1" in capsys.readouterr().out
    arm.get(VAULT, {"properties": {}})
    with pytest.raises(SystemExit) as ended:
        cli.main(["preflight", "--stack", "dev", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (ended.value.code, answer["refused"]) == (1, True)
    assert {finding["state"] for finding in answer["findings"]} == {"ok", "refused"}


@pytest.mark.parametrize(
    ("rows", "state", "says"),
    [
        ([10] * 10, State.OK, ""),
        ([10] * 9, State.REFUSED, "train_data.jsonl has 9 rows, and the fine-tune component needs 10"),
        ([*[10] * 10, 500], State.WARNING, "1 of them have no answer left"),
        ([500, *[10] * 10], State.REFUSED, "the first row of train_data.jsonl has no answer within 100 tokens"),
    ],
)
def test_data_that_the_component_cannot_train_on(
    arm: ArmFake, tmp_path: Path, rows: list[int], state: State, says: str
) -> None:
    for name, lengths in (("train_data.jsonl", rows), ("test_data.jsonl", [10])):
        texts = [[("user", "q" * length), ("assistant", "Yes.")] for length in lengths]
        lines = [{"messages": [{"role": role, "content": text} for role, text in turns]} for turns in texts]
        (tmp_path / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    data = TrainingData(
        directory=str(tmp_path), fingerprint="0123456789ab", max_seq_length=100, model="Phi-4-mini-instruct"
    )
    told = found(dataclasses.replace(SPEC, data=data))
    assert [finding.state for finding in told] == ([] if state is State.OK else [state])
    assert all(finding.check == "training data" and says in finding.found and finding.fix for finding in told)


def test_data_that_are_gone_are_no_refusal_of_azures(arm: ArmFake, tmp_path: Path) -> None:
    data = TrainingData(
        directory=str(tmp_path / "none"), fingerprint="0123456789ab", max_seq_length=100, model="Phi-4-mini-instruct"
    )
    finding = only(dataclasses.replace(SPEC, data=data))
    assert finding.state is State.WARNING and "cannot be read" in finding.found
