"""Every input of every resource of the stack prod, as a person has read it: a wrong one is a change of the table.

`inputs.yaml` is written by hand: who changes an input changes its line there, and a reviewer sees both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program.conftest import Run

TABLE: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "inputs.yaml").read_text(encoding="utf-8"))
NAMES = (
    *("accountName", "actionGroupName", "budgetName", "computeName", "connectionName", "endpointName", "friendlyName"),
    *("groupShortName", "registryName", "resourceGroupName", "resourceName", "roleAssignmentName", "ruleName"),
    *("vaultName", "workspaceName"),
)
ELSEWHERE = frozenset((*NAMES, "tags", "location", "timePeriod"))
"""Other tests pin names, tags and the region; a budget begins in the month in which it is made."""


def plain(value: Any) -> Any:
    """Inputs without what stands elsewhere; a secret by its value."""
    if isinstance(value, Mapping):
        found = value.get("value", value) if "4dabf18193072939515e22adb298388d" in value else value
        return {key: plain(each) for key, each in found.items() if key not in ELSEWHERE}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_the_table_has_every_resource(run: Run) -> None:
    made = {name for name, found in run("prod").resources.items() if found.type.startswith("azure-native:")}
    assert made == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_its_inputs_are_those_of_the_table(name: str, run: Run) -> None:
    assert plain(run("prod").resources[name].inputs) == TABLE[name]
