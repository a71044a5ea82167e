"""The stage and its findings whole: its error, what is asked first, the table, and the same of quota's requests."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from preflight_asked import ACCOUNTS, ML, MODEL, SPEC, VAULT, S, of, offer, whole

from cloud.errors import StageError
from cloud.place import Place
from jobs.preflight import data, names, quota, run
from jobs.preflight.findings import Finding, State, as_far_as_read, table
from jobs.preflight.spec import Planned, PreflightSpec, TrainingData
from settings.stack import parse
from tests.unit.arm_fake import ArmFake

VAULT_HELD = (
    "soft-deleted vault: kv is soft-deleted and holds the name -> python -m jobs purge --stack dev (or az keyvault "
    "recover --name kv)"
)
AGAIN = "Mend this, check with `python -m jobs preflight --stack dev`, then run `pulumi up` again."


def stage(spec: PreflightSpec = SPEC, stop: bool = False) -> tuple[list[str], str]:
    """What it tells, and its error."""
    said: list[str] = []
    stopped = threading.Event()
    if stop:
        stopped.set()
    try:
        run.run(spec, said.append, stopped)
    except StageError as error:
        return said, str(error)
    return said, ""


def test_the_stage_tells_warnings_and_ends_with_all_that_stands_in_the_way(arm: ArmFake) -> None:
    asking = "asking Azure what it would refuse"
    assert stage() == ([asking], "")
    assert stage(stop=True) == ([asking], "the preflight was stopped (eastus2): you asked to stop. Run it again.")
    arm.get(VAULT, {})
    what = "Azure would refuse this stack, so nothing was created (subscription s, eastus2): "
    assert stage() == ([asking], f"{what}one thing stands in the way. \n  - {VAULT_HELD}\n{AGAIN}")
    arm.get(ACCOUNTS, {"value": [{"name": "ai"}]})
    arm.get(S, offer("Novel_2027"))
    held = "soft-deleted AI Services: ai is soft-deleted and holds the name -> python -m jobs purge --stack dev"
    warning = "offer Novel_2027 may have GPU quota or not: the quota of the family decides"
    assert stage() == (
        [asking, f"warning: subscription: {warning} -> python -m jobs quota --stack dev"],
        f"{what}2 things stand in the way. \n  - {VAULT_HELD}\n  - {held}\n{AGAIN}",
    )


def test_what_azure_does_not_answer_is_told_with_its_reason(arm: ArmFake) -> None:
    arm.refuse("GET", f"{ML}/usages", 403, "AuthorizationFailed", "The client may not")
    arm.get(f"{ML}/vmSizes", {"value": [None]})
    arm.unreachable.add(f"get {MODEL.removeprefix('https://')}".lower())
    said = "not checked: {} -> go on, or ask for the right to read this".format
    found = [str(each) for each in run.check(SPEC) if each.state is not State.OK]
    assert found == [
        f"quota: {said('AuthorizationFailed: The client may not')}",
        "VM sizes: " + said("Azure's answer makes no sense (AttributeError: 'NoneType' object has no attribute 'get')"),
        f"base model: {said('no answer (no route to host)')}",
    ]

    def throttled() -> list[Finding]:
        raise HttpResponseError("slow down")

    (finding,) = as_far_as_read("x", throttled)
    assert finding == Finding(
        check="x",
        state=State.WARNING,
        found="not checked: slow down",
        fix="go on, or ask for the right to read this",
    )


def test_a_check_is_asked_three_times_at_most(arm: ArmFake) -> None:
    arm.refuse("GET", ACCOUNTS, 429, "TooManyRequests")
    run.check(SPEC)
    assert sum(url.startswith(f"https://management.azure.com{ACCOUNTS}?") for _, url in arm.sent) == 3


def test_findings_as_json_and_as_a_table() -> None:
    findings = [
        Finding(check="one", state=State.OK, found="[well]"),
        Finding(check="two", state=State.REFUSED, found="bad", fix="mend it"),
        Finding(check="three", state=State.WARNING, found="odd"),
    ]
    assert [each.to_json() for each in findings[:2]] == [
        {"check": "one", "state": "ok", "found": "[well]", "fix": ""},
        {"check": "two", "state": "refused", "found": "bad", "fix": "mend it"},
    ]
    assert not run.refuses(findings[::2]) and run.refuses(findings)
    shown = table(findings, "Preflight")
    assert (shown.title, shown.title_justify) == ("Preflight", "left")
    assert [column.header for column in shown.columns] == ["check", "state", "found", "what to do"]
    cells = [[(str(cell), str(getattr(cell, "style", ""))) for cell in column.cells] for column in shown.columns]
    assert cells == [
        [("one", ""), ("two", ""), ("three", "")],
        [("ok", "green"), ("refused", "red"), ("warning", "yellow")],
        [("[well]", ""), ("bad", ""), ("odd", "")],
        [("", ""), ("mend it", ""), ("", "")],
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([10] * 10, ["ok training data: 10 rows to train on, none longer than 100 tokens"]),
        (
            [10] * 9,
            [
                "refused training data: train_data.jsonl has 9 rows, and the fine-tune component needs 10 -> add rows",
            ],
        ),
        (
            [*[10] * 10, 500, 500],
            [
                "warning training data: 2 rows are cut at 100 tokens (by an estimate of 4 bytes a token): "
                "train_data.jsonl:11, train_data.jsonl:12; 2 of them have no answer left, and nothing is learned from "
                "them: train_data.jsonl:11, train_data.jsonl:12 -> raise recipe.max_seq_length if the rest of these "
                "rows matters",
            ],
        ),
        (
            None,
            [
                "warning training data: not checked: HERE/none cannot be read ([Errno 2] No such file or directory: "
                "'HERE/none/train_data.jsonl') -> make data STACK=dev"
            ],
        ),
    ],
)
def test_data_are_told_in_these_words(tmp_path: Path, rows: list[int] | None, told: list[str]) -> None:
    for name, lengths in (("train_data.jsonl", rows or []), ("test_data.jsonl", [10])):
        texts = [[("user", "q" * length), ("assistant", "Yes.")] for length in lengths]
        lines = [{"messages": [{"role": role, "content": text} for role, text in turns]} for turns in texts]
        (tmp_path / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    folder = tmp_path / "none" if rows is None else tmp_path
    given = TrainingData(directory=str(folder), fingerprint="f", max_seq_length=100, model="Phi-4-mini-instruct")
    assert [each.replace(str(tmp_path), "HERE") for each in whole(data.fits, of(data=given))] == told


def test_names_that_must_be_nobody_elses_are_those_of_what_is_made() -> None:
    def unique(**sections: Any) -> dict[str, str]:
        config = {"suffix": "abc123", "purgeOnDestroy": not sections, **sections}
        settings = parse({f"finetune-phi:{key}": its for key, its in config.items()}, "dev")
        return names.unique(Place.of(settings, "dev", "00000000-0000-4000-8000-000000000001"))

    own = {
        "storage_account": "stphidevabc123",
        "key_vault": "kvphidevabc123",
        "container_registry": "crphidevabc123",
        "ai_services": "ais-phi-dev-abc123",
    }
    assert unique() == own
    theirs = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers"
    given = unique(existing={"vault": f"{theirs}/Microsoft.KeyVault/vaults/kv-theirs"})
    assert given == {key: its for key, its in own.items() if key != "key_vault"}


FAMILY = "standardNCADSA100v4Family"
REQUEST = f"{ML}/providers/Microsoft.Quota/quotas/{FAMILY}"
SUPPORT = (
    "A person at Azure has to decide: open a request of type `Service and subscription limits (quotas)` at "
    "https://aka.ms/newsupportrequest."
)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"provisioningState": "Succeeded"}, f"{FAMILY}: 72 cores granted in eastus2"),
        ({}, f"{FAMILY}: 72 cores granted in eastus2"),
        ({"provisioningState": "Failed"}, f"Failed: Azure gives no reason. {SUPPORT}"),
        ({"provisioningState": "Invalid", "message": "not so many"}, f"Invalid: not so many. {SUPPORT}"),
        (
            {
                "provisioningState": "Failed",
                "error": {"code": "QuotaNotAvailableForResource", "message": "none"},
                "message": "no",
            },
            "QuotaNotAvailableForResource: none. This offer or region has no quota of the family to give: choose "
            "another region or vmSize, or a pay-as-you-go subscription.",
        ),
    ],
)
def test_what_azure_decides_of_a_request(arm: ArmFake, properties: dict[str, Any], told: str) -> None:
    arm.then("PUT", REQUEST, (200, {}, {"properties": properties}))
    said: list[str] = []
    try:
        (answer,) = quota.request(SPEC, {FAMILY: 72}, said.append, threading.Event())
    except StageError as error:
        answer = str(error)
        told = f"the quota of 72 cores was not granted ({FAMILY} in eastus2): {told}"
    assert answer == told
    assert said == [f"{FAMILY}: asking for 72 cores in eastus2"]


def test_what_is_asked_of_azure_policy_is_recorded_nowhere() -> None:
    planned = Planned(label="vault", version="1", content={"a": 1})
    assert of(planned=(planned,)).fingerprint == SPEC.fingerprint
    assert "planned" not in of(planned=(planned,)).to_inputs()
    assert (SPEC.scope, SPEC.group_scope) == ("/subscriptions/s", "/subscriptions/s/resourceGroups/rg")
    assert SPEC.workspace_scope == (
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
    )
