"""All rules, in the order a reader meets them."""

from __future__ import annotations

from policy.rule import Rule
from policy.rules import endpoints, grants, machines, placement, recovery, safety, spending, stores, supply, workspaces

NAME = "finetune-phi"

AREAS = {
    "Place, name and tags": placement,
    "GPU machines": machines,
    "Models, code and connections": supply,
    "Endpoint and release": endpoints,
    "Storage, vault, registry and AI Services": stores,
    "Recovery, closed doors and keys": recovery,
    "Workspaces and connections": workspaces,
    "Roles": grants,
    "Operation": safety,
    "Spending": spending,
}

BY_AREA = {
    area: [found for found in vars(module).values() if isinstance(found, Rule)] for area, module in AREAS.items()
}
RULES = [rule for rules in BY_AREA.values() for rule in rules]
