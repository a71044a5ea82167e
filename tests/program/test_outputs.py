"""The outputs are a contract: another program works with what this one exports, and refuses another version of it."""

from __future__ import annotations

import asyncio
import runpy
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_pulumi_func

from settings.estate.outputs import OUTPUTS, VERSION
from tests.program.conftest import ROOT, Run

READERS = "00000000-0000-4000-8000-0000000000b2"


class Others(mocks.Mocks):
    """Another program's engine, in which finetune-phi's stack has those outputs."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs
        self.made: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            assert args.inputs["name"] == "organization/finetune-phi/dev"
            return args.name, {"name": args.inputs["name"], "outputs": self.outputs, "secretOutputNames": []}
        self.made[args.name] = dict(args.inputs)
        return f"/id/{args.name}", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program calls {args.token}")


def consumer(outputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the example makes of these outputs."""
    engine, loop = Others(outputs), asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(engine, project="phi-readers", stack="dev", preview=False)
    config = {"phi-readers:stack": "organization/finetune-phi/dev", "phi-readers:readers": READERS}
    pulumi.runtime.set_all_config(config)

    async def whole() -> None:
        def start() -> None:
            runpy.run_path(str(ROOT / "docs/examples/consumer/__main__.py"), run_name="__main__")

        await run_pulumi_func(start)

    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
        pulumi.runtime.set_all_config({})
        set_root_resource(None)  # type: ignore[arg-type]
    return engine.made


def test_another_program_builds_on_what_this_one_exports(run: Run) -> None:
    outputs = run("dev").outputs
    made = consumer(outputs)
    assert {name: each["scope"] for name, each in made.items()} == {
        "readers-of-workspaceId": outputs["workspaceId"],
        "readers-of-logsId": outputs["logsId"],
    }
    assert {each["principalId"] for each in made.values()} == {READERS}
    assert all(f"/subscriptions/{outputs['subscriptionId']}/" in each["roleDefinitionId"] for each in made.values())


def test_it_refuses_another_version_of_the_outputs(run: Run) -> None:
    with pytest.raises(ValueError, match="has version 2 of its outputs, this program knows 1"):
        consumer({**run("dev").outputs, "contractVersion": VERSION + 1})


def test_nothing_is_exported_that_the_page_does_not_have(run: Run) -> None:
    def everything(config: dict[str, Any]) -> None:
        config["finetune-phi:github"] = {"repository": "someone/finetune-phi"}

    for program in (run("local"), run("dev"), run("dev", everything)):
        assert program.outputs.keys() <= OUTPUTS.keys()
        assert OUTPUTS.keys() - program.outputs.keys() <= {name for name, each in OUTPUTS.items() if each.where}
