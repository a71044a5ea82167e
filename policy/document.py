"""`python -m policy.document` writes docs/policies.md from the pack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policy.exceptions import MEANING
from policy.pack import BY_AREA, RULES
from policy.rule import Rule

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "policies.md"
ENVIRONMENTS = ("local", "dev", "prod")

HEAD = """\
# Policies

{count} policies look at every preview that is run with them:

```console
$ pulumi preview --policy-pack policy --policy-pack-config policy/dev.json
```

A **mandatory** violation makes the preview fail, an **advisory** one is told. **remediate** mends the resource before
it is made, and fails what it cannot mend. Where a preview does not know a value yet, the policy passes; one that looks
at a resource looks again before it is made, in an update that is run with the pack. A policy that looks at the stack as
a whole looks when all is made, so what it forbids is stopped by the preview that `make up` begins with, or not in time.
Each environment has its levels and limits in `policy/<environment>.json`: a level, or an object with
`enforcementLevel` and the policy's own keys.

Every policy also takes `exceptions`: {exceptions}. One that has ended, or that does not say all of it, opens nothing,
and is told with what it no longer excuses. No tag opens anything. [Which of them keeps what Checkov, PSRule or Azure
Policy ask for](policies-crosswalk.md) is a page of its own.

No policy prints a secret. `connection-secrets` marks a plain key as secret, but the engine's event about that still
shows the key, so change one that was ever written in clear.

This page is made from the pack by `make diagram`.
"""


def settings(environment: str) -> dict[str, Any]:
    """What an environment configures, by policy."""
    found: dict[str, Any] = json.loads((ROOT / "policy" / f"{environment}.json").read_text(encoding="utf-8"))
    return found


def level(rule: Rule, configured: Mapping[str, Any]) -> str:
    """The enforcement level in effect."""
    own = configured.get(rule.name, configured.get("all", rule.level.value))
    return str(own.get("enforcementLevel", rule.level.value) if isinstance(own, dict) else own)


def page() -> str:
    """The text of docs/policies.md."""
    configured = {environment: settings(environment) for environment in ENVIRONMENTS}
    parts = [HEAD.format(count=len(RULES), exceptions=MEANING)]
    for area, rules in BY_AREA.items():
        parts.append(f"\n## {area}\n\n| policy | severity | {' | '.join(ENVIRONMENTS)} | framework |\n|{'---|' * 6}\n")
        for rule in rules:
            levels = " | ".join(level(rule, configured[environment]) for environment in ENVIRONMENTS)
            assert rule.severity is not None
            parts.append(f"| [{rule.name}](#{rule.name}) | {rule.severity.value} | {levels} | {_framework(rule)} |\n")
        parts.extend(_entry(rule) for rule in rules)
    return "".join(parts)


def _framework(rule: Rule) -> str:
    found = rule.framework
    if found is None:
        return ""
    return f"{' '.join(filter(None, (found.name, found.version)))}, {found.reference}: {found.specification}"


def _entry(rule: Rule) -> str:
    asked = "the stack as a whole" if rule.stack_check else ", ".join(f"`{name}`" for name in rule.types)
    lines = [
        f"\n### {rule.name}\n\n{rule.description}\n",
        f"\n- Why: {rule.reason}\n- What to do: {rule.remedy}\n- Looks at: {asked}\n",
    ]
    for name, option in rule.options.items():
        lines.append(f"- `{name}` ({option.type}): {option.meaning}; default `{json.dumps(option.default)}`\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
