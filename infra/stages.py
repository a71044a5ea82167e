"""The steps no resource stands for: data upload, fine-tuning, release, and the prompt flow.

Each is a Stash whose input is the step's spec, and a hook that does the work before the Stash is recorded. So a
changed setting is a diff in the preview, a failed step fails the update, and as nothing was recorded the next
update does exactly the steps that are not done.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from cloud.errors import StageError
from cloud.report import WARNING, Report
from infra.roles import Roles
from infra.workspace import Workspace
from jobs.dataset.spec import DatasetSpec, PreparationSpec
from jobs.preflight.spec import PreflightSpec
from jobs.publishing.spec import FlowSpec
from jobs.release.spec import ReleaseSpec
from jobs.training.spec import FinetuneSpec
from settings.redaction import redact

ROOT = str(Path(__file__).resolve().parent.parent)
Spec = DatasetSpec | FinetuneSpec | ReleaseSpec | FlowSpec | PreflightSpec
HookFunction = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]

WORK: dict[type[Spec], str] = {
    DatasetSpec: "jobs.dataset.upload",
    PreparationSpec: "jobs.dataset.prepare",
    FinetuneSpec: "jobs.training.finetune",
    ReleaseSpec: "jobs.release.rollout",
    FlowSpec: "jobs.publishing.publish",
}
"""The module for each spec; its `run(spec, report, stop)` does the work and finds what an earlier try has done."""


@dataclass(frozen=True)
class StagesArgs:
    """Specs of plain values, so that a preview shows them, and what the stages work on.

    `flow` is None where the project gets no prompt flow. The lifetimes tell the one there is from one of the same name
    that is made anew (lifetime.py): what a stage has made went with the old one.
    """

    dataset: DatasetSpec
    finetune: FinetuneSpec
    release: ReleaseSpec
    flow: FlowSpec | None
    workspace: Workspace
    roles: Roles
    endpoint: pulumi.Resource
    endpoint_lifetime: pulumi.Input[str]
    connection: pulumi.Resource
    project_lifetime: pulumi.Input[str]


class Stages(pulumi.ComponentResource):
    """`dataset`, then `finetune`, then `release`; `flow` waits for none of them.

    Deleting them does nothing, so a destroy needs no program.
    """

    model_name: pulumi.Output[str]
    model_version: pulumi.Output[str]
    deployment: pulumi.Output[str]

    def __init__(self, name: str, args: StagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Stages", name, {}, opts)
        heed_interrupts()

        def stage(
            key: str, spec: Spec, needs: Sequence[pulumi.Resource], **lifetime: pulumi.Input[str]
        ) -> pulumi.Stash:
            hook = pulumi.ResourceHook(key, working(type(spec), WORK[type(spec)]))
            return pulumi.Stash(
                key,
                input={**spec.to_inputs(), **lifetime},
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=list(needs),
                    hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
                ),
            )

        # Those who run the program upload, unless a job on a cluster prepares the data.
        work, job, deployers = args.workspace, args.roles.assignments, args.roles.deployers
        needs = [work.data_cluster, *job, *deployers] if work.data_cluster else [work.workspace, *deployers]
        dataset = stage("dataset", args.dataset, needs, workspace_id=work.lifetime)
        finetune = stage("finetune", args.finetune, [dataset, work.cluster, *job], workspace_id=work.lifetime)
        release = stage(
            "release", args.release, [finetune, args.endpoint, *job], endpoint_created=args.endpoint_lifetime
        )
        if args.flow:
            stage("flow", args.flow, [args.connection, *deployers], workspace_id=args.project_lifetime)

        def once(done: pulumi.Stash, value: str) -> pulumi.Output[str]:
            """A name that is worth something only when its stage is done."""
            return done.urn.apply(lambda _: value)

        self.model_name = once(finetune, args.release.model_name)
        self.model_version = once(finetune, args.finetune.model_version)
        self.deployment = once(release, args.release.deployment_name)
        self.register_outputs({"deployment": self.deployment})


def working(kind: type[Spec], module: str) -> HookFunction:
    """The hook that rebuilds the spec from what it is given and does the work beside the program's event loop.

    A hook that blocks the loop would hold up every other resource.
    """

    async def work(args: pulumi.ResourceHookArgs) -> None:
        spec = kind.from_inputs((args.new_inputs or {})["input"])
        stop, report = threading.Event(), reporting(args.name)
        _waiting.add(stop)
        if _asked_to_stop.is_set():
            stop.set()
        try:
            await asyncio.to_thread(_run, module, spec, report, stop)
        except StageError:
            raise
        # What a hook raises is shown by its text alone, which for a KeyError is just the key.
        except Exception as error:
            pulumi.log.debug(redact(traceback.format_exc()))
            raise RuntimeError(f"stage {args.name}: {type(error).__name__}: {redact(str(error))}") from error
        finally:
            _waiting.discard(stop)
            # If the engine gives up on the hook, its thread has to as well.
            stop.set()

    return work


def reporting(name: str) -> Report:
    """Shows lines of what is done for the resource of that name."""

    def report(line: str) -> None:
        line = redact(line)  # whatever it is made of
        if line.startswith(WARNING):
            return pulumi.log.warn(f"{name}: {line.removeprefix(WARNING)}")
        return pulumi.log.info(f"{name}: {line}", ephemeral=True)

    return report


def _run(module: str, spec: Spec, report: Report, stop: threading.Event) -> None:
    project_importable()
    # This import alone takes seconds.
    importlib.import_module(module).run(spec, report, stop)


def project_importable() -> None:
    """Lets a hook import: the language host takes the program's directory off the path before any hook runs."""
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)


_waiting: set[threading.Event] = set()
_asked_to_stop = threading.Event()
"""Set by the first signal: a hook that begins after it has to know, too."""
_SAME_PRESS_SECONDS = 30.0


def heed_interrupts() -> None:
    """Makes the first signal tell the stages at work to stop, and nothing else; a second Ctrl-C ends the program.

    SIGINT comes with a Ctrl-C, and from the language host when the engine ends an update early. The engine waits for
    running hooks and then ends the program itself, so a KeyboardInterrupt would only add its traceback. SIGTERM is how
    CI ends a job that takes too long, SIGHUP a terminal that is closed.
    """
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, Interrupts())
        for other in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(other, stop_all)


def stop_all() -> None:
    """Tells the stages at work, and those that begin later, to stop."""
    _asked_to_stop.set()
    for stop in list(_waiting):
        stop.set()


class Interrupts:
    """What each SIGINT does.

    One Ctrl-C, or an engine that ends an update early, sends several: the terminal's, and those with which the language
    host passes on that the engine was cancelled and then ends, which a busy engine may do late. So only one long after
    the first is another Ctrl-C; of one that comes sooner the engine takes care, which then ends the program itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def __call__(self) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now
        if now - self._first > _SAME_PRESS_SECONDS:
            leave()
        stop_all()


def leave() -> None:
    """Ends the program without waiting for what its threads ask Azure: all of it can be taken up again."""
    print("interrupted twice: not waiting any more. What runs on Azure goes on.", file=sys.stderr, flush=True)
    os._exit(130)
