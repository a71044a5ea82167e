"""The real engine, with the CLI and the language host that set-up provides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.journey

PROJECT = """\
name: tiny
runtime:
  name: python
  options:
    virtualenv: {virtualenv}
"""

PROGRAM = """\
import asyncio
import os
import signal
import threading
from pathlib import Path

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

here = Path(__file__).parent
config = pulumi.Config()
stop = threading.Event()


def interrupted(number, frame):
    (here / "signal").write_text(signal.Signals(number).name)
    stop.set()


signal.signal(signal.SIGINT, interrupted)


def follow_a_long_job():
    (here / "starting").write_text(str(os.getpid()))
    (here / "starting").rename(here / "waiting")
    if not stop.wait(30):
        return
    raise RuntimeError("stopped before the job was done")


async def work(arguments):
    with (here / "runs").open("a") as runs:
        runs.write(arguments.new_inputs["input"]["recipe"] + "\\n")
    if config.get_bool("wait"):
        await asyncio.to_thread(follow_a_long_job)


class Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("note-1", props)

    def delete(self, id, props):
        Path(props["path"]).write_text("deleted")


class Note(Resource):
    def __init__(self, name, path):
        super().__init__(Provider(), name, {"path": path})


hook = pulumi.ResourceHook("work", work)
hooks = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
pulumi.Stash("stage", input={"recipe": config.require("recipe")}, opts=pulumi.ResourceOptions(hooks=hooks))
Note("note", str(here / "note"))
pulumi.export("recipe", config.require("recipe"))
pulumi.export("token", config.require_secret("token"))
"""

POLICY_PROJECT = """\
runtime:
  name: python
  options:
    virtualenv: {virtualenv}
"""

POLICY = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def no_stash(args, report):
    if args.resource_type == "pulumi:index:Stash":
        report("this pack allows no Stash")


PolicyPack(
    name="tiny-policy",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy(name="no-stash", description="No Stash.", validate=no_stash)],
)
"""


class Engine:
    """A Pulumi project in a directory of its own, with a file backend beside it."""

    def __init__(self, directory: Path) -> None:
        self.project = directory / "project"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text(PROJECT.format(virtualenv=sys.prefix))
        (self.project / "__main__.py").write_text(PROGRAM)
        self.policy = directory / "policy"
        self.policy.mkdir()
        (self.policy / "PulumiPolicy.yaml").write_text(POLICY_PROJECT.format(virtualenv=sys.prefix))
        (self.policy / "__main__.py").write_text(POLICY)
        (directory / "state").mkdir()
        # The environment has the azure-native SDK, so the engine would download its plugin if there were none.
        plugins = directory / "plugins"
        plugins.mkdir()
        (plugins / "pulumi-resource-azure-native").write_text("#!/bin/sh\nexit 1\n")
        (plugins / "pulumi-resource-azure-native").chmod(0o755)
        programs = [plugins, Path(sys.prefix) / "pulumi" / "bin", Path(sys.prefix) / "bin"]
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
            "PATH": os.pathsep.join([*(str(path) for path in programs), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{directory / 'state'}",
            "PULUMI_HOME": str(directory / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.check("stack", "init", "local")
        self.check("config", "set-all", "--plaintext", "recipe=cosine", "--secret", "token=hunter2")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `pulumi`, in a session of its own: signals reach it and nobody else."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run `pulumi` to its end: exit code and output."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def check(self, *arguments: str) -> str:
        """Run `pulumi`, which must succeed."""
        code, output = self.run(*arguments)
        assert code == 0, output
        return output


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_up_twice_and_destroy(engine: Engine) -> None:
    first = engine.check("up", "--yes", "--skip-preview")
    assert "3 created" in first or "4 created" in first, first
    assert "hunter2" not in first
    assert "pulumi-language-python" not in first, "the engine warns about its language host"
    assert json.loads(engine.check("stack", "output", "--json")) == {"recipe": "cosine", "token": "[secret]"}

    second = engine.check("up", "--yes", "--skip-preview")
    assert "created" not in second and "updated" not in second, second
    assert (engine.project / "runs").read_text() == "cosine\n"

    engine.check("destroy", "--yes", "--skip-preview")
    assert (engine.project / "note").read_text() == "deleted"


def test_a_mandatory_policy_stops_the_preview(engine: Engine) -> None:
    code, output = engine.run("preview", "--policy-pack", str(engine.policy))
    assert code == 1, output
    assert "this pack allows no Stash" in output


def test_a_program_that_is_wrong_says_so(engine: Engine) -> None:
    engine.check("config", "rm", "recipe")
    code, output = engine.run("preview")
    assert code != 0
    assert "recipe" in output and "Traceback" not in output

    (engine.project / "Pulumi.yaml").write_text(PROJECT.format(virtualenv="nowhere"))
    code, output = engine.run("preview")
    assert code != 0
    assert "nowhere" in output and "make setup" in output


def start_and_wait_for_the_hook(engine: Engine) -> subprocess.Popen[str]:
    """An update whose hook follows a long job at this moment."""
    engine.check("config", "set", "wait", "true")
    process = engine.start("up", "--yes", "--skip-preview")
    assert eventually(lambda: (engine.project / "waiting").exists() or process.poll() is not None, 30)
    assert process.poll() is None, process.communicate()[0]
    return process


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_ctrl_c_reaches_a_waiting_hook(engine: Engine) -> None:
    process = start_and_wait_for_the_hook(engine)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode != 0, output
    assert (engine.project / "signal").read_text() == "SIGINT"
    state = json.loads(engine.check("stack", "export"))
    assert not [r for r in state["deployment"].get("resources", []) if r["type"] == "pulumi:index:Stash"]


def test_a_killed_engine_leaves_no_program_behind(engine: Engine) -> None:
    process = start_and_wait_for_the_hook(engine)
    program = int((engine.project / "waiting").read_text())
    process.kill()
    process.communicate(timeout=20)
    assert eventually(lambda: not psutil.pid_exists(program), 10)
    assert (engine.project / "signal").read_text() == "SIGINT"
