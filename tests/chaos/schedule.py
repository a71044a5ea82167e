"""What goes wrong in a round: fault rules and at most one kill, chosen by the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

COMMANDS = ("up", "change", "retag", "destroy")
"""The rounds of a cycle: the engine's command, driven to success, is one round."""
TARGETS = ("engine", "program", "emulator", "azurite")
REQUESTS = {"up": 300, "change": 110, "retag": 50, "destroy": 45}
"""About so many requests a command sends when all is well; a fault or a kill comes somewhere among them."""

HOSTS = (
    ("management.azure.com", 12),
    ("*.api.azureml.ms", 2),
    ("*.blob.core.windows.net", 2),
    ("login.microsoftonline.com", 1),
    ("*.inference.ml.azure.com", 1),
)
REQUEST_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("throttled", {"retry_after": 1}),
    ("error", {}),
    ("unavailable", {"retry_after": 1}),
    ("no-answer", {"seconds": 1.0}),
    ("reset", {}),
    ("slow", {"seconds": 0.5}),
    ("truncated", {}),
)
LOSABLE = ("throttled", "error", "unavailable", "no-answer", "reset")
"""Kinds that may carry the request out and lose only its answer. A throttled request never was on Azure."""
CAUSES = ("out-of-memory", "killed", "bad-row", "image-pull", "quota", "node-lost")


@dataclass(frozen=True)
class Habits:
    """What a stack is used for during a cycle."""

    compare: bool
    """The untuned model answers beside the tuned one."""
    golden: bool
    """A new model answers golden questions first; any answer will do."""
    publish: bool
    """The prompt flow is in the Foundry project."""
    steps: tuple[int, ...]
    """Of the traffic of a new model, each watched for a second."""
    resize: bool
    """With other tags the training cluster gets other machines, so another cluster takes its place."""

    def __str__(self) -> str:
        named = {
            "base model beside it": self.compare,
            "golden questions": self.golden,
            "flow": self.publish,
            "other machines": self.resize,
        }
        return ", ".join([*(name for name, wanted in named.items() if wanted), f"traffic {self.steps}"])


@dataclass(frozen=True)
class Kill:
    """``kill -9`` of a process once so many requests of the round have been sent."""

    target: str
    after: int


@dataclass(frozen=True)
class Plan:
    """Of one round."""

    command: str
    rules: tuple[dict[str, Any], ...]
    kill: Kill | None

    @property
    def kinds(self) -> list[str]:
        """What it would do, as the figures name it."""
        killed = [f"kill -9 {self.kill.target}"] if self.kill else []
        return [*map(titled, self.rules), *killed]

    def __str__(self) -> str:
        rules = ", ".join(str(rule["kind"]) + ("*" if rule.get("answered") else "") for rule in self.rules)
        killed = f", kill -9 {self.kill.target} after {self.kill.after} requests" if self.kill else ""
        return f"{self.command}: {rules}{killed}"


def titled(rule: dict[str, Any]) -> str:
    """The kind of a rule, told apart by whether Azure got the request."""
    return str(rule["kind"]) + (", answer lost" if rule.get("answered") else "")


def habits(seed: int, stack: int, cycle: int) -> Habits:
    """What a stack is used for in a cycle (from 0): the same for the same three numbers."""
    chance = random.Random(f"habits {seed}/{stack}/{cycle}")
    compare, golden, publish = (chance.random() < likely for likely in (0.25, 0.25, 0.5))
    steps = chance.choice(((100,), (100,), (10, 50, 100)))
    return Habits(compare, golden, publish, steps, resize=chance.random() < 0.5)


def plan(seed: int, stack: int, number: int) -> Plan:
    """The plan of round ``number`` (from 0) of a stack: the same for the same three numbers."""
    chance = random.Random(f"{seed}/{stack}/{number}")
    command = COMMANDS[number % len(COMMANDS)]
    rules = tuple(_rule(chance, command) for _ in range(chance.choice((1, 2, 2, 3))))
    kill = None
    if chance.random() < 0.5:
        kill = Kill(chance.choice(TARGETS), chance.randrange(REQUESTS[command]))
    return Plan(command, rules, kill)


def _rule(chance: random.Random, command: str) -> dict[str, Any]:
    kinds = ["request"] * 10 + ["operation-fails"] * 2 + ["operation-hangs", "token-expired", "token-revoked"]
    if command in ("up", "change"):
        kinds += ["job-fails"] * 2 + ["deployment-crashes", "server-killed", "token-short", "role-late"]
    kind = chance.choice(kinds)
    if kind == "request":
        return _request(chance, command)
    if kind in ("token-expired", "token-revoked"):
        return {"kind": kind, "host": HOSTS[0][0], "after": chance.randrange(REQUESTS[command]), "count": 1}
    if kind in ("operation-fails", "operation-hangs"):
        return {"kind": kind, "after": chance.randrange(12), "count": 1}
    if kind == "token-short":
        return {"kind": kind, "seconds": 3, "count": chance.randint(1, 4)}
    if kind == "role-late":
        return {"kind": kind, "reads": chance.randint(1, 3), "count": 2, "after": chance.randrange(4)}
    if kind == "job-fails":
        return {"kind": kind, "cause": chance.choice(CAUSES), "count": 1}
    return {"kind": kind, "count": 1}


def _request(chance: random.Random, command: str) -> dict[str, Any]:
    kind, options = chance.choice(REQUEST_KINDS)
    host = chance.choices([name for name, _ in HOSTS], [weight for _, weight in HOSTS])[0]
    among = REQUESTS[command] if host == HOSTS[0][0] else 6
    rule: dict[str, Any] = {"kind": kind, "host": host, "count": chance.randint(1, 3), **options}
    rule["after"] = chance.randrange(among)
    if kind in LOSABLE[1:] and chance.random() < 0.4:
        rule |= {"answered": True, "count": 1, "method": chance.choice(("PUT", "DELETE", "POST", "*"))}
        rule["after"] = chance.randrange(30)
    return rule
