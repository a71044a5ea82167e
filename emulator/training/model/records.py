"""What a conversation has to be."""

from __future__ import annotations

from emulator.training.model.tokenizer import ROLES


def message_problem(messages: object) -> str | None:
    """What is wrong with a list of `{role, content}`, in words; None if nothing is."""
    if not isinstance(messages, list):
        return f"messages must be a list of {{role, content}}, not {type(messages).__name__}"
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            return f"message {number} must be an object with role and content, not {type(message).__name__}"
        if not isinstance(message.get("role"), str) or message["role"] not in ROLES:
            return f"message {number} has role {message.get('role')!r}, which must be one of {', '.join(ROLES)}"
        if not isinstance(message.get("content"), str) or not message["content"].strip():
            return f"message {number} has no content: it must be a text"
    return None
