"""What does not go with a model that another stack has proved, or with sharing one's own."""

from __future__ import annotations

from collections.abc import Iterator

from settings.checks.conflict import Conflict
from settings.tree import Settings

_STACK = "model.promote.stack"


def promotion(settings: Settings, stack: str) -> Iterator[Conflict]:
    """Of both: who shares, and who takes."""
    share, taken = settings.model.share, settings.model.promote
    for at, name in (("model.share.registry", share.registry), ("model.promote.registry", taken.registry)):
        if name.lower().startswith("azureml"):
            rule, remedy = "is Microsoft's, to which nobody else's models go", "name a registry of your own"
            yield Conflict(at, name, rule, remedy, ())
    if share.make and not share.registry:
        rule, remedy = "needs model.share.registry, the name of what is made", "give it a name"
        yield Conflict("model.share.make", True, rule, remedy, ("model.share.registry",))
    yield from _kept_open(settings)
    if not taken.stack:
        for key in ("registry", "version"):
            if value := getattr(taken, key):
                rule = "has no effect without model.promote.stack, the stack whose model it is"
                yield Conflict(f"model.promote.{key}", value, rule, "name that stack, or remove this", (_STACK,))
        return
    if not taken.registry:
        rule = "needs model.promote.registry, where that stack's models are"
        remedy = f"set it to what model.share.registry is in Pulumi.{taken.stack}.yaml"
        yield Conflict(_STACK, taken.stack, rule, remedy, ("model.promote.registry",))
    if taken.stack == stack:
        yield Conflict(_STACK, taken.stack, "is this stack itself", "name the one that trains", ())
    if share.registry:
        rule = "is for a stack that trains; this one takes its model from another (model.promote)"
        yield Conflict("model.share.registry", share.registry, rule, "remove the one or the other", (_STACK,))
    for key, given in (("recipes", settings.recipes), ("sweep.over", settings.sweep.over)):
        if given:
            rule = "trains nothing, as the model is another stack's (model.promote)"
            yield Conflict(key, ", ".join(given), rule, "remove the one or the other", (_STACK, "released"))
    if settings.serving.strategy == "recreate":
        rule = "cannot be with model.promote: what is put back after a failure would be looked for in this workspace"
        yield Conflict("serving.strategy", "recreate", rule, "set it to beside", (_STACK,))


def _kept_open(settings: Settings) -> Iterator[Conflict]:
    """Azure keeps a registry's files and images in accounts of its own making, for which its API takes neither a key
    nor a network (SystemCreatedStorageAccount and SystemCreatedAcrAccount of 2025-12-01).
    """
    remedy = "name one that somebody else has made as you need it, and remove make"
    if settings.model.share.make and settings.network == "private":
        rule = "would make a registry that answers from the internet, and network is private"
        yield Conflict("model.share.make", True, rule, remedy, ("network",))
    if settings.model.share.make and settings.encryption.key:
        rule = "would make a registry whose models lie under Microsoft's key, and encryption.key is your own"
        yield Conflict("model.share.make", True, rule, remedy, ("encryption.key",))
