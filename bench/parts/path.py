"""How near an update comes to the longest chain of what has to wait for what, where operations take Azure's time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from bench.figures import Figure, Section
from emulator.machine import environment, lifecycle
from emulator.manager.durations import SECONDS
from tests.journey.stack import Checkout

SHARE = 0.05
"""Of the time that Azure takes: a deployment's 15 minutes are 45 seconds. What the engine and its processes need
themselves is not scaled, so the smaller the share, the more it counts beside the chain."""
TEXT = """
Operations take {share:.0%} of what they take on Azure ([the table](#what-operations-take)), a fine-tune what the
stand-in's takes. A chain is made of what waits for what in the recorded state: inputs that come of another resource's
outputs, parents, and `depends_on`. *One after the other* is the same work in the tutorial's way, by hand, one step at a
time. One run each: the spread of the sums is that of the operations.

A destroy is no chain: Pulumi's engine deletes in waves, all that nothing left needs and, when the last of these is
gone, the next (`performDeletes` in its deployment_executor.go). So it takes the sum of the longest of each wave, which
no order of ours makes a chain.
"""


@dataclass
class Update:
    """What the engine did, and when."""

    begun: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def took(self, urn: str) -> float:
        return max(0.0, self.ended.get(urn, 0.0) - self.begun.get(urn, self.ended.get(urn, 0.0)))

    @property
    def makespan(self) -> float:
        return max(self.ended.values()) - min(self.begun.values())

    @property
    def in_turn(self) -> float:
        return sum(map(self.took, self.begun))


def run(runs: int) -> Section:
    del runs
    figures, told = [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        checkout = Checkout.make(Path(folder) / "checkout")
        _few(checkout, {"recipe": {"num_train_epochs": 1}, "evaluation": {"minimumScore": 0, "maximumDrop": 1}})
        own = {"EMULATOR_TRANSITIONS": f"azure:{SHARE}"} | checkout.environment
        with mock.patch.dict(os.environ, own), contextlib.ExitStack() as after:
            after.callback(lifecycle.stop, checkout.home)
            assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
            environ = environment.build(checkout.home, lifecycle.start(checkout.home))
            subprocess.run(["pulumi", "stack", "init", "local"], cwd=checkout.root, env=environ, check=True)
            graph: dict[str, Node] = {}
            for name, command, change in (
                ("up", "up", {}),
                ("a changed recipe and its release", "up", {"recipe": {"seed": 7}}),
                ("destroy", "destroy", {}),
            ):
                _few(checkout, change)
                update = _followed(checkout, environ, command)
                if command == "up":
                    graph = _graph(checkout, environ)
                chain = longest(graph, update)
                length = sum(map(update.took, chain))
                ratio = update.makespan / length
                figures += [
                    Figure(name=f"{name}: makespan ÷ longest chain", values=(ratio,), unit="x", most=1.05),
                    Figure(
                        name=f"{name}: one after the other ÷ makespan",
                        values=(update.in_turn / update.makespan,),
                        unit="x",
                    ),
                    Figure(name=f"{name}: makespan", values=(update.makespan,), unit="s"),
                ]
                if command == "destroy":
                    ratio = update.makespan / in_waves(graph, update)
                    figures.append(Figure(name=f"{name}: makespan ÷ the engine's waves", values=(ratio,), unit="x"))
                told.append(_told(name, chain, update, graph))
    table = "\n".join(f"| `{kind}` | {seconds:.0f} s | {source} |" for kind, (seconds, source) in SECONDS.items())
    operations = f"### What operations take\n\n| type | on Azure | source |\n|---|---:|---|\n{table}"
    return Section(
        title="Critical path",
        figures=tuple(figures),
        text="\n\n".join([TEXT.format(share=SHARE).strip(), *told, operations]),
    )


@dataclass(frozen=True)
class Node:
    """A resource of the state: what it waits for, and which of that it takes no value from."""

    needs: frozenset[str]
    ordered: frozenset[str]


def longest(graph: Mapping[str, Node], update: Update) -> list[str]:
    """The chain of the most work, first to last; ``graph`` lists what is needed before what needs it."""
    best: dict[str, tuple[float, str]] = {}
    for urn, node in graph.items():
        before = max((each for each in node.needs if each in best), key=lambda each: best[each][0], default="")
        best[urn] = (update.took(urn) + (best[before][0] if before else 0.0), before)
    at = max(best, key=lambda each: best[each][0])
    chain = [at]
    while before := best[chain[-1]][1]:
        chain.append(before)
    return [urn for urn in reversed(chain) if update.took(urn) > 0.05]


def in_waves(graph: Mapping[str, Node], update: Update) -> float:
    """Seconds that deleting takes where what is needed by nothing that is left goes at once, and the rest waits."""
    left, seconds = set(graph), 0.0
    while left:
        needed = {urn for each in left for urn in graph[each].needs if urn != each}
        wave = left - needed
        seconds += max(map(update.took, wave))
        left -= wave
    return seconds


def _graph(checkout: Checkout, environ: dict[str, str]) -> dict[str, Node]:
    done = subprocess.run(
        ["pulumi", "stack", "export", "--stack", "local"],
        cwd=checkout.root,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for each in json.loads(done.stdout)["deployment"]["resources"]:
        valued = {urn for urns in (each.get("propertyDependencies") or {}).values() for urn in urns or ()}
        named = set(each.get("dependencies") or ())
        parent = {each["parent"]} if each.get("parent") else set()
        found[each["urn"]] = Node(frozenset(named | valued | parent), frozenset(named - valued))
    return found


def _followed(checkout: Checkout, environ: dict[str, str], command: str) -> Update:
    """Runs a command and notes when each resource's step began and ended."""
    update = Update()
    arguments = ["pulumi", command, "--stack", "local", "--yes", "--skip-preview", "--json", "--non-interactive"]
    with subprocess.Popen(arguments, cwd=checkout.root, env=environ, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        printed = []
        for line in engine.stdout:
            printed.append(line)
            event = _event(line)
            for kind, noted in (("resourcePreEvent", update.begun), ("resOutputsEvent", update.ended)):
                step = event[kind]["metadata"] if kind in event else {"op": "same"}
                # A component lasts as long as what is in it, and is no work of its own.
                if step["op"] not in ("same", "read") and (step.get("new") or step["old"]).get("custom"):
                    noted[step["urn"]] = time.monotonic()
    if engine.returncode or not update.ended:
        sys.exit(f"pulumi {command} failed:\n{''.join(printed[-40:])}")
    return update


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _few(checkout: Checkout, sections: Mapping[str, Mapping[str, float]]) -> None:
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        stack["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    path.write_text(yaml.safe_dump(stack))


def _told(name: str, chain: list[str], update: Update, graph: Mapping[str, Node]) -> str:
    steps = []
    for before, urn in zip(["", *chain], chain, strict=False):
        how = " (`depends_on` alone)" if before and before in graph[urn].ordered else ""
        steps.append(f"{urn.rpartition('::')[2]} {update.took(urn):.1f} s{how}")
    return f"The longest chain of {name}: {' → '.join(steps)}."
