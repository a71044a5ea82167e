"""Odd values, and sound ones that are broken a little: most of what is wrong in the world is nearly right."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", " ", "0", "null",
    "é", "好" * 40, "\x00", "\x1b[2J", "\u202e", "\ud800", "a" * 5_000, "../../etc/passwd", "%00", "{{}}", "<script>",
    "'; --", "/subscriptions/x", "https://evil.example/", "2001-99-99", "١٢", [], {}, [[]], {"": {}}, [None],
    {"a": None},
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\r\n",
    b"\n",
    b"{",
    b"[",
    b'"',
    b"\\",
    b":",
    b"&a *a",
    b"!!python/none",
    b"\xef\xbb\xbf",
)
DEEP = (b"[" * 3_000, b'{"a":' * 3_000, b"- " * 1_500, b"[" * 100_000)


def odd(chance: random.Random) -> Any:
    """One of the values that go wrong somewhere."""
    return chance.choice(ODD)


def broken(value: Any, chance: random.Random, often: float = 0.15) -> Any:
    """A copy in which values are odd, missing, doubled or under another name."""
    if chance.random() < often / 3:
        return odd(chance)
    if isinstance(value, dict):
        kept = {key: broken(one, chance, often) for key, one in value.items() if chance.random() >= often / 3}
        if chance.random() < often / 3:
            kept[str(odd(chance))] = odd(chance)
        return kept
    if isinstance(value, list):
        kept_items = [broken(one, chance, often) for one in value if chance.random() >= often / 3]
        return kept_items * 2 if chance.random() < often / 3 else kept_items
    return odd(chance) if chance.random() < often else value


def as_json(value: Any) -> bytes:
    """As a careless program would write it: with NaN, and halves of characters."""
    return json.dumps(value).encode()


def mangled(content: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut, put in, put elsewhere; now and then nested deeper than anybody reads."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        at = chance.randint(0, len(content))
        kind = chance.randrange(6)
        if kind == 0:
            content = content[:at]
        elif kind == 1:
            content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
        elif kind == 2:
            content = content[:at] + chance.choice(BYTES) + content[at:]
        elif kind == 3:
            end = min(len(content), at + chance.randint(1, 40))
            content = content[:at] + content[end:] + content[at:end]
        elif kind == 4:
            content = content[:at] + content[at : at + 30] * chance.randint(2, 50) + content[at:]
        elif chance.random() < 0.2:
            content = content[:at] + chance.choice(DEEP) + content[at:]
    return content


def some(chance: random.Random, choices: Sequence[Any]) -> list[Any]:
    """A few of them, in any order."""
    return chance.sample(list(choices), chance.randint(0, min(3, len(choices))))
