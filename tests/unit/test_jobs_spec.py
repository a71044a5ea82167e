"""How a spec goes into the state and comes back, by one that uses every part of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import pytest
from pydantic import ValidationError

from cloud.target import Target
from jobs.spec import Spec, digest, whole
from settings.fields import Section


class Inner(Section):
    low: int = 1
    high: int = 2


class Own(Section):
    size: int = 3
    count: int = 4
    inner: Inner = Inner()


class Other(Section):
    name: str = "a"
    seconds: int = 5


OWN, OTHER = Own(), Other()


@dataclass(frozen=True, kw_only=True)
class Full(Spec):
    BESIDE: ClassVar = "own"
    RENAMED: ClassVar = {"size": "own_size"}
    ALWAYS: ClassVar = frozenset({"count", "inner.high", "other.seconds"})
    WHERE_SET: ClassVar = frozenset({"note", "limit"})
    BETWEEN: ClassVar = frozenset({"handed"})

    target: Target
    own: Own = OWN
    other: Other = OTHER
    note: str = ""
    limit: int = 7
    plain: int = 0
    handed: str = ""

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return "f"


TARGET = Target("s", "g", "w")
BARE = {
    "target": {"subscription_id": "s", "resource_group": "g", "workspace": "w"},
    "count": 4,
    "inner": {"high": 2},
    "other": {"seconds": 5},
    "plain": 0,
}


def test_what_is_at_its_default_is_recorded_where_that_is_asked_for() -> None:
    assert Full(target=TARGET).recorded() == BARE
    assert Full(target=TARGET).to_inputs() == {**BARE, "fingerprint": "f"}
    assert Full.from_inputs(Full(target=TARGET).to_inputs()) == Full(target=TARGET)


def test_what_is_set_is_recorded_under_its_name() -> None:
    spec = Full(
        target=TARGET,
        own=Own.model_construct(size=30, count=40, inner=Inner.model_construct(low=10, high=2)),
        other=Other.model_construct(name="b", seconds=50),
        note="x",
        limit=8,
        plain=1,
        handed="y",
    )
    recorded = {
        **BARE,
        "own_size": 30,
        "count": 40,
        "inner": {"low": 10, "high": 2},
        "other": {"name": "b", "seconds": 50},
        "note": "x",
        "limit": 8,
        "plain": 1,
    }
    assert spec.recorded() == recorded
    assert Full.from_inputs(spec.to_inputs()) == dataclasses.replace(spec, handed=""), "no state holds what is handed"
    with pytest.raises(ValidationError):
        Full.from_inputs({**recorded, "plain": "many"})


@pytest.mark.parametrize(("note", "limit"), [("", 0), ("", 7)])
def test_nothing_and_the_default_are_not_recorded_where_only_what_is_set_is(note: str, limit: int) -> None:
    assert Full(target=TARGET, note=note, limit=limit).recorded() == BARE


def test_a_fingerprint_is_of_the_content_in_any_order() -> None:
    assert digest({"b": 1, "a": [1, "x"]}) == digest({"a": [1, "x"], "b": 1}) == "a88dede55f33"
    assert digest({"a": [1, "y"], "b": 1}) != digest({"a": [1, "x"], "b": 1})


def test_whole_numbers_stay_whole() -> None:
    values = (3.0, 3.5, "3.0", True, 3)
    assert [(type(each), each) for each in map(whole, values)] == [
        (int, 3),
        (float, 3.5),
        (str, "3.0"),
        (bool, True),
        (int, 3),
    ]
