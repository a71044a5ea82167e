"""The steps no resource stands for: data upload, fine-tuning, release, and the prompt flow.

Each is a Stash whose input is the step's spec, and a hook that does the work before the Stash is recorded. So a
changed setting is a diff in the preview, a failed step fails the update, and as nothing was recorded the next
update does exactly the steps that are not done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.choice import Choice
from infra.foundry import EndpointConnection, Foundry
from infra.lifecycle.hooks import heed_interrupts, working
from infra.role_assignments import Roles
from infra.serving import Serving
from infra.workspace import Workspace
from jobs.dataset.spec import DatasetSpec, PreparationSpec
from jobs.promotion.spec import PromotionSpec, ShareSpec
from jobs.publishing.spec import FlowSpec
from jobs.release.spec import ReleaseSpec, deployment_name
from jobs.spec import Spec
from jobs.stage_specs import StageSpecs
from jobs.training.spec import FinetuneSpec

WORK: dict[type[Spec], str] = {
    DatasetSpec: "jobs.dataset.upload",
    PreparationSpec: "jobs.dataset.prepare",
    FinetuneSpec: "jobs.training.finetune",
    ReleaseSpec: "jobs.release.rollout",
    ShareSpec: "jobs.promotion.share",
    PromotionSpec: "jobs.promotion.take",
    FlowSpec: "jobs.publishing.publish",
}
"""The module for each spec; its `run(spec, report, stop)` does the work and finds what an earlier try has done."""


@dataclass(frozen=True, kw_only=True)
class StagesArgs:
    """Specs of plain values, so that a preview shows them, and what the stages work on.

    `flow` is None where the project gets no prompt flow; `shared` is what there has to be before a model is shared.
    """

    specs: StageSpecs
    flow: FlowSpec | None
    workspace: Workspace
    roles: Roles
    serving: Serving
    foundry: Foundry
    connection: EndpointConnection
    shared: Sequence[pulumi.Resource] = ()
    reached: Sequence[pulumi.Resource] = ()
    """What there has to be before this machine talks to what the stack has made."""


class Stages(pulumi.ComponentResource):
    """`dataset`, then `finetune`, then `release`; `flow` waits for none of them.

    With several recipes there is a `finetune-NAME` for each, side by side, and where the best of them is released,
    `choice` stands before the release. `share` comes after it, where others take the model; a stack that takes another
    one's has `promotion` in place of data and fine-tune. Deleting them does nothing, so a destroy needs no program.
    """

    recipe: pulumi.Output[str]
    model_name: pulumi.Output[str]
    model_version: pulumi.Output[str]
    deployment: pulumi.Output[str]

    def __init__(self, name: str, args: StagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Stages", name, {}, opts)
        heed_interrupts()

        def stage(
            key: str, spec: Spec, needs: Sequence[pulumi.Resource], **lifetime: pulumi.Input[str]
        ) -> pulumi.Stash:
            between = {name: getattr(spec, name) for name in spec.BETWEEN}
            hook = pulumi.ResourceHook(key, working(type(spec), WORK[type(spec)], **between))
            return pulumi.Stash(
                key,
                input={**spec.to_inputs(), **lifetime},
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[*needs, *args.reached],
                    hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
                ),
            )

        # A lifetime tells the one there is from one of the same name that is made anew (lifecycle/lifetime.py): what a
        # stage has made went with the old one.
        work, job, deployers = args.workspace, args.roles.assignments, args.roles.deployers
        choice, later = None, {}
        if args.specs.promotion:
            model: pulumi.Resource = stage("promotion", args.specs.promotion, [work.workspace])
        else:
            assert args.specs.dataset is not None  # without a promotion
            # Those who run the program upload, unless a job on a cluster prepares the data.
            needs = [work.data_cluster, *job, *deployers] if work.data_cluster else [work.workspace, *deployers]
            dataset = stage("dataset", args.specs.dataset, needs, workspace_id=work.lifetime)
            trained = {
                spec.recipe_name: stage(spec.stage, spec, [dataset, work.cluster, *job], workspace_id=work.lifetime)
                for spec in args.specs.finetunes
            }
            if args.specs.choice:
                choice = Choice(
                    "choice", args.specs.choice, pulumi.ResourceOptions(parent=self, depends_on=[*trained.values()])
                )
                later = _of_the_best(choice, args.specs.releases)
            model = choice or trained[args.specs.finetune.recipe_name]
        release = stage(
            "release",
            args.specs.release,
            [model, args.serving.endpoint, *job, *args.workspace.network],
            endpoint_created=args.serving.lifetime,
            **later,
        )
        if args.specs.shares:
            first = next(iter(args.specs.shares.values()))
            of_best = _of_the_best(choice, args.specs.shares) if choice else {}
            stage("share", first, [release, *args.shared], **of_best)
        if pulumi.runtime.is_dry_run() and (told := args.specs.release.unanswered):
            pulumi.log.warn(told, release)
        if args.flow:
            stage("flow", args.flow, [args.connection.connection, *deployers], workspace_id=args.foundry.lifetime)

        def once(done: pulumi.Resource, value: pulumi.Input[str]) -> pulumi.Output[str]:
            """A name that is worth something only when its stage is done."""
            return pulumi.Output.all(done.urn, value).apply(lambda found: str(found[1]))

        self.recipe = choice.recipe if choice else once(model, next(iter(args.specs.releases)))
        self.model_name = once(model, args.specs.release.model_name)
        self.model_version = once(model, later.get("model_version", args.specs.release.model_version))
        fingerprint = later.get("fingerprint", args.specs.release.fingerprint)
        self.deployment = once(release, pulumi.Output.from_input(fingerprint).apply(deployment_name))
        self.register_outputs({"deployment": self.deployment})


def _of_the_best(choice: Choice, specs: Mapping[str, Spec]) -> dict[str, pulumi.Output[str]]:
    """What hangs on which recipe is the best, of a stage after the choice; all else is the same for each of them."""
    inputs = {name: spec.to_inputs() for name, spec in specs.items()}

    def of(key: str) -> pulumi.Output[str]:
        return choice.recipe.apply(lambda name: str(inputs[name][key]))

    return {key: of(key) for key in ("model_version", "model_fingerprint", "fingerprint")}
