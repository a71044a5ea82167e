"""What goes wrong in a round: fault rules, at most one kill, another operator; chosen by the seed alone."""

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
METRICS = "*/providers/Microsoft.Insights/metrics"
METRIC_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("empty", {}),
    ("nonsense", {}),
    ("error", {}),
    ("no-answer", {"seconds": 1.0}),
    ("slow", {"seconds": 0.5}),
)
"""What a bad day of Azure Monitor is like."""
STORM = 12
"""So many requests turned away, and more, are a storm: one in two, so that clients get on, but slowly."""
OPERATORS = {
    "pause": ("pause", "--yes"),
    "pause although asked": ("pause", "--yes", "--while-asked"),
    "resume": ("resume",),
    "rotate-keys": ("rotate-keys", "--yes", "--pause", "0"),
    "keep-hours": ("keep-hours",),
    "pulumi up": (),
}
"""What another operator does meanwhile: arguments of `python -m jobs`, or of the engine. A rollback is not among them,
as it leaves another version in service than the stack's, on purpose."""
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
class Operator:
    """Somebody else, who comes once so many requests of the round have been sent; ``killed`` after so many seconds."""

    what: str
    after: int
    killed: float | None

    def __str__(self) -> str:
        return f"{self.what} by another operator{', who is killed' if self.killed else ''}"


@dataclass(frozen=True)
class Plan:
    """Of one round."""

    command: str
    rules: tuple[dict[str, Any], ...]
    kill: Kill | None
    operator: Operator | None = None

    @property
    def kinds(self) -> list[str]:
        """What it would do, as the figures name it."""
        killed = [f"kill -9 {self.kill.target}"] if self.kill else []
        return [*map(titled, self.rules), *killed, *([str(self.operator)] if self.operator else [])]

    def __str__(self) -> str:
        rules = ", ".join(map(titled, self.rules))
        killed = f", kill -9 {self.kill.target} after {self.kill.after} requests" if self.kill else ""
        other = f", {self.operator} after {self.operator.after} requests" if self.operator else ""
        return f"{self.command}: {rules}{killed}{other}"


def titled(rule: dict[str, Any]) -> str:
    """The kind of a rule, told apart by whether Azure got the request, how many it hits, and whom."""
    kind = str(rule["kind"]) + (", answer lost" if rule.get("answered") else "")
    kind += ", a storm" if rule.get("count", 1) >= STORM else ""
    return f"metrics: {kind}" if rule.get("path") == METRICS else kind


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
    # By chance of their own, so that a seed's faults and kills are those of the time before there were these.
    more = random.Random(f"more {seed}/{stack}/{number}")
    watched = len(habits(seed, stack, number // len(COMMANDS)).steps) > 1
    if more.random() < 0.25:
        rules += (_storm(more, command),)
    if command == "change" and watched and more.random() < 0.7:
        rules += (_metrics(more),)
    return Plan(command, rules, kill, _operator(more, command))


def _storm(chance: random.Random, command: str) -> dict[str, Any]:
    host, among = chance.choice(((HOSTS[0][0], REQUESTS[command]), (HOSTS[4][0], 1)))
    return {
        "kind": "throttled",
        "host": host,
        "rate": 0.5,
        "seed": chance.randrange(1000),
        "count": chance.randint(STORM, 3 * STORM),
        "after": chance.randrange(among),
        "retry_after": 1,
    }


def _metrics(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.2:
        return {"kind": "metrics-late", "seconds": 300}
    kind, options = chance.choice(METRIC_KINDS)
    return {"kind": kind, "path": METRICS, "count": chance.randint(1, 6), **options}


def _operator(chance: random.Random, command: str) -> Operator | None:
    """None in most rounds; whoever comes before there is a stack finds nothing to do."""
    if command not in ("change", "retag") or chance.random() < 0.4:
        return None
    killed = round(chance.uniform(1.5, 8), 1) if chance.random() < 0.3 else None
    return Operator(chance.choice(list(OPERATORS)), chance.randrange(REQUESTS[command]), killed)


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
