"""The file of a stack that uses what was found, and what the command tells of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from test_jobs_adopt import (
    CLUSTER,
    GROUP,
    HUB,
    IDENTITY,
    INSIGHTS,
    LOGS,
    PROJECT,
    REGISTRY,
    STORAGE,
    SUBSCRIPTION,
    VAULT,
    WORKSPACE,
    arm,
    complete,
)

from jobs import __main__ as cli
from jobs.adoption.found import Found
from jobs.adoption.stack_file import config_of, text
from settings import commandline, stack
from settings.problems import SettingsError
from tests.unit.arm_fake import ArmFake

__all__ = ["arm"]
EXISTING = {
    "group": GROUP,
    "storage": STORAGE,
    "vault": VAULT,
    "registry": REGISTRY,
    "insights": INSIGHTS,
    "logs": LOGS,
    "workspace": WORKSPACE["id"],
    "identity": IDENTITY,
    "cluster": CLUSTER["id"],
    "hub": HUB["id"],
    "project": PROJECT["id"],
}
WHOLE = Found(
    location="eastus2",
    existing=EXISTING,
    beside={"endpoint": "phi3-ep", "connection": "phi3-connection"},
    taken={
        "cluster": ["me", "gpu"],
        "data_cluster": ["me", "gpu"],
        "endpoint": ["phi3-ep"],
        "connection": ["ai", "phi3-connection"],
    },
    sizes={"compute": "STANDARD_NC24ADS_A100_V4", "serving": "Standard_NC24ads_A100_v4"},
    lacking=("AI Services",),
    notes=("deployment blue of endpoint phi3-ep goes on answering, and on billing, until somebody deletes it",),
)


CONFIG = {
    "azure-native:location": "eastus2",
    "azure-native:subscriptionId": SUBSCRIPTION,
    "finetune-phi:existing": EXISTING,
    "finetune-phi:compute": {"vmSize": "STANDARD_NC24ADS_A100_V4"},
    "finetune-phi:serving": {"vmSize": "Standard_NC24ads_A100_v4"},
    "finetune-phi:protect": True,
    "finetune-phi:purgeOnDestroy": False,
}


def test_the_settings_of_what_was_found() -> None:
    config = config_of(WHOLE, "adopted", SUBSCRIPTION)
    assert config == CONFIG and list(config) == list(CONFIG)


@pytest.mark.parametrize(
    ("other", "more"),
    [
        ({"granted": True}, {"finetune-phi:identity": {"assignRoles": False}}),
        ({"by_keys": False}, {"finetune-phi:storage": {"sharedKeys": False}}),
        ({"by_keys": False, "granted": True}, {"finetune-phi:identity": {"assignRoles": False}}),
        ({"managed": True}, {"finetune-phi:network": "managed"}),
        (
            {"taken": {"cluster": ["GPU-cluster", "gpu-cluster-2"], "endpoint": ["x"]}, "existing": {"group": GROUP}},
            {"finetune-phi:existing": {"group": GROUP}, "finetune-phi:names": {"cluster": "gpu-cluster-3"}},
        ),
    ],
)
def test_what_else_the_settings_say(other: dict[str, Any], more: dict[str, Any]) -> None:
    assert config_of(dataclasses.replace(WHOLE, **other), "adopted", SUBSCRIPTION) == {**CONFIG, **more}


def test_a_problem_that_leaving_a_size_out_does_not_mend_is_told() -> None:
    with pytest.raises(SettingsError) as refused:
        config_of(dataclasses.replace(WHOLE, existing={"group": "no id"}), "adopted", SUBSCRIPTION)
    assert "adopted" in str(refused.value) and "existing.group" in str(refused.value)


FILE = f"""\
# Written by `python -m jobs adopt` from what was found in phi3-rg. What stands under existing is used, and neither
# changed nor deleted; the rest the stack makes beside what is there.
config:
  azure-native:location: eastus2
  finetune-phi:existing:
    group: {GROUP}
  finetune-phi:protect: true
"""


def test_the_file_in_the_order_of_its_settings() -> None:
    config: dict[str, Any] = {
        "azure-native:location": "eastus2",
        "finetune-phi:existing": {"group": GROUP},
        "finetune-phi:protect": True,
    }
    assert text(config) == FILE


def test_the_command_tells_all_that_it_found(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(arm)
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setattr(commandline, "STACKS", tmp_path)
    command = ["adopt", "--stack", "byhand", "--group", "phi3-rg", "--subscription", SUBSCRIPTION, "--yes"]
    cli.main([*command, "--connection", "PHI3-connection"])
    written = text(CONFIG)
    assert (tmp_path / "Pulumi.byhand.yaml").read_text(encoding="utf-8") == written
    assert capsys.readouterr().out.splitlines() == [
        *(f"uses {key}: {id_}" for key, id_ in EXISTING.items()),
        "leaves alone, and makes its own beside it: endpoint phi3-ep",
        "leaves alone, and makes its own beside it: connection phi3-connection",
        "is not there: AI Services",
        f"note: {WHOLE.notes[0]}",
        "",
        "Pulumi.byhand.yaml:",
        *written.splitlines(),
        "",
        "Pulumi.byhand.yaml is written; nothing on Azure was touched. Next, in this order:",
        "  pulumi stack init byhand",
        "  python -m data_prep --stack byhand            # the data to train on; `data` in the file says which",
        "  python -m jobs preflight --stack byhand       # whether all of it is good for what it is used for",
        "  pulumi preview --stack byhand                 # what it would make; it changes and replaces nothing that is "
        "there",
    ]
    with pytest.raises(SystemExit) as refused:
        cli.main(command)
    assert refused.value.code == (
        "error: nothing was adopted (stack byhand): Pulumi.byhand.yaml is there already. Give the new stack a name of "
        "its own: --stack NAME."
    )
