"""What the Pulumi engine runs: serves the pack to it until the preview is over."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine starts us in this directory; the modules are imported as the package they are.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.pack import NAME, RULES

PolicyPack(NAME, [rule.policy() for rule in RULES])
