"""How long Azure takes, for trying here what waits for what: ``EMULATOR_TRANSITIONS=azure:0.02`` takes 2 % of it."""

from __future__ import annotations

from emulator.arm.paths import parse

DOCUMENTED = (
    "https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints: a deployment might take up to "
    "15 minutes, depending on whether its image is built for the first time"
)
ASSUMED = "assumed: Microsoft publishes no time for it"
_ML = "microsoft.machinelearningservices/workspaces"
SECONDS: dict[str, tuple[float, str]] = {
    _ML: (60, ASSUMED),
    f"{_ML}/computes": (180, ASSUMED),
    f"{_ML}/onlineendpoints": (120, ASSUMED),
    f"{_ML}/onlineendpoints/deployments": (900, DOCUMENTED),
    "microsoft.cognitiveservices/accounts": (30, ASSUMED),
}
"""Type in lower case → seconds from its PUT or DELETE to the end of the operation, and where that was read."""


def seconds(resource_id: str) -> float:
    """Of an operation on a resource; 0 for a type that answers at once."""
    path = parse(resource_id)
    return SECONDS.get(path.type.lower(), (0.0, ""))[0] if path else 0.0
