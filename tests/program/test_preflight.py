"""The preflight in the program: first, and asked again only when what it asks about has changed."""

from __future__ import annotations

from typing import Any

from infra.naming import Names
from infra.settings import load
from infra.specs import preflight
from tests.program.conftest import ROOT, SUBSCRIPTION, Run


def test_nothing_is_made_before_it(run: Run) -> None:
    names = list(run().resources)
    assert names.index("preflight") < min(names.index(name) for name in names if name != "preflight")


def test_it_asks_about_what_the_stack_will_take(run: Run) -> None:
    settings = load("local", ROOT)
    spec = preflight(settings, Names.of(settings.name, "local", SUBSCRIPTION, settings.suffix), "local", SUBSCRIPTION)
    found = run().resources["preflight"]
    assert found.inputs["input"] == spec.to_inputs()
    assert [each.use for each in spec.machines] == ["cluster", "endpoint", "base model"]
    assert list(found.request.hooks.before_create) == list(found.request.hooks.before_update) == ["preflight"]


def test_only_what_it_asks_about_makes_it_ask_again(run: Run) -> None:
    def asked(change: Any = None) -> Any:
        return run(change=change).resources["preflight"].inputs["input"]["fingerprint"]

    def learns_slower(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"]["learning_rate"] = 0.001

    def grows(config: dict[str, Any]) -> None:
        config["finetune-phi:compute"]["maxNodes"] = 2

    def moves(config: dict[str, Any]) -> None:
        config["azure-native:location"] = "westeurope"

    assert asked() == asked(learns_slower)
    assert len({asked(), asked(grows), asked(moves)}) == 3
