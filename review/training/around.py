"""What stages do that neither train nor release: look what others have granted, wait for a network."""

from __future__ import annotations

from collections.abc import Iterator

from review.durations import Past
from review.events import Preview, Step


def roles(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """Where others grant them."""
    del preview, past
    if step.op != "delete":
        spec = (step.new.inputs.get("input") or {}) if step.new else {}
        yield f"looks whether others have granted {len(spec.get('grants') or ())} roles, or ends there"


def network(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """A managed network that a stage provisions."""
    del preview, past
    if step.op != "delete":
        yield f"has Azure provision the managed network of the {step.name.removesuffix('-network')}, about half an hour"


def reach(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """With private endpoints."""
    del preview, past
    if step.op != "delete":
        yield "looks whether the machine that runs this is in the stack's network, or ends there"


STAGES = {"roles": roles, "workspace-network": network, "hub-network": network, "reach": reach}
