"""Back to an earlier version of the model, which is registered and need not be trained again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud.errors import StageError, azure_errors
from jobs import paused
from jobs.release import unfinished
from jobs.release.deployments import MODEL, PREVIOUS
from jobs.traffic import shares
from jobs.training.registering import fingerprint_of
from jobs.training.stack_jobs import RECIPE

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Version:
    """A registered version of the model; ``created`` is UTC as YYYY-MM-DD HH:MM, the rest what its tags say.

    ``fingerprint`` is that of the fine-tuning that made it, "" for a model of other origin.
    """

    version: str
    created: str
    job: str
    recipe: str
    fingerprint: str = ""

    def __str__(self) -> str:
        made = ", ".join(part for part in (f"from job {self.job}" if self.job else "", self.recipe) if part)
        return f"{self.version}, registered {self.created}" + (f" {made}" if made else "")


@dataclass(frozen=True, kw_only=True)
class InService:
    """What one would go back from: version, deployment and its per cent of the traffic; "" for what is unknown.

    That is the deployment with the most traffic. Where a release was left half way it is the new deployment, however
    little it has. ``before`` is the version in service before it.
    """

    deployment: str
    share: int
    version: str
    before: str


def in_service(client: MLClient, endpoint: str, model: str) -> InService:
    """Raises StageError where nothing is."""
    on = f"endpoint {endpoint}"
    with azure_errors("what is in service could not be read", on):
        found = client.online_endpoints.get(endpoint)
        traffic, pause = shares(found.traffic), paused.read(found.tags)
        tags = {str(each.name): dict(each.tags or {}) for each in client.online_deployments.list(endpoint)}
    half = unfinished.release(tags, traffic)
    if half:
        former = max(half.before, key=lambda name: half.before[name])
        its = tags[half.deployment]
        before = _of(tags[former].get(MODEL), model) or _of(its.get(PREVIOUS), model)
        return InService(
            deployment=half.deployment,
            share=traffic.get(half.deployment, 0),
            version=_of(its.get(MODEL), model),
            before=before,
        )
    if not traffic and pause is not None and pause.by == paused.BY_RELEASE:
        coming = pause.coming or pause.version
        return InService(deployment=pause.deployment, share=0, version=coming, before=pause.version)
    if not traffic:
        todo = "`pulumi up` releases the stack's model; if it did before, `pulumi up --replace '**::release'` does."
        why = "it has no traffic"
        if pause is not None:
            why, todo = "it is paused", "End that first: `python -m jobs resume`."
        raise StageError("there is nothing to go back from", on=on, why=why, todo=todo)
    live = max(traffic, key=lambda name: traffic[name])
    its = tags.get(live, {})
    return InService(
        deployment=live, share=traffic[live], version=_of(its.get(MODEL), model), before=_of(its.get(PREVIOUS), model)
    )


def versions(client: MLClient, model: str, tagged: Mapping[str, str] | None = None) -> list[Version]:
    """All registered ones that have these tags, newest first. Raises StageError."""
    with azure_errors("the model's versions could not be listed", f"model {model}"):
        found = [each for each in client.models.list(name=model) if (tagged or {}).items() <= (each.tags or {}).items()]
    ordered = sorted(found, key=lambda each: str(_created(each)), reverse=True)
    return [
        Version(
            version=str(each.version),
            created=str(created)[:16] if (created := _created(each)) else "at an unknown time",
            job=str((each.tags or {}).get("job", "")),
            recipe=_recipe(each.tags or {}),
            fingerprint=fingerprint_of(each.tags, getattr(each, "job_name", None)),
        )
        for each in ordered
    ]


def choose(live: InService, known: list[Version], model: str, to: str = "") -> Version:
    """The version to go back to: ``to``, or else what was in service before, or else the newest older one.

    Raises StageError when it is not registered, is in service already, or there is none.
    """
    on = f"model {model}"
    by_name = {each.version: each for each in known}
    if to:
        registered(known, model, to)
    if to and to == live.version and live.share == 100:
        why = f"version {to} is in service: deployment {live.deployment} has {live.share} % of the traffic"
        raise StageError("there is nothing to do", on=on, why=why, todo="Choose another one with --to.")
    if to or (live.before in by_name and live.before != live.version):
        return by_name[to or live.before]
    names = [each.version for each in known]
    older = known[names.index(live.version) + 1 :] if live.version in names else known
    if not older:
        why = f"version {live.version} is in service, and no older one is registered"
        todo = "Fine-tune another one: change data or recipe and run `pulumi up`."
        raise StageError("there is no version to go back to", on=on, why=why, todo=todo)
    return older[0]


def _recipe(tags: Mapping[str, str]) -> str:
    """By its name, where it has one: the rest of several is much the same."""
    name, recipe = str(tags.get(RECIPE) or ""), str(tags.get("recipe") or "")
    return f"by the recipe {name}: {recipe}" if name else recipe


def registered(known: list[Version], model: str, version: str) -> Version:
    """The one of that number. Raises StageError where there is none."""
    found = next((each for each in known if each.version == version), None)
    if found is None:
        listed = "; ".join(str(each) for each in known[:_SHOWN]) or "none"
        why = f"there is no version {version}. The newest: {listed}"
        todo = "Choose one of them: `python -m jobs rollback --to`."
        raise StageError("it cannot be gone back to", on=f"model {model}", why=why, todo=todo)
    return found


def _of(tag: str | None, model: str) -> str:
    """The version in ``name:version``; "" for another model's."""
    name, _, version = (tag or "").rpartition(":")
    return version if name == model else ""


def _created(model: object) -> object:
    return getattr(getattr(model, "creation_context", None), "created_at", None)
