"""Steps and previews as short as tests want them."""

from __future__ import annotations

from typing import Any

from review.events import Preview, State, Step

STORAGE = "azure-native:storage:StorageAccount"


def step(op: str, name: str = "st", old: Any = None, new: Any = None, type_: str = STORAGE) -> Step:
    states = [State(each, {}) if each is not None else None for each in (old, new)]
    return Step(f"urn:pulumi:dev::p::{type_}::{name}", type_, op, *states, "")


def preview(*steps: Step, **more: Any) -> Preview:
    return Preview(steps=list(steps), **{"finished": True, **more})
