"""A stack in service."""

from __future__ import annotations

from status_azure import azure

__all__ = ["azure"]
