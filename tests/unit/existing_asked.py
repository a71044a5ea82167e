"""The preflight of what somebody else has made, asked of a fake in which all of it is good but what a test changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from test_existing import FULL, GOOD, GROUP, SPEC, changed

from cloud.arm import Arm
from jobs.preflight import existing
from jobs.preflight.spec import PreflightSpec
from tests.unit.arm_fake import install

Change = tuple[str, str, object]
"""Of what has that id: a key, and its value there; the whole of it where the key is empty."""


def of(*keys: str, **changes: Any) -> PreflightSpec:
    """A stack to which these are given."""
    return dataclasses.replace(SPEC, existing={key: FULL[key] for key in keys or SPEC.existing}, **changes)


def without(key: str, **changes: Any) -> PreflightSpec:
    return of(*(each for each in SPEC.existing if each != key), **changes)


def told(monkeypatch: pytest.MonkeyPatch, spec: PreflightSpec, changes: list[Change]) -> list[str]:
    """The findings, with ids cut to what tells them apart."""
    arm = install(monkeypatch)
    there = dict(GOOD)
    for id_, path, value in changes:
        there[id_] = changed(there.get(id_, {}), path, value) if path else dict(value)  # type: ignore[call-overload]
    for id_, found in there.items():
        arm.get(id_, found)
    findings = [f"{each.state} {each}" for each in existing.usable(spec, Arm())]
    assert {method for method, _ in arm.sent} <= {"GET"}, "it only reads"
    cut = ((f"{GROUP}/providers/", ""), ("Microsoft.MachineLearningServices/workspaces/", "ml:"))
    for long, short in cut:
        findings = [each.replace(long, short) for each in findings]
    return findings
