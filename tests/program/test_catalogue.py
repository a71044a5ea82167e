"""Whatever the program registers is in the catalogue, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloud.catalogue import CATALOGUE, ResourceType, find
from tests.program.conftest import Run


def _everything(config: dict[str, Any]) -> None:
    config["finetune-phi:network"] = "private"
    network = "/subscriptions/00000000-0000-4000-8000-0000000000b2/resourceGroups/rg/providers/Microsoft.Network"
    config["finetune-phi:privateEndpoints"] = {"subnet": f"{network}/virtualNetworks/vnet/subnets/snet"}
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi"}
    config["finetune-phi:storage"] = {
        "sharedKeys": False,
        "deployers": {"00000000-0000-4000-8000-0000000000b2": "Group"},
    }
    config["finetune-phi:data"] = {**config["finetune-phi:data"], "runOn": "cluster"}
    config["finetune-phi:recipes"] = {"gentle": {"learning_rate": 1e-5}, "bold": {"learning_rate": 1e-4}}
    config["finetune-phi:released"] = "best"
    config["finetune-phi:monitoring"] = {
        "diagnostics": True,
        "alerts": True,
        "email": "someone@contoso.com",
        "budget": {"amount": 100},
    }


def _shared(config: dict[str, Any]) -> None:
    """Which does not go with a network of one's own."""
    config["finetune-phi:model"] |= {"share": {"registry": "mlr-phi", "make": True}}


def _registered(run: Run) -> dict[str, Mapping[str, Any]]:
    """By a stack and a resource's name in it: its type and inputs."""
    ways = {None: "as it is", _everything: "with all options", _shared: "with a registry"}
    runs = {(stack, change): run(stack, change) for stack in ("local", "dev", "prod") for change in ways}
    return {
        f"{stack} {ways[change]}: {each.name}": {"type": each.type, **each.inputs}
        for (stack, change), program in runs.items()
        for each in program.resources.values()
        if not each.type.startswith("pulumi:providers:")
    }


def test_every_type_that_the_program_registers_is_in_the_catalogue_and_no_other(run: Run) -> None:
    rows: dict[str, ResourceType | None] = {
        name: find(str(inputs["type"]), inputs) for name, inputs in _registered(run).items()
    }
    assert [name for name, row in rows.items() if row is None or row.by_stage] == []
    used = {row.label for row in rows.values() if row}
    assert [row.label for row in CATALOGUE if row.label not in used and not row.by_stage] == []


def test_what_a_row_says_of_inputs_is_true_of_what_is_registered(run: Run) -> None:
    for name, inputs in _registered(run).items():
        row = find(str(inputs["type"]), inputs)
        assert row, name
        assert not row.name_input or isinstance(inputs.get(row.name_input), str), name
        assert not row.path or row.region == (inputs.get("location") == "eastus2"), name
