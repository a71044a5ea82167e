"""What is recorded, and who is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Email, Flag, Number, Section


class BudgetSettings(Section):
    """What the resource group may cost in a month."""

    # In the currency the subscription is billed in; 0 is no budget.
    amount: Annotated[Number, Field(ge=0, le=10_000_000)] = 0
    """what the resource group may cost in a month, in the billing currency; 0 for no budget"""


class MonitoringSettings(Section):
    """Logs that are kept, and reasons to send an e-mail."""

    diagnostics: Flag = True
    """logs and metrics of workspace, endpoint and vault to Log Analytics"""
    all_resources: Flag = False
    """those of hub, project, container registry and AI Services, too"""
    alerts: Flag = False
    """an e-mail when the endpoint (5xx) or its model (424) fails or is slow"""
    email: Email = ""
    """where e-mails go"""
    # Of the slowest 5 % of answers.
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    """what is slow: the time within which 95 % of the answers should come"""
    budget: BudgetSettings = BudgetSettings()
    """an e-mail when the month costs more"""
