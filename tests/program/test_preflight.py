"""The preflight in the program: first, and asked again only when what it asks about has changed."""

from __future__ import annotations

from typing import Any

import pytest

from cloud.place import Place
from jobs.preflight import subscription
from jobs.specs import preflight
from settings.stack import load
from tests.program.conftest import ROOT, SUBSCRIPTION, Run


def test_nothing_is_made_before_it(run: Run) -> None:
    names = list(run().resources)
    assert names.index("preflight") < min(names.index(name) for name in names if name != "preflight")


def test_it_asks_about_what_the_stack_will_take(run: Run) -> None:
    settings = load("local", ROOT)
    spec = preflight(settings, Place.of(settings, "local", SUBSCRIPTION))
    found = run().resources["preflight"]
    assert found.inputs["input"] == spec.to_inputs()
    assert [each.use for each in spec.machines] == ["cluster", "endpoint", "base model"]
    assert list(found.request.hooks.before_create) == list(found.request.hooks.before_update) == ["preflight"]


NAMESPACES = {
    "authorization": "Microsoft.Authorization",
    "applicationinsights": "Microsoft.Insights",
    "cognitiveservices": "Microsoft.CognitiveServices",
    "consumption": "Microsoft.Consumption",
    "containerregistry": "Microsoft.ContainerRegistry",
    "keyvault": "Microsoft.KeyVault",
    "machinelearningservices": "Microsoft.MachineLearningServices",
    "managedidentity": "Microsoft.ManagedIdentity",
    "monitor": "Microsoft.Insights",
    "operationalinsights": "Microsoft.OperationalInsights",
    "resources": "Microsoft.Resources",
    "storage": "Microsoft.Storage",
}
"""azure-native's modules, and the resource providers behind them."""


def _everything(config: dict[str, Any]) -> None:
    config["finetune-phi:network"] = "managed"
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi", "environment": "local"}
    config["finetune-phi:storage"] = {"deployers": {"00000000-0000-4000-8000-0000000000b2": "Group"}}
    config["finetune-phi:monitoring"] = {
        "diagnostics": True,
        "alerts": True,
        "email": "someone@contoso.com",
        "budget": {"amount": 100},
    }


@pytest.mark.parametrize(
    ("change", "more"), [(None, set()), (_everything, {"Microsoft.Consumption", "Microsoft.Network"})]
)
def test_all_that_is_made_has_its_provider_asked_for(run: Run, change: Any, more: set[str]) -> None:
    """Azure makes the rest itself: networks, and what stands in front of an endpoint."""
    program = run(change=change)
    modules = {each.type.split(":")[1] for each in program.resources.values() if each.type.startswith("azure-native:")}
    made = {NAMESPACES[module] for module in modules}
    own = set(program.resources["preflight"].inputs["input"]["namespaces"])
    assert own == more
    assert made <= set(subscription.NAMESPACES) | own
    by_azure = {"Microsoft.Cdn", "Microsoft.PolicyInsights", "Microsoft.Network"}
    assert set(subscription.NAMESPACES) - by_azure <= made, "asked for nothing"


def test_only_what_it_asks_about_makes_it_ask_again(run: Run) -> None:
    def asked(change: Any = None) -> Any:
        return run(change=change).resources["preflight"].inputs["input"]["fingerprint"]

    def learns_slower(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"]["learning_rate"] = 0.001

    def reads_less(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"]["max_seq_length"] = 64

    def grows(config: dict[str, Any]) -> None:
        config["finetune-phi:compute"]["maxNodes"] = 2

    def moves(config: dict[str, Any]) -> None:
        config["azure-native:location"] = "westeurope"

    assert asked() == asked(learns_slower)
    assert asked() != asked(reads_less)
    assert len({asked(), asked(grows), asked(moves)}) == 3
