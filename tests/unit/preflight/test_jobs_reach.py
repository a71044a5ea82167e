"""The stage that looks whether this machine is where the stack answers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from cloud.errors import NotFinished, StageError
from cloud.target import Target
from jobs.network import reach
from jobs.network.spec import ReachSpec
from tests.unit.arm_fake import ArmFake

SUBNET = "/subscriptions/n/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet"
TARGET = Target("s", "rg", "ws")
NO_STOP = threading.Event()


def test_a_machine_outside_ends_the_update_with_what_to_do(monkeypatch: pytest.MonkeyPatch, arm: ArmFake) -> None:
    monkeypatch.setattr(reach, "NAMES_SECONDS", 0.0)
    monkeypatch.setattr(reach, "outside", lambda arm, target: "https://st refuses")
    with pytest.raises(StageError) as caught:
        reach.run(ReachSpec(stack="dev", target=TARGET, subnet=SUBNET), print, NO_STOP)
    assert str(caught.value) == (
        "this machine does not reach the stack, which answers in its virtual network alone (stack dev): "
        "https://st refuses. Run it on a machine that is in the virtual network vnet, or in one that is peered or "
        "connected with it, and that resolves names by its private DNS zones: a self-hosted runner, a jump host "
        "(docs/network.md). What was made stays; `pulumi up` goes on from there."
    )


def test_how_long_a_name_is_waited_for(monkeypatch: pytest.MonkeyPatch, arm: ArmFake) -> None:
    waited: list[tuple[float, float]] = []

    def wait(until: Any, *, every: float, most: float, tell: Any, stop: threading.Event) -> None:
        assert stop is NO_STOP and until()
        tell(60.0)
        waited.append((every, most))

    monkeypatch.setattr(reach, "wait", wait)
    monkeypatch.setattr(reach, "outside", lambda arm, target: "" if target == TARGET else "another")
    told: list[str] = []
    reach.run(ReachSpec(stack="dev", target=TARGET, subnet=SUBNET), told.append, NO_STOP)
    assert waited == [(10.0, 300.0)]
    assert told == [
        "looking whether this machine reaches the stack's private addresses",
        "not reached after 1 min 00 s",
    ]


def test_what_keeps_from_looking_is_told(monkeypatch: pytest.MonkeyPatch, arm: ArmFake) -> None:
    def refuses(arm: Any, target: Target) -> str:
        raise HttpResponseError("you may not see it")

    monkeypatch.setattr(reach, "outside", refuses)
    with pytest.raises(StageError) as caught:
        reach.run(ReachSpec(stack="dev", target=TARGET, subnet=SUBNET), print, NO_STOP)
    assert str(caught.value).startswith(
        "whether this machine reaches the storage could not be found out (stack dev): you may not see it"
    )


def test_who_asks_to_stop_looks_no_more(monkeypatch: pytest.MonkeyPatch, arm: ArmFake) -> None:
    monkeypatch.setattr(reach, "outside", lambda arm, target: "not yet")
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished) as caught:
        reach.run(ReachSpec(stack="dev", target=TARGET, subnet=SUBNET), print, stop)
    assert str(caught.value) == (
        "the private addresses are not reached (stack dev): you asked to stop. Run `pulumi up` again: it goes on where "
        "it stopped."
    )


def test_a_name_that_is_found_late_is_waited_for(monkeypatch: pytest.MonkeyPatch, arm: ArmFake) -> None:
    answers = iter(["not yet", ""])
    monkeypatch.setattr(reach, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(reach, "outside", lambda arm, target: next(answers))
    reach.run(ReachSpec(stack="dev", target=TARGET, subnet=SUBNET), print, NO_STOP)
    assert next(answers, None) is None
