"""The pack in the real engine: a program that breaks every rule, and one that breaks none."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cloud.catalogue import STAGE
from emulator.provider.resources import RESOURCES
from policy.example import Declared
from policy.pack import RULES
from policy.samples import CONFIG, KEY, PROJECT, STACK
from tests.unit.policy_engine import CASES

pytestmark = pytest.mark.journey

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """\
import json
from pathlib import Path

import pulumi

made = {}
VERSION = "%s"


def value(given):
    if isinstance(given, dict):
        if "$ref" in given:
            return made[given["$ref"]].id
        if "$secret" in given:
            return pulumi.Output.secret(given["$secret"])
        return {key: value(item) for key, item in given.items()}
    if isinstance(given, list):
        return [value(item) for item in given]
    return given


for one in json.loads(Path("resources.json").read_text()):
    options = pulumi.ResourceOptions(
        protect=one["protect"] or None,
        ignore_changes=one["ignore_changes"] or None,
        additional_secret_outputs=one["secret_outputs"] or None,
        depends_on=[made[name] for name in one["depends_on"]],
    )
    if one["type"] == "pulumi:index:Stash":
        pulumi.Stash(one["name"], input=one["inputs"]["input"], opts=options)
        continue
    options.version = VERSION
    made[one["name"]] = pulumi.CustomResource(one["type"], one["name"], value(one["inputs"]), options)
"""

HERE = [case for case in CASES if all(each.type in (*RESOURCES, STAGE.type) for each in (*case.fails, *case.passes))]
ELSEWHERE = {"private-endpoints", "role-no-wildcard", "storage-recoverable"}
"""Of types that no program of this project declares and the provider here has not: tests/unit/test_policy_rules.py."""


class Engine:
    """Previews declarations with the pack on an emulator of its own."""

    def __init__(self, directory: Path) -> None:
        self.project = directory / "project"
        self.project.mkdir()
        options = {"name": "python", "options": {"virtualenv": sys.prefix}}
        (self.project / "Pulumi.yaml").write_text(json.dumps({"name": PROJECT, "runtime": options}))
        (self.project / "__main__.py").write_text(PROGRAM % importlib.metadata.version("pulumi-azure-native"))
        (self.project / "config.json").write_text(json.dumps(CONFIG))
        path = [Path(sys.prefix) / "pulumi" / "bin", Path(sys.prefix) / "bin"]
        self.environ = {
            **os.environ,
            "PATH": os.pathsep.join([*(str(entry) for entry in path), os.environ["PATH"]]),
            "EMULATOR_HOME": str(directory / "emulator"),
            "EMULATOR_PORT": "0",
            "PYTHONPATH": str(ROOT),
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
        }
        self._run("pulumi", "stack", "init", STACK)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulator", "exec", "--", *command],
            cwd=self.project,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def preview(self, program: Sequence[Declared]) -> tuple[int, list[dict[str, Any]], str]:
        """Exit code, the engine's events, and everything that was printed."""
        (self.project / "resources.json").write_text(json.dumps([dataclasses.asdict(one) for one in program]))
        done = self._run(
            *("pulumi", "preview", "--json", "--non-interactive", "--stack", STACK),
            *("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", str(self.project / "config.json")),
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, events, done.stdout + done.stderr

    def stop(self) -> None:
        subprocess.run([sys.executable, "-m", "emulator", "stop"], cwd=self.project, env=self.environ, check=False)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("policies"))
    yield engine
    engine.stop()


def fired(events: list[dict[str, Any]], kind: str) -> dict[str, set[str]]:
    """Policies by the name of the resource they speak of."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if kind in event:
            found[event[kind]["resourceUrn"].rsplit("::", 1)[1]].add(event[kind]["policyName"])
    return dict(found)


def test_a_program_that_breaks_every_rule(engine: Engine) -> None:
    code, events, printed = engine.preview([declared for case in HERE for declared in case.fails])
    violations: dict[str, set[str]] = defaultdict(set)
    remedies: dict[str, set[str]] = defaultdict(set)
    for case in HERE:
        on = case.on or f"{PROJECT}-{STACK}"  # the stack itself
        (remedies if case.mended else violations)[on].add(case.rule)
        for name, also in case.also.items():
            violations[name].update(also)

    assert fired(events, "policyEvent") == violations, printed[-4000:]
    assert fired(events, "policyRemediationEvent") == remedies
    assert {rule.name for rule in RULES} - set().union(*violations.values(), *remedies.values()) == ELSEWHERE
    assert code != 0
    assert KEY not in printed

    # What a reviewer is told of a violation.
    rule = next(rule for rule in RULES if rule.name == "storage-tls")
    (event,) = [e["policyEvent"] for e in events if e.get("policyEvent", {}).get("policyName") == rule.name]
    assert (event["enforcementLevel"], event["severity"]) == ("mandatory", "high")
    for part in (rule.description, "storage-tls takes TLS1_0", f"Why: {rule.reason}", f"What to do: {rule.remedy}"):
        assert part in event["message"]


def test_a_program_that_breaks_no_rule(engine: Engine) -> None:
    code, events, printed = engine.preview([declared for case in HERE for declared in case.passes])
    assert fired(events, "policyEvent") == {}, printed[-4000:]
    assert fired(events, "policyRemediationEvent") == {}
    assert code == 0, printed[-4000:]
    assert KEY not in printed
