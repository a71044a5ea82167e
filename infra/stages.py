"""The steps no resource stands for: data upload, fine-tuning, release, and the prompt flow.

Each is a Stash whose input is the step's spec, and a hook that does the work before the Stash is recorded. So a
changed setting is a diff in the preview, a failed step fails the update, and as nothing was recorded the next
update does exactly the steps that are not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.foundry import EndpointConnection, Foundry
from infra.lifecycle.hooks import heed_interrupts, working
from infra.role_assignments import Roles
from infra.serving import Serving
from infra.workspace import Workspace
from jobs.dataset.spec import DatasetSpec, PreparationSpec
from jobs.publishing.spec import FlowSpec
from jobs.release.spec import ReleaseSpec
from jobs.spec import Spec
from jobs.specs import StageSpecs
from jobs.training.spec import FinetuneSpec

WORK: dict[type[Spec], str] = {
    DatasetSpec: "jobs.dataset.upload",
    PreparationSpec: "jobs.dataset.prepare",
    FinetuneSpec: "jobs.training.finetune",
    ReleaseSpec: "jobs.release.rollout",
    FlowSpec: "jobs.publishing.publish",
}
"""The module for each spec; its `run(spec, report, stop)` does the work and finds what an earlier try has done."""


@dataclass(frozen=True, kw_only=True)
class StagesArgs:
    """Specs of plain values, so that a preview shows them, and what the stages work on.

    `flow` is None where the project gets no prompt flow.
    """

    specs: StageSpecs
    flow: FlowSpec | None
    workspace: Workspace
    roles: Roles
    serving: Serving
    foundry: Foundry
    connection: EndpointConnection


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

        # A lifetime tells the one there is from one of the same name that is made anew (lifecycle/lifetime.py): what a
        # stage has made went with the old one.
        # Those who run the program upload, unless a job on a cluster prepares the data.
        work, job, deployers = args.workspace, args.roles.assignments, args.roles.deployers
        needs = [work.data_cluster, *job, *deployers] if work.data_cluster else [work.workspace, *deployers]
        dataset = stage("dataset", args.specs.dataset, needs, workspace_id=work.lifetime)
        finetune = stage("finetune", args.specs.finetune, [dataset, work.cluster, *job], workspace_id=work.lifetime)
        release = stage(
            "release",
            args.specs.release,
            [finetune, args.serving.endpoint, *job],
            endpoint_created=args.serving.lifetime,
        )
        if pulumi.runtime.is_dry_run() and (told := args.specs.release.unanswered):
            pulumi.log.warn(told, release)
        if args.flow:
            stage("flow", args.flow, [args.connection.connection, *deployers], workspace_id=args.foundry.lifetime)

        def once(done: pulumi.Stash, value: str) -> pulumi.Output[str]:
            """A name that is worth something only when its stage is done."""
            return done.urn.apply(lambda _: value)

        self.model_name = once(finetune, args.specs.release.model_name)
        self.model_version = once(finetune, args.specs.finetune.model_version)
        self.deployment = once(release, args.specs.release.deployment_name)
        self.register_outputs({"deployment": self.deployment})
