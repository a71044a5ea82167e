"""What reviews know of every input: written down once more, value by value, and compared."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from cloud.adoption import UNKNOWN
from review.events import State, Step
from review.known import table
from review.known.judge import (
    HARMLESS,
    LATER,
    NEW,
    NOTHING,
    UNHEARD,
    Level,
    Property,
    harmless,
    matters,
    naming,
    number,
    one_of,
    prop,
)
from review.known.stages import makes_deployment
from tests.reviews import known


def test_every_row_says_of_every_value_what_is_written_down() -> None:
    """After a change of a row: python -m tests.reviews.known, and look at the difference."""
    written, told = known.FILE.read_text(encoding="utf-8").splitlines(), known.told().splitlines()
    other = [(was, now) for was, now in zip_longest(written, told) if was != now]
    assert other[:3] == []
    assert all(repr(word) in "\n".join(told) for word in known.WORDS), "a word that changes no finding"
    assert {name for name in known.TABLES if ":" in name} == set(table._TABLE)


@pytest.mark.parametrize(
    ("path", "given", "matches"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.bc", False),
        ("a.b", "axb", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.*", "a.b[0]", False),
        ("a.**", "a.b.c[1].d", True),
        ("a**", "a[0].b", True),
        ("a[].b", "a[12].b", True),
        ("a[].b", "a[].b", False),
        ("*Receivers[].name", "emailReceivers[0].name", True),
    ],
)
def test_which_inputs_a_row_is_about(path: str, given: str, matches: bool) -> None:
    assert Property(path=path, judge=matters("why")).matches(given) is matches


SECRET = prop("p", matters("why"), "Default")


@pytest.mark.parametrize(
    ("row", "was", "will", "finding"),
    [
        (SECRET, "a", "A", HARMLESS),
        (SECRET, None, "default", HARMLESS),
        (SECRET, "a", None, (Level.MEDIUM, "why")),
        (SECRET, NEW, None, (Level.NONE, "why")),
        (SECRET, NEW, UNKNOWN, NOTHING),
        (SECRET, "a", UNKNOWN, LATER),
        (SECRET, "a", [1, UNKNOWN], LATER),
        (harmless("p")[0], "a", UNKNOWN, HARMLESS),
        (prop("p", matters("why", Level.HIGH, at_first=Level.LOW)), NEW, {}, NOTHING),
        (prop("p", matters("why", Level.HIGH, at_first=Level.LOW)), NEW, {"a": 1}, (Level.LOW, "why")),
        (
            prop("p", one_of({"A": None, "b": (Level.HIGH, "x")})),
            "b",
            "a",
            (Level.LOW, "closes it further; whoever came in that way is locked out"),
        ),
        (prop("p", one_of({"A": None})), "a", ["A"], UNHEARD),
        (prop("p", number((Level.HIGH, "more"), (Level.LOW, "less"))), "x", 3, (Level.HIGH, "more")),
        (prop("p", number((Level.LOW, "more"), (Level.HIGH, "less"))), None, 3, (Level.HIGH, "less")),
        (prop("p", number((Level.HIGH, "more"), (Level.LOW, "less"))), "P1D", "PT24H1S", (Level.HIGH, "more")),
        (prop("p", number((Level.HIGH, "more"), (Level.LOW, "less"))), "PT1H", "PT59M59S", (Level.LOW, "less")),
        (prop("p", number()), 1, "P", UNHEARD),
        (prop("p", number()), 2, True, UNHEARD),
        (naming("p")[0], "a", "b", (Level.MEDIUM, "it is another resource then")),
    ],
)
def test_what_is_found_in_a_change(row: Property, was: object, will: object, finding: tuple[Level, str]) -> None:
    assert row.finding(was, will) == finding


def step(type_: str, name: str = "x", **inputs: object) -> Step:
    return Step(f"urn:pulumi:dev::p::{type_}::{name}", type_, "update", None, State(inputs, {}), "")


@pytest.mark.parametrize(
    ("type_", "name", "path", "row", "is_known"),
    [
        ("azure-native:storage:StorageAccount", "x", "minimumTlsVersion", "minimumTlsVersion", True),
        ("azure-native:storage/v20230101:StorageAccount", "x", "accountName", "accountName", True),
        ("azure-native:storage:StorageAccount", "x", "identity.type", "identity.type", True),
        ("azure-native:keyvault:Vault", "x", "identity.type", None, True),
        ("azure-native:keyvault:Vault", "x", "tags.owner", "tags.**", True),
        ("azure-native:nobody:Knows", "x", "location", "location", False),
        ("azure-native:nobody:Knows", "x", "other", None, False),
        ("pulumi:index:Stash", "release", "input.hours", "input.hours", True),
        ("pulumi:index:Stash", "nobody", "input.hours", None, False),
        ("pulumi:index:Stash", "release", "tags.owner", None, True),
        ("pulumi:providers:azure-native", "x", "version", "version", True),
        ("pulumi:providers:azure-native", "x", "subscriptionId", None, True),
        ("pulumi:pulumi:Stack", "x", "other", None, True),
        ("finetune-phi:infra:Stages", "x", "other", None, True),
    ],
)
def test_which_row_judges_an_input(type_: str, name: str, path: str, row: str | None, is_known: bool) -> None:
    found = table.row_of(step(type_, name), path)
    assert (found.path if found else None) == row
    assert table.is_known(step(type_, name)) is is_known


RELEASED: dict[str, object] = {
    "model_name": "m",
    "model_fingerprint": "f",
    "instance_type": "i",
    "endpoint": "e",
    "target": "t",
    "endpoint_created": "1",
    "model_version": "1",
}


@pytest.mark.parametrize(
    ("changed", "another"),
    [
        ({}, False),
        *(({key: "x"}, True) for key in ("model_name", "model_fingerprint", "instance_type", "endpoint", "target")),
        ({"endpoint_created": "2"}, True),
        ({"model_version": "2"}, False),
        ({"model_version": "2", "model_fingerprint": ""}, True),
        ({"soak_seconds": 1}, False),
    ],
)
def test_whether_a_release_makes_another_deployment(changed: dict[str, object], another: bool) -> None:
    assert makes_deployment(RELEASED, {**RELEASED, **changed}) is another


def test_a_deployment_of_a_model_of_other_origin_and_of_an_endpoint_whose_age_nobody_knew() -> None:
    of_other = {**RELEASED, "model_fingerprint": ""}
    assert makes_deployment(of_other, {**of_other, "model_version": "2"}) is True
    assert makes_deployment(of_other, of_other) is False
    unknown = {**RELEASED, "endpoint_created": ""}
    assert makes_deployment(unknown, RELEASED) is False
