"""Chat records from a .jsonl file, each row checked."""

from __future__ import annotations

import json
from pathlib import Path

from emulator.training.errors import TrainingError
from emulator.training.tokenizer import ROLES, Message


def read_conversations(path: Path) -> list[list[Message]]:
    """The `messages` of every row.

    Raises TrainingError naming the first bad row, or an empty or missing file.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise TrainingError(f"there is no data file {path}") from None
    except UnicodeDecodeError as e:
        raise TrainingError(f"{path.name} is not UTF-8 text (byte {e.start})") from None
    conversations = [
        _messages(line, f"row {number} of {path.name}") for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not conversations:
        raise TrainingError(f"{path.name} is empty: it needs one JSON object with messages a line")
    return conversations


def _messages(line: str, row: str) -> list[Message]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as e:
        raise TrainingError(f"{row} is not JSON: {e}") from None
    messages = record.get("messages") if isinstance(record, dict) else None
    if not messages:
        raise TrainingError(f"{row} has no messages")
    problem = message_problem(messages)
    if problem:
        raise TrainingError(f"{row}: {problem}")
    if not any(message["role"] == "assistant" for message in messages):
        raise TrainingError(f"{row} has no assistant message to learn from")
    return [Message(role=message["role"], content=message["content"]) for message in messages]


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
