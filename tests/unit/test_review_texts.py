"""What reviews are made of: events, values and differences in words, and what stages do that are no fine-tunes."""

from __future__ import annotations

from typing import Any

import pytest
from review_steps import preview, step

from review import difference as texts
from review.difference import PropertyChange, at_leaf, difference, put_leaf, short_id, text_of
from review.durations import Past, finetune_seconds
from review.events import PolicyResult, Preview, State, Step, lines, read
from review.training import around, promoted

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"}


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("a", None, "(not set)"),
        ("a", UNKNOWN, "(known after the update)"),
        ("a", SIGNED, "(secret)"),
        ("a", "[secret]", "(secret)"),
        ("credentials.keys.x", "plain", "(secret)"),
        ("roleDefinitionId", "/x/acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
        ("a", True, "true"),
        ("a", False, "false"),
        ("a", 0.123456789, "0.123457"),
        ("a", [1, "b", False], "[1, b, false]"),
        ("a", "", '""'),
        ("a", "/subscriptions/s/resourceGroups/rg/", "rg"),
        ("a", "/other/rg", "/other/rg"),
        ("a", "x" * 160, "x" * 160),
        ("a", "x" * 161, "x" * 160 + "…"),
    ],
)
def test_a_value_in_words(path: str, value: Any, text: str) -> None:
    assert text_of(path, value) == text


def test_leaves_are_told_apart_sorted_with_noise_marked() -> None:
    before = {"b": 1, "a": {"x": [1, 2]}, "l": [{"k": 1}, 2], "createdAt": 1, "key": SIGNED, "e": {}}
    after = {
        "b": 1,
        "a": {"x": [1, 3]},
        "l": [{"k": 1}, 3],
        "createdAt": 2,
        "key": {**SIGNED, "value": "y"},
        "e": {"f": 1},
    }
    assert difference(before, after) == [
        PropertyChange("a.x", "[1, 2]", "[1, 3]"),
        PropertyChange("createdAt", "1", "2", noise=True),
        PropertyChange("e", "{}", "(not set)"),
        PropertyChange("e.f", "(not set)", "1"),
        PropertyChange("key", "(secret)", "(secret), another one"),
        PropertyChange("l[1]", "2", "3"),
    ]
    assert str(PropertyChange("p", "a", "b")) == "p: a → b"
    assert difference({}, {}) == []


def test_a_leaf_is_put_where_it_is() -> None:
    tree: Any = {"a": [{"b": 1}, {"c.d": {"e": 2}}], "x": 1}
    assert put_leaf(tree, "a[1].c.d.e", 3) and at_leaf(tree, "a[1].c.d.e") == 3
    assert put_leaf(tree, "a[0]", 4) and tree["a"][0] == 4
    assert put_leaf(tree, "x", 5) and tree["x"] == 5
    for nowhere in ("a[2]", "y", "x.z", "a[1].c"):
        assert not put_leaf(tree, nowhere, 6), nowhere
    assert tree == {"a": [4, {"c.d": {"e": 3}}], "x": 5}
    assert texts.at({"a": {"b": 1}}, "a.b") == 1 and texts.at({"a": 1}, "a.b") is None
    assert short_id("/subscriptions/s/x/y") == "y" and short_id("/x/y") == "/x/y"


@pytest.mark.parametrize(
    "noise",
    [
        "provisioningState",
        "a.etag",
        "a.__x",
        "createdBy",
        "lastModifiedAt",
        "someTime",
        "x.fingerprint",
        "model_fingerprint",
        "currentNodeCount",
        "systemData.createdAt",
        "statusOfPrimary",
        "roleAssignmentName",
        "allocationStateX[0]",
    ],
)
def test_what_no_person_has_written(noise: str) -> None:
    assert texts.is_noise(noise)
    assert not texts.is_noise(f"my{noise}y") or noise in ("a.__x", "systemData.createdAt")


SPEC = {"model_name": "m", "model_version": "2", "stack": "dev", "registry": "r"}


@pytest.mark.parametrize(
    ("old", "new", "op", "told"),
    [
        (
            None,
            SPEC,
            "create",
            "takes m:2 of stack dev from registry r and trains nothing; it rests on: nothing that is written on it",
        ),
        (
            {**SPEC, "model_version": "1"},
            {
                **SPEC,
                "evidence": {
                    "proved_at": "noon",
                    "proved_gate": "pass",
                    "proved_score": 1,
                    "proved_loss": 2,
                    "job": "j",
                    "dataset": "d",
                    "base_model": "b",
                    "proved_files": "f",
                    "other": "x",
                },
            },
            "update",
            "takes m:2 of stack dev from registry r in place of version 1 and trains nothing; it rests on: proved "
            "noon; gate pass; golden score 1; held-out loss 2; job j; data d; base model b; files f",
        ),
        (
            SPEC,
            SPEC,
            "update",
            "takes m:2 of stack dev from registry r again and trains nothing; it rests on: nothing "
            "that is written on it",
        ),
        (SPEC, None, "delete", "no longer takes the model of stack dev, which stays in registry r"),
    ],
)
def test_a_model_that_is_promoted(old: Any, new: Any, op: str, told: str) -> None:
    given = step(op, "promotion", *({"input": each} if each else None for each in (old, new)), "pulumi:index:Stash")
    assert list(promoted.taken(given, preview(), Past())) == [told]


@pytest.mark.parametrize(
    ("say", "name", "told"),
    [
        (promoted.shared, "share", "asks m:2 the golden questions once it is in service, and shares it to registry r"),
        (around.roles, "roles", "looks whether others have granted 2 roles, or ends there"),
        (around.network, "hub-network", "has Azure provision the managed network of the hub, about half an hour"),
        (around.reach, "reach", "looks whether the machine that runs this is in the stack's network, or ends there"),
    ],
)
def test_what_other_stages_do(say: Any, name: str, told: str) -> None:
    spec = {"input": {**SPEC, "grants": [1, 2]}}
    assert list(say(step("create", name, None, spec, "pulumi:index:Stash"), preview(), Past())) == [told]
    gone = list(say(step("delete", name, spec, None, "pulumi:index:Stash"), preview(), Past()))
    assert gone == (["shares no further models; those in registry r stay"] if name == "share" else [])
    assert around.STAGES.keys() == {"roles", "workspace-network", "hub-network", "reach"}


@pytest.mark.parametrize(
    ("seconds", "old", "new", "data", "takes"),
    [
        (420, {"num_train_epochs": 1}, {"num_train_epochs": 2}, 1.0, 840),  # as on the emulator, with no wait in it
        (421, {"num_train_epochs": 1}, {"num_train_epochs": 2}, 1.0, 422),
        (1420, {"max_steps": 10}, {"max_steps": 5}, 3.0, 920),
        (1420, {"max_steps": -1}, {"max_steps": 5}, 1.0, None),
        (1420, {"num_nodes_finetune": 1}, {}, 2.0, 2420),
    ],
)
def test_how_long_the_next_fine_tune_takes(
    seconds: float, old: Any, new: Any, data: float, takes: float | None
) -> None:
    assert finetune_seconds(seconds, old, new, data) == takes


def test_events_are_read_with_everything_that_counts() -> None:
    urn = "urn:pulumi:dev::p::pulumi:pulumi:Stack::s"
    meta = {
        "urn": urn,
        "type": "pulumi:pulumi:Stack",
        "op": "update",
        "old": {"outputs": {"a": 1}},
        "new": {"outputs": {"a": 2}, "parent": "up", "protect": True},
        "detailedDiff": {"x": {}},
        "keys": ["k"],
    }
    found = read(
        [
            {"resourcePreEvent": {"metadata": meta}},
            {"resOutputsEvent": {"metadata": meta}},
            {"resourcePreEvent": {"metadata": {**meta, "op": "refresh"}}},
            {"resOutputsEvent": {"metadata": {**meta, "op": "refresh", "type": "t"}}},
            {
                "policyEvent": {
                    "policyName": "p",
                    "policyPackName": "k",
                    "enforcementLevel": "Mandatory",
                    "severity": "High",
                    "resourceUrn": "u",
                    "message": " m ",
                }
            },
            {"policyEvent": {"message": None}},
            {"policyRemediationEvent": {"policyName": "r"}},
            {"diagnosticEvent": {"severity": "error", "message": " bad "}},
            {"diagnosticEvent": {"severity": "error", "ephemeral": True, "message": "gone"}},
            {"diagnosticEvent": {"severity": "warning", "message": "w"}},
            {"policyAnalyzeSummaryEvent": {"passed": ["a"], "failed": ["b"]}},
            {"policyAnalyzeStackSummaryEvent": {"passed": None, "failed": ["c"]}},
            {"plannedEvent": {"needs": {"u": {"k": ["v"]}}}},
            {"summaryEvent": {"durationSeconds": 3}},
        ]
    )
    stack = Step(
        urn, "pulumi:pulumi:Stack", "update", State({}, {"a": 1}), State({}, {"a": 2}, True), "up", ("x",), ("k",)
    )
    assert found == Preview(
        steps=[stack],
        refreshed=[Step(urn, "t", "refresh", stack.old, stack.new, "up", ("x",), ("k",))],
        policies=[
            PolicyResult("p", "k", "mandatory", "high", "u", "m"),
            PolicyResult("", "", "advisory", "", "", ""),
            PolicyResult("r", "", "remediated", "", "", ""),
        ],
        errors=["bad"],
        needs={"u": {"k": ("v",)}},
        outputs=({"a": 1}, {"a": 2}),
        ran={"a", "b", "c"},
        finished=True,
        seconds=3.0,
    )
    assert read([{"summaryEvent": {"durationSeconds": 0}}]).finished and not read([]).finished
    assert list(lines(["x", ' {"a": 1}', "{", "[1]"])) == [{"a": 1}]
    assert found.step("s", "Stack") == stack and found.step("s", "Stash") is None
