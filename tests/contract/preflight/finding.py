"""What the preflight finds, and where the tests of this folder look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.machine.home import SUBSCRIPTION_ID
from jobs.preflight import run
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec

A100 = "StandardNCADSA100v4Family"
SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}"
GROUP = "rg-preflight"
VAULTS, ACCOUNTS = "Microsoft.KeyVault/vaults", "Microsoft.CognitiveServices/accounts"
Setting = Callable[[str, Any], None]


def found(spec: PreflightSpec) -> list[Finding]:
    return [finding for finding in run.check(spec) if finding.state is not State.OK]


def only(spec: PreflightSpec) -> Finding:
    (finding,) = found(spec)
    assert finding.fix
    return finding
