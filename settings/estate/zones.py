"""What private endpoints lead to, and by which names that is found: Azure's, for the public cloud."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Zone:
    """`of` is what is reached, in the program's words, `kind` its type and `group` Azure's word for the part of it."""

    of: str
    kind: str
    group: str
    zones: tuple[str, ...]


_ML, _ML_ZONES = (
    "Microsoft.MachineLearningServices/workspaces",
    (
        "privatelink.api.azureml.ms",
        "privatelink.notebooks.azure.net",
    ),
)
_STORAGE = "Microsoft.Storage/storageAccounts"
ZONES = (
    Zone(of="workspace", kind=_ML, group="amlworkspace", zones=_ML_ZONES),
    # A project answers by its hub's.
    Zone(of="hub", kind=_ML, group="amlworkspace", zones=_ML_ZONES),
    # Queues and tables are used by parallel jobs and batch endpoints alone, of which there are none.
    Zone(of="storage", kind=_STORAGE, group="blob", zones=("privatelink.blob.core.windows.net",)),
    Zone(of="storage", kind=_STORAGE, group="file", zones=("privatelink.file.core.windows.net",)),
    Zone(of="vault", kind="Microsoft.KeyVault/vaults", group="vault", zones=("privatelink.vaultcore.azure.net",)),
    Zone(
        of="registry",
        kind="Microsoft.ContainerRegistry/registries",
        group="registry",
        zones=("privatelink.azurecr.io",),
    ),
    Zone(
        of="ai-services",
        kind="Microsoft.CognitiveServices/accounts",
        group="account",
        zones=(
            "privatelink.cognitiveservices.azure.com",
            "privatelink.openai.azure.com",
            "privatelink.services.ai.azure.com",
        ),
    ),
)
"""Microsoft's documentation, "Azure Private Endpoint private DNS zone values"."""
ALL_ZONES = tuple(dict.fromkeys(zone for each in ZONES for zone in each.zones))
