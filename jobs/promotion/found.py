"""What another stack has proved and shared: looked up before anything is planned, so that a preview shows it."""

from __future__ import annotations

from typing import Any

from cloud.arm import ML_SCOPE, Arm
from cloud.errors import StageError, azure_errors
from cloud.place import Place
from cloud.services import registry
from cloud.target import RegistryAsset
from jobs.promotion import evidence
from jobs.promotion.spec import PromotionSpec
from jobs.training.registering import FINGERPRINT
from settings.stack import Settings


def proved(settings: Settings, place: Place) -> PromotionSpec | None:
    """The version that the settings ask for, or the newest there is; None for a stack that trains itself.

    Raises StageError where there is none, or its evidence does not suffice.
    """
    wanted = settings.model.promote
    if not wanted.stack:
        return None
    name = settings.finetune.model_name
    shelf_of = RegistryAsset(wanted.registry, name, wanted.version or "0")
    with azure_errors("the model of another stack could not be looked up", f"registry {wanted.registry}"):
        shelf = registry.shelf(shelf_of, registry.MODELS, Arm(ML_SCOPE))
        if shelf is None:
            raise _none(settings, "there is no such registry")
        if wanted.version:
            one = shelf.version()
            versions = [one] if one else []
        else:
            versions = [each for each in shelf.every() if _tags(each).get(evidence.BY) == wanted.stack]
    if not versions:
        many = f"no version {wanted.version}" if wanted.version else f"no version that {wanted.stack} has proved"
        raise _none(settings, f"it has {many} of model {name}")
    found, version = evidence.of(_tags(versions[0])), str(versions[0]["name"])
    base = RegistryAsset(settings.model.registry, settings.model.name, settings.model.version)
    least = settings.evaluation.minimum_score if settings.evaluation.questions else None
    if problems := evidence.wrong(found, version, stack=wanted.stack, base_model=base, minimum_score=least):
        raise StageError(
            "the model is not taken",
            on=f"model {name}:{version} of registry {wanted.registry}",
            why="; ".join(problems),
            todo=f"Have stack {wanted.stack} prove another one (`pulumi up` there), or name a version that it has "
            "proved: model.promote.version.",
        )
    return PromotionSpec(
        target=place.workspace,
        registry=wanted.registry,
        stack=wanted.stack,
        model_name=name,
        model_version=version,
        model_fingerprint=found[FINGERPRINT],
        evidence=found,
    )


def _tags(version: dict[str, Any]) -> dict[str, Any]:
    return registry.tags_of(version)


def _none(settings: Settings, why: str) -> StageError:
    wanted = settings.model.promote
    return StageError(
        "there is no model to take",
        on=f"registry {wanted.registry}",
        why=why,
        todo=f"Set model.share.registry to {wanted.registry} in Pulumi.{wanted.stack}.yaml and run `pulumi up` there: "
        f"the version that it puts into service is shared. finetune.modelName has to be the same in both.",
    )
