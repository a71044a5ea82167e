"""A stack of the last release previews unchanged: the same resources under the same names, and the same stage inputs.

tests/fixtures/states has, for the settings it had then, what the program registered: `last` of the last release, and
`earlier` of one before it, when the version of a model was its fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.stack import load
from tests.program.conftest import ROOT, Program, Run

STATES = ROOT / "tests" / "fixtures" / "states"
STACKS = ("local", "dev", "prod")
# The flow's content is this checkout's: another one is published once.
PUBLISHED_ANEW = {("flow", "content"), ("flow", "fingerprint")}
SINCE_EARLIER = {
    # What is asked of Azure is asked anew with each program that asks more.
    *(("preflight", key) for key in ("data", "fingerprint", "machines", "namespaces")),
    # A model's version has to be a number; which model it is, the fingerprint says.
    *(("release", key) for key in ("model_version", "model_fingerprint")),
    # What Azure lets one change of a deployment that serves.
    *(("release", key) for key in ("max_concurrent_requests", "liveness", "readiness")),
    ("release", "health"),  # of too few requests nothing is concluded
}
MADE_SINCE = {
    # Only the call that deletes a workspace frees its name.
    *(
        f"finetune-phi:infra:{component}$pulumi-python:dynamic:Purge::{name}-purge"
        for component, name in (
            ("Foundation", "log-analytics"),
            ("Foundry", "hub"),
            ("Foundry", "project"),
            ("Workspace", "workspace"),
        )
    ),
    # A cluster of another size is another cluster.
    "finetune-phi:infra:Workspace$pulumi-python:dynamic:ClusterSize::cluster-size",
    # A model's failures are apart from those of who asks.
    "finetune-phi:infra:Monitoring$azure-native:monitor:MetricAlert::model-alert",
}


def state(release: str, stack: str) -> dict[str, Any]:
    return dict(json.loads((STATES / f"{release}.json").read_text())[stack])


def today(run: Run, folder: Path, stack: str, config: dict[str, Any]) -> Program:
    """What the program registers with the settings of then, and today's defaults."""
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    effective = load(stack, folder).effective()

    def change(given: dict[str, Any]) -> None:
        given.clear()
        given.update(effective)

    return run(stack, change)


def urns(program: Program) -> set[str]:
    found = [*program.components, *(each.urn for each in program.resources.values())]
    return {urn.removeprefix("urn:pulumi:stack::project::") for urn in found}


def differing(program: Program, recorded: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The stage and key of each input that is otherwise, not there any more, or new."""
    for stage, then in recorded.items():
        now = program.resources[stage].inputs["input"]
        absent = object()
        for key in sorted({*then, *now}):
            if now.get(key, absent) != then.get(key, absent):
                yield stage, key


@pytest.mark.parametrize("stack", STACKS)
def test_a_state_of_the_last_release_previews_unchanged(run: Run, tmp_path: Path, stack: str) -> None:
    then = state("last", stack)
    now = today(run, tmp_path, stack, then["config"])
    assert urns(now) == set(then["urns"])
    assert set(differing(now, then["stashes"])) <= PUBLISHED_ANEW


@pytest.mark.parametrize("stack", STACKS)
def test_an_earlier_state_is_trained_and_deployed_as_it_was(run: Run, tmp_path: Path, stack: str) -> None:
    then = state("earlier", stack)
    now = today(run, tmp_path, stack, then["config"])
    assert set(then["urns"]) - urns(now) == set(), "nothing is deleted"
    assert urns(now) - set(then["urns"]) <= MADE_SINCE
    assert set(differing(now, then["stashes"])) <= PUBLISHED_ANEW | SINCE_EARLIER
    for stage in ("dataset", "finetune", "release"):
        fingerprint = then["stashes"][stage]["fingerprint"]
        assert now.resources[stage].inputs["input"]["fingerprint"] == fingerprint, "names of jobs and deployments"
