"""The chat."""

from __future__ import annotations

from typing import Literal

from settings.fields import Flag, Section


class FlowSettings(Section):
    """The chat in front of the endpoint."""

    publish: Flag = True
    front_end: Literal["promptflow", "agent"] = "promptflow"
