"""What is there now: stages, the newest job and how far it is, model, deployments and traffic, and their cost."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloud.states import GIVEN_UP, IN_TRANSITION
from jobs.paused import Pause
from jobs.release import unfinished
from jobs.release.spec import ReleaseSpec
from jobs.release.unfinished import Kept
from jobs.status.progress import Progress
from jobs.status.spending import Spending
from jobs.status.usage import Requests
from settings.sections.hours import hours_of

NOT_THERE, TO_DO, DONE, PAUSED = "not there", "to do", "done", "paused"
_REGISTERED = re.compile(r"azureml://registries/[^/]+/models/([^/]+)/versions/([^/]+)")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at a fine-tune, or at a preparation of the data.

    `version` and `fingerprint` are those of the model it makes, "" for data; `machine` the size it ran on, "" where it
    does not say; `inputs` are its component's; `recipe` is the name of its recipe, where there are several.
    """

    name: str
    version: str
    status: str
    url: str
    created: datetime | None
    inputs: Mapping[str, str]
    machine: str = ""
    recipe: str = ""
    fingerprint: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def nodes(self) -> int:
        """How many machines it trains on at the same time, or the rows are divided among."""
        parts = str(self.inputs.get("number") or "1/1").rpartition("/")[2]
        given = str(self.inputs.get("num_nodes_finetune") or parts)
        return int(given) if given.isdecimal() else 1

    def hours(self, now: datetime) -> float:
        """How long it has run so far."""
        return ((self.ended or now) - self.started).total_seconds() / 3600 if self.started else 0.0


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`traffic` in percent; `since` when it was made; `tags` also tell how far its release is."""

    name: str
    state: str
    traffic: int
    model: str
    vm_size: str
    count: int
    since: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def short_model(self) -> str:
        """`Phi-4-mini-instruct:1` for a model of a registry; a model of the workspace has its short name already."""
        found = _REGISTERED.fullmatch(self.model)
        return f"{found[1]}:{found[2]}" if found else self.model

    @property
    def instances(self) -> str:
        return f"{self.count} x {self.vm_size}"


def serving_it(deployments: Iterable[Deployment], release: ReleaseSpec, model: str) -> Deployment | None:
    """The deployment that the release asks for, by its name, or of that model on its machines with all the traffic.

    One that was made with other instances or time-outs has another name: those are changed in place.
    """
    found = {one.name: one for one in deployments}
    same = (one for one in found.values() if (one.short_model, one.vm_size) == (model, release.serving.vm_size))
    return found.get(release.deployment_name) or next((one for one in same if one.traffic == 100), None)


@dataclass(frozen=True)
class Stage:
    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """Everything by name and state; `job` is None and states are NOT_THERE for what does not exist.

    `others` are the stack's jobs under way that are no attempts at the model in question.
    """

    stack: str
    at: datetime
    stages: tuple[Stage, ...]
    job: Job | None
    attempts: tuple[Job, ...]
    others: tuple[Job, ...]
    progress: Progress | None
    model: str
    model_state: str
    endpoint: str
    endpoint_state: str
    deployments: tuple[Deployment, ...]
    spending: Spending
    usage: Requests
    pause: Pause | None = None
    hours: str = ""
    jobs: tuple[Job, ...] = ()
    """All fine-tunes there ever were, the newest first."""
    recipe: str | None = None
    """The name of the one that is released, None while nobody knows."""
    not_read: tuple[str, ...] = ()
    """Of what Azure had no answer, a sentence each."""

    @property
    def overtime(self) -> timedelta:
        """For how long deployments stand though their office hours are over; 0 within them, or where there are none."""
        hours = hours_of(self.hours)
        made = [one.since for one in self.deployments if one.since]
        if hours is None or not made or hours.open_at(self.at):
            return timedelta()
        return self.at - max(hours.closed_since(self.at), min(made))

    @property
    def half_released(self) -> str:
        """The deployment whose release has not come to its end, or ""."""
        traffic = {one.name: one.traffic for one in self.deployments}
        found = unfinished.release({one.name: one.tags for one in self.deployments}, traffic)
        return found.deployment if found else ""

    @property
    def kept(self) -> Kept | None:
        """The deployment of before that stays without traffic."""
        traffic = {one.name: one.traffic for one in self.deployments if one.traffic}
        return unfinished.kept({one.name: one.tags for one in self.deployments}, traffic)

    @property
    def idle(self) -> timedelta:
        """For how long at least nobody has asked the endpoint; 0 for less than an hour, or not known."""
        return self.usage.idle(self.at)

    @property
    def idle_cost(self) -> float | None:
        """What the deployments have cost in that time, in US dollars; None if a price is unknown."""
        cost = 0.0
        for one in self.deployments:
            hourly = self.spending.prices[one.vm_size].hourly
            if hourly is None:
                return None
            stood = min(self.idle, self.at - one.since) if one.since else self.idle
            cost += hourly * one.count * stood.total_seconds() / 3600
        return cost

    @property
    def moving(self) -> bool:
        """Whether Azure is at work on something."""
        job = self.job is not None and self.job.status not in GIVEN_UP
        return job or any(
            state in IN_TRANSITION for state in (self.endpoint_state, *(one.state for one in self.deployments))
        )

    @property
    def done(self) -> bool:
        """Whether everything is as the settings ask for."""
        return not self.moving and all(stage.state in (DONE, PAUSED) for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        job = self.job
        return {
            "stack": self.stack,
            "at": self.at.isoformat(),
            "stages": [dataclasses.asdict(stage) for stage in self.stages],
            "recipe": self.recipe,
            "job": job.name if job else "",
            "job_status": job.status if job else NOT_THERE,
            "job_url": job.url if job else "",
            "job_started": job.started.isoformat() if job and job.started else None,
            "job_ended": job.ended.isoformat() if job and job.ended else None,
            "attempts": {each.name: each.status for each in self.attempts},
            "other_jobs": {each.name: each.status for each in self.others},
            "progress": self.progress.to_json() if self.progress else None,
            "model": self.model,
            "model_state": self.model_state,
            "endpoint": self.endpoint,
            "endpoint_state": self.endpoint_state,
            "deployments": [
                {
                    "name": one.name,
                    "state": one.state,
                    "traffic": one.traffic,
                    "model": one.model,
                    "instances": one.instances,
                    "since": one.since.isoformat() if one.since else None,
                }
                for one in self.deployments
            ],
            "half_released": self.half_released,
            "kept": self.kept.deployment if self.kept else "",
            "hours": self.hours,
            "paused": self.pause.to_json() if self.pause else None,
            "cost": self.spending.to_json(),
            "requests": {
                **self.usage.to_json(self.at),
                "idle_cost": None if self.idle_cost is None else round(self.idle_cost, 4),
            },
        }
