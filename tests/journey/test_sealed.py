"""A sealed stack in the real engine: up under the strictest policies, up again, asked, destroyed, nothing left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from emulator import rehearse
from emulator.project import ROOT
from policy.pack import RULES
from policy.rule import DISABLED

pytestmark = pytest.mark.journey

SEALED = ROOT / "docs" / "examples" / "sealed.yaml"
ITS_OWN = {
    # Until the program grants an identity of its own what Azure grants a workspace's.
    "workspace-user-identity": ("workspace", "hub"),
}
"""What cannot be held to by design, with the resources that are excepted; as docs/network.md says."""


def strictest() -> dict[str, Any]:
    """prod's own figures; all rules mandatory, those that are off by default too, and no reason to be public."""
    config: dict[str, Any] = json.loads((ROOT / "policy" / "prod.json").read_text())
    for rule in RULES:
        own = config.get(rule.name)
        if rule.mending is None:
            config[rule.name] = {**(own if isinstance(own, dict) else {}), "enforcementLevel": "mandatory"}
    config["public-with-reason"] = config["diagnostics-on"] = "mandatory"
    why = {"why": "Azure grants it", "by": "whoever owns the stack", "until": "2099-01-01"}
    for name, resources in ITS_OWN.items():
        config[name]["exceptions"] = dict.fromkeys(resources, why)
    return config


def test_no_rule_is_left_out() -> None:
    config = strictest()
    assert {rule.name for rule in RULES if rule.level is DISABLED} <= config.keys()
    levels = {json.dumps(config[rule.name]) for rule in RULES if rule.mending is None}
    assert all("mandatory" in level for level in levels)


def test_a_sealed_stack_is_made_under_all_policies_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("EMULATOR_PORT", "0")
    file = tmp_path / "strictest.json"
    file.write_text(json.dumps(strictest()))

    class Strict(rehearse.Rehearsal):
        def _up(self) -> str:
            policies = ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", str(file))
            return rehearse.summary(self._pulumi("up", *rehearse.QUIETLY, "--stack", self.stack, *policies))

    code = rehearse.rehearse("prod", as_json=True, make=Strict, on_top=SEALED)
    steps = {step["name"]: step for step in json.loads(capsys.readouterr().out)}
    assert code == 0, steps
    assert "network private" in steps["settings"]["seen"]
    assert "a virtual network and a key" in steps["emulator"]["seen"]
    created = steps["up"]["seen"].removesuffix(" created")
    assert steps["up again"]["seen"] == f"{created} unchanged"
    assert steps["destroy"]["seen"] == f"{created} deleted, unprotected first"
    assert steps["left over"]["seen"].endswith("and what was others' before")
