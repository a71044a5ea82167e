"""What is recorded, and who is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Email, Flag, Number, Section


class BudgetSettings(Section):
    """What the resource group may cost in a month."""

    # In the currency the subscription is billed in; 0 is no budget.
    amount: Annotated[Number, Field(ge=0, le=10_000_000)] = 0


class MonitoringSettings(Section):
    """Logs that are kept, and reasons to send an e-mail."""

    diagnostics: Flag = True
    alerts: Flag = False
    email: Email = ""
    # Of the slowest 5 % of answers.
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    budget: BudgetSettings = BudgetSettings()
