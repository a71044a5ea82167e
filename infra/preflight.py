"""What is asked of Azure before anything is made that costs.

A Stash like the stages, with the same rules: it is asked again only when its input (region, sizes, counts, names,
base model) changes, and a refusal is not recorded, so the next update asks again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pulumi

from infra.lifecycle.hooks import working
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec
from settings.stack import Settings


def tell(finding: Finding) -> None:
    """What was found without asking Azure: a refusal ends the program, the rest is shown in a preview."""
    if finding.state is State.REFUSED:
        raise pulumi.RunError(f"this would fail after its machine was paid for: {finding}")
    if pulumi.runtime.is_dry_run():
        log = pulumi.log.warn if finding.state is State.WARNING else pulumi.log.info
        log(str(finding))


def side_by_side(settings: Settings) -> Iterator[Finding]:
    """Where the cluster has room for more jobs than Pulumi does things at a time (`--parallel`)."""
    if settings.model.promote.stack:
        return  # it trains nothing
    recipes, at_once = settings.trained.values(), int(pulumi.runtime.settings.SETTINGS.parallel or 0)
    room = settings.compute.max_nodes // min(recipe.num_nodes_finetune or 1 for recipe in recipes)
    jobs = min(len(recipes), room)
    if at_once and jobs > at_once:
        yield Finding(
            check="recipes",
            state=State.WARNING,
            found=f"the cluster has room for {jobs} jobs at a time (compute.maxNodes is {settings.compute.max_nodes}), "
            f"and an update does {at_once} things at a time: that many are trained side by side, the others after them",
            fix=f"pulumi up --parallel {jobs}",
        )


class Preflight(pulumi.ComponentResource):
    """The first resources depend on `passed`; everything else depends on those."""

    passed: pulumi.Stash

    def __init__(self, name: str, spec: PreflightSpec, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Preflight", name, {}, opts)
        between = {key: getattr(spec, key) for key in spec.BETWEEN}
        hook = pulumi.ResourceHook(name, working(PreflightSpec, "jobs.preflight.run", **between))
        self.passed = pulumi.Stash(
            name,
            input=spec.to_inputs(),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
            ),
        )
        self.register_outputs({})
