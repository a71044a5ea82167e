"""What is asked of Azure before anything is made that costs.

A Stash like the stages, with the same rules: it is asked again only when its input (region, sizes, counts, names,
base model) changes, and a refusal is not recorded, so the next update asks again.
"""

from __future__ import annotations

import pulumi

from infra.lifecycle.hooks import working
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec


def tell(finding: Finding) -> None:
    """What was found without asking Azure: a refusal ends the program, the rest is shown in a preview."""
    if finding.state is State.REFUSED:
        raise pulumi.RunError(f"this would fail after its machine was paid for: {finding}")
    if pulumi.runtime.is_dry_run():
        log = pulumi.log.warn if finding.state is State.WARNING else pulumi.log.info
        log(str(finding))


class Preflight(pulumi.ComponentResource):
    """The first resources depend on `passed`; everything else depends on those."""

    passed: pulumi.Stash

    def __init__(self, name: str, spec: PreflightSpec, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Preflight", name, {}, opts)
        hook = pulumi.ResourceHook(name, working(PreflightSpec, "jobs.preflight.run"))
        self.passed = pulumi.Stash(
            name,
            input=spec.to_inputs(),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
            ),
        )
        self.register_outputs({})
