"""The chat."""

from __future__ import annotations

from typing import Literal

from settings.fields import Flag, Section


class FlowSettings(Section):
    """The chat in front of the endpoint."""

    publish: Flag = True
    """put the prompt flow into the Foundry project, ready to press Chat there"""
    front_end: Literal["promptflow", "agent"] = "promptflow"
    """what make chat and make chat-ui ask through: promptflow (the tutorial's flow) | agent"""
