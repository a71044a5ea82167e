"""A stack whose models are asked."""

from __future__ import annotations

from evaluation_made import finetune, said, stack
from status_azure import azure

__all__ = ["azure", "finetune", "said", "stack"]
