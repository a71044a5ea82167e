"""Where the secrets are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Flag, Positive, Section


class VaultSettings(Section):
    """The key vault behind workspace, hub and project."""

    purge_protection: Flag = False
    # Azure's own bounds; it cannot be changed afterwards.
    retention_days: Annotated[Positive, Field(ge=7, le=90)] = 7
