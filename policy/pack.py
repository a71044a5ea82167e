"""All rules, in the order a reader meets them."""

from __future__ import annotations

from policy import compute, operations, placement, roles, serving, spending, stores, workspaces
from policy.rules import Rule

NAME = "finetune-phi"

AREAS = {
    "Place, name and tags": placement,
    "GPU machines": compute,
    "Endpoint and release": serving,
    "Storage, vault, registry and AI Services": stores,
    "Workspaces and connections": workspaces,
    "Roles": roles,
    "Operation": operations,
    "Spending": spending,
}

BY_AREA = {
    area: [found for found in vars(module).values() if isinstance(found, Rule)] for area, module in AREAS.items()
}
RULES = [rule for rules in BY_AREA.values() for rule in rules]
