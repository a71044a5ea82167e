"""What a deployment costs whose instances follow the load: from the fewest to the most, in the line of a review."""

from __future__ import annotations

import pytest

from cloud.catalogue import STAGE
from cloud.services.prices import Price
from review.cost import _parts, _what
from review.events import State, Step

A100 = "Standard_NC24ads_A100_v4"


@pytest.mark.parametrize(
    ("scale", "count", "told"),
    [
        ({}, 1.0, f"1 × {A100}"),
        ({"min": 1, "max": 3}, 3.0, f"1 to 3 × {A100} by load (2,679 to 8,037 USD in 730 hours; counted at the most)"),
        ({"min": 2, "max": 2}, 2.0, f"2 × {A100}"),
    ],
)
def test_fewest_and_most_are_told(scale: dict[str, int], count: float, told: str) -> None:
    inputs = {"input": {"instance_type": A100, "instance_count": 1, "scale": scale}}
    state = State(inputs=inputs, outputs={})
    urn = f"urn:pulumi:dev::p::{STAGE.type}::release"
    step = Step(urn=urn, type=STAGE.type, op="create", old=None, new=state, parent="")
    (part,) = _parts(step, state, "eastus2")
    price = Price(3.67, "seen", "2026-11-28")
    assert part.count == count
    assert _what(None, part, {part.meter.key: price}) == f"nothing → {told}"
    assert _what(part, part, {part.meter.key: price}) == told
    if part.least:
        assert _what(part, part, {part.meter.key: None}) == f"1 to 3 × {A100} by load"
