"""The whole table: which row judges an input of a resource."""

from __future__ import annotations

from cloud.catalogue import AZURES, STAGE, canonical, find
from review.events import Step
from review.known.access import ACCESS, ACTS_AS
from review.known.judge import Property, harmless, matters, naming, prop
from review.known.learning import LEARNING
from review.known.network import NETWORK
from review.known.stages import STAGES, WORK
from review.known.stores import STORES
from review.known.watching import WATCHING
from review.training.finetunes import kind

_TABLE = {**STORES, **ACCESS, **LEARNING, **NETWORK, **WATCHING, **WORK}
_ACTS = {row.type for row in AZURES if row.acts}

EVERYWHERE = (
    *harmless("tags.**", "tags", "__provider"),
    prop("azureApiVersion", matters("what the program does not say, Azure may take for something else")),
    *naming("resourceGroupName", "location", "resourceName"),
)
PROVIDER = harmless("version", "azureApiVersion")
"""Of a provider: its version, which a review names. Whatever else it is given decides for all its resources."""
COMPONENT = "finetune-phi:"
"""How types begin that only group others."""


def is_known(step: Step) -> bool:
    """Whether the table has rows for its type, and for this stage."""
    if step.type == "pulumi:pulumi:Stack" or step.type.startswith(("pulumi:providers:", COMPONENT)):
        return True
    if step.type == STAGE.type:
        return kind(step.name) in STAGES
    return canonical(step.type) in _TABLE


def rows_of(step: Step) -> tuple[Property, ...]:
    """All that the table has of it, what comes first counting first."""
    if step.type == STAGE.type:
        return STAGES.get(kind(step.name), ())
    if step.type.startswith("pulumi:providers:"):
        return PROVIDER
    type_ = canonical(step.type)
    own = find(type_, step.state.inputs)
    named = naming(own.name_input) if own and own.name_input else ()
    return (*_TABLE.get(type_, ()), *(ACTS_AS if type_ in _ACTS else ()), *named, *EVERYWHERE)


def row_of(step: Step, path: str) -> Property | None:
    """What judges the input; None where nobody has looked at it."""
    return next((row for row in rows_of(step) if row.matches(path)), None)
