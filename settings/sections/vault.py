"""Where the secrets are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Flag, Positive, Section


class VaultSettings(Section):
    """The key vault of workspace, hub and project."""

    purge_protection: Flag = False
    """keep a deleted vault for its whole retention, whoever asks; cannot be undone"""
    # Azure's own bounds; it cannot be changed afterwards.
    retention_days: Annotated[Positive, Field(ge=7, le=90)] = 7
    """how long a deleted vault can be recovered; cannot be changed"""
