"""The chat."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from settings.fields import Flag, Section


class FlowSettings(Section):
    """The chat in front of the endpoint."""

    publish: Flag = True
    """put the prompt flow into the Foundry project, ready to press Chat there"""
    front_end: Literal["promptflow", "agent"] = "promptflow"
    """what make chat and make chat-ui ask through: promptflow (the tutorial's flow) | agent"""
    # Kept in the connection, which is no place for a long text: whoever chats reads it with each conversation.
    system_prompt: Annotated[str, StringConstraints(strip_whitespace=True, strict=True, max_length=4_000)] = ""
    """what the model is told before every conversation, as in the data it was tuned on; empty: nothing"""
