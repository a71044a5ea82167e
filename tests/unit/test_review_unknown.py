"""What a preview does not know yet, and what is said of stages that run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloud.services.prices import PriceBook
from review.durations import Past
from review.events import Preview, State, Step
from review.happening import sentences
from review.known.judge import Level
from review.report import build
from review.risks import risks
from review.settled import Sources, settled
from review.verdict import Thresholds, Verdict


def _book(folder: Path) -> PriceBook:
    return PriceBook(folder / "prices.json", fetch=lambda meter: [])


def test_a_release_in_the_place_of_the_old_one_leaves_callers_without_an_answer() -> None:
    urn = "urn:pulumi:dev::finetune-phi::pulumi:index:Stash::release"
    sentence = "leaves callers without an answer for some twenty minutes (strategy: recreate)."

    def said(was: dict[str, Any] | None, **will: str) -> list[tuple[Level, str]]:
        states = (State({"input": was}, {}) if was else None, State({"input": will}, {}))
        step = Step(urn, "pulumi:index:Stash", "update" if was else "create", *states, "")
        return [(each.level, each.sentence) for each in risks(Preview(steps=[step]))]

    recreate = {"strategy": "recreate"}
    model = {"model_fingerprint": "a", "fingerprint": "a"}
    assert (Level.MEDIUM, sentence) in said({**model, **recreate}, **{**model, "model_fingerprint": "b", **recreate})
    # Other instances are a change in place.
    assert sentence not in str(said({**model, **recreate}, **{**model, "fingerprint": "b", **recreate}))
    assert sentence not in str(said(model, **{**model, "model_fingerprint": "b"}))
    assert sentence not in str(said(None, **model, **recreate))
    for was in ({"fingerprint": "a"}, None):
        found = said(was, fingerprint="a", **recreate)
        assert any(level == Level.MEDIUM and "nobody is answered for some twenty minutes" in it for level, it in found)


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


ROLE = "azure-native:authorization:RoleAssignment"


IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"


def _step(type_: str, name: str, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Step:
    states = [State(inputs, {}) if inputs is not None else None for inputs in (old, new)]
    return Step(f"urn::{type_}::{name}", type_, op, *states, "")


def _granted(before: str, after: str) -> tuple[Step, dict[str, Any], dict[str, Any]]:
    """A role assignment whose principal is unknown, and what it is taken from, before and after."""
    step = _step(
        ROLE, "contributor", "replace", {"principalId": "p", "scope": "/g"}, {"principalId": UNKNOWN, "scope": "/g"}
    )
    old, new = ({step.urn: {"principalId": (f"urn::{IDENTITY}::{name}",)}} for name in (before, after))
    return step, old, new


@pytest.mark.parametrize(
    ("op", "before", "after", "stays"),
    [
        ("update", "identity", "identity", True),
        ("replace", "identity", "identity", False),
        ("update", "identity", "auditor", False),
        ("update", "nobody", "identity", False),
    ],
)
def test_what_is_unknown_stays_only_where_it_comes_from_the_same_and_that_is_not_made_anew(
    op: str, before: str, after: str, stays: bool
) -> None:
    tagged = _step(IDENTITY, "identity", op, {"tags": {}}, {"tags": {"a": "b"}})
    auditor = _step(IDENTITY, "auditor", "create", None, {"resourceName": "id-auditor"})
    granted, old, new = _granted(before, after)
    preview = Preview([tagged, auditor, granted], needs=new)
    found, feared = settled(preview, Sources.of(preview, old))
    assert (found.steps[2].op, feared) == (("same", [granted]) if stays else ("replace", []))
    # Without a plan nobody can tell what comes from where.
    blind = Preview([tagged, auditor, granted])
    assert settled(blind, Sources.of(blind, old))[1] == []


def test_a_role_that_somebody_else_gets_is_one_sentence_with_names(tmp_path: Path) -> None:
    identity = _step(IDENTITY, "identity", "update", {"resourceName": "id-phi"}, {"resourceName": "id-phi", "tags": {}})
    auditor = _step(IDENTITY, "auditor", "create", None, {"resourceName": "id-auditor"})
    granted, old, new = _granted("identity", "auditor")
    preview = Preview([identity, auditor, granted], needs=new, finished=True)
    report = build("dev", preview, Past(needs=old), _book(tmp_path), Thresholds())
    told = [risk.sentence for risk in report.risks if "contributor" in risk.resource]
    assert told == ["takes role  on /g from identity id-phi and gives it to identity id-auditor."]
    assert report.verdict is Verdict.PERSON


def test_an_unknown_account_is_judged_as_the_one_the_program_takes_it_from(tmp_path: Path) -> None:
    storage, type_ = "azure-native:storage:StorageAccount", "azure-native:machinelearningservices:Workspace"
    other = _step(storage, "other", "create", None, {"accountName": "stother"})
    workspace = _step(type_, "workspace", "update", {"storageAccount": "/old"}, {"storageAccount": UNKNOWN})
    needs = [{workspace.urn: {"storageAccount": (f"urn::{storage}::{name}",)}} for name in ("storage", "other")]
    preview = Preview([other, workspace], needs=needs[1], finished=True)
    report = build("dev", preview, Past(needs=needs[0]), _book(tmp_path), Thresholds())
    (risk,) = [risk for risk in report.risks if risk.resource == "workspace workspace"]
    assert risk.sentence == (
        "storageAccount: /old → of storage account stother: its data, job outputs and models are in another account."
    )


def test_only_the_unknown_part_of_a_change_is_taken_back() -> None:
    identity = _step(IDENTITY, "identity", "update", {}, {"tags": {}})
    step = _step(
        ROLE, "r", "update", {"principalId": "p", "condition": "a"}, {"principalId": UNKNOWN, "condition": "b"}
    )
    needs = {step.urn: {"principalId": (identity.urn,)}}
    preview = Preview([identity, step], needs=needs)
    found, feared = settled(preview, Sources.of(preview, needs))
    assert feared == []
    assert found.steps[1].new and found.steps[1].new.inputs == {"principalId": "p", "condition": "b"}


LATER_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.mark.parametrize(
    ("stage", "op", "old", "new", "told"),
    [
        ("dataset", "update", {"workspace_id": "a"}, {"workspace_id": LATER_VALUE}, "again, to the new workspace"),
        ("finetune", "update", {"workspace_id": "a"}, {"workspace_id": LATER_VALUE}, "again, in the new workspace"),
        ("release", "update", {"endpoint_created": "a"}, {"endpoint_created": "b"}, "behind the new endpoint"),
        ("flow", "update", {"workspace_id": "a"}, {"workspace_id": "b"}, "to the new Foundry project"),
        ("dataset", "update", {}, {"workspace_id": "a"}, "looks at the uploaded data again"),
        ("finetune", "update", {}, {"workspace_id": "a"}, "starts no fine-tune"),
        ("release", "update", {}, {"endpoint_created": "a"}, "looks at the release again"),
        ("finetune", "replace", {}, {}, "runs a job only if there is none"),
        ("release", "replace", {}, {}, "looks at the release again"),
    ],
)
def test_a_stage_that_runs_again_says_why(
    stage: str, op: str, old: dict[str, Any], new: dict[str, Any], told: str
) -> None:
    """Anew where workspace or endpoint is another one; only a look where that was not recorded yet, or is asked for."""
    states = [State({"input": {"name": "it", "fingerprint": "f", **one}}, {}) for one in (old, new)]
    step = Step(f"urn::{stage}", "pulumi:index:Stash", op, *states, "")
    (sentence,) = sentences(Preview([step]), Past())
    assert told in sentence
