"""Reads a stack's state from Azure by plain REST, so that a look takes a second."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud import client as azure
from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.services.mlflow import RunHistory, moment
from cloud.services.prices import PriceBook
from cloud.states import COMPLETED, GIVEN_UP
from jobs import paused
from jobs.paused import Served
from jobs.status import stages, usage
from jobs.status.answers import DEPLOYMENTS, ENDPOINT, JOBS, PARTS, UNKNOWN, WANTED, Answers, known
from jobs.status.progress import Progress, by_earlier, by_metrics
from jobs.status.spending import Spending, Use, hour_prices, spending
from jobs.status.stack import Stack
from jobs.status.status import NOT_THERE, Deployment, Job, Status
from jobs.status.usage import Requests
from jobs.training import registering, stack_jobs
from jobs.training.spec import model_version
from jobs.training.stack_jobs import FINETUNING, StackJob

_NOTHING: tuple[bool, dict[str, str]] = (False, {})


class Reader:
    """Reads one stack's state from Azure, again and again if need be. Every method raises StageError."""

    def __init__(self, stack: Stack, book: PriceBook, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stack, self._book, self._now = stack, book, now
        self._arm = Arm(retries=azure.PROMPT_RETRIES)
        self._runs = RunHistory(stack.target, self._arm)
        self._ended: dict[str, Job] = {}

    def read(self) -> Status:
        """One look at everything."""
        stack, path = self._stack, self._stack.target.path
        with azure_errors("the state could not be read", f"workspace {stack.target.workspace}"):
            answers = Answers()
            unknown: dict[str, Any] | None = {}
            if answers.of("the workspace", lambda: self._arm.find(path, ML_VERSION), unknown) is None:
                raise StageError(
                    f"stack {stack.name} is not up",
                    on=f"workspace {stack.target.workspace}",
                    why="there is no such workspace",
                    todo=f"Run `make up STACK={stack.name}` first.",
                )
            with ThreadPoolExecutor(6, thread_name_prefix="status") as pool:
                jobs = pool.submit(answers.of, JOBS, self._jobs, list[Job]())
                endpoint = pool.submit(answers.of, ENDPOINT, self._endpoint, None)
                deployments = pool.submit(answers.of, DEPLOYMENTS, self._deployments, list[Deployment]())
                wanted = pool.submit(answers.of, WANTED, self._wanted, _NOTHING)
                found = jobs.result(), endpoint.result(), deployments.result(), *wanted.result()
            if answers.missing.keys() >= set(PARTS):
                raise answers.silence(f"stack {stack.name}")
            return self._status(answers, *found)

    def _endpoint(self) -> dict[str, Any] | None:
        found = self._arm.find(self._stack.endpoint_path, ML_VERSION)
        return found and {**found, "properties": dict(found["properties"] or {}), "tags": dict(found.get("tags") or {})}

    def _status(
        self,
        answers: Answers,
        every: list[Job],
        endpoint: dict[str, Any] | None,
        found: list[Deployment],
        dataset_there: bool,
        registered: dict[str, str],
    ) -> Status:
        stack, now = self._stack, self._now()
        jobs = [job for job in every if job.version]
        best = self._best(answers, jobs)
        taken = stack.stages.promotion if stack.stages else None
        wanted = stack.stages.of(best).fingerprint if stack.stages and not taken else ""
        made_by = wanted if wanted in registered or any(job.fingerprint == wanted for job in jobs) else ""
        made_by = made_by or (jobs[0].fingerprint if jobs else wanted)
        attempts = [job for job in jobs if job.fingerprint == made_by]
        traffic = ((endpoint or {}).get("properties") or {}).get("traffic") or {}
        deployments = tuple(
            sorted(
                (dataclasses.replace(one, traffic=int(traffic.get(one.name, 0))) for one in found),
                key=lambda one: (-one.traffic, one.name),
            )
        )
        job = attempts[0] if attempts else None
        tags = (endpoint or {}).get("tags")
        pause = paused.read(tags)
        there = registered.get(wanted, "")
        if made_by != wanted:
            there = answers.of("the model", lambda: self._registered(made_by), "")
        stages_ = stages.NOT_PREPARED
        if stack.stages:
            stages_ = stages.of_stack(stack.stages, best, dataset_there, registered, jobs, deployments, pause)
        if taken:
            there = taken.model_version
        version = there or (model_version(made_by) if made_by else "")
        return Status(
            stack=stack.name,
            at=now,
            stages=known(stages_, answers),
            job=job,
            attempts=tuple(attempts),
            others=tuple(job for job in every if job not in attempts and job.status not in GIVEN_UP),
            progress=answers.of("how far the job is", lambda: self._progress(job, jobs, now), None),
            model=f"{stack.model_name}:{version}" if version else stack.model_name,
            model_state=f"in registry {taken.registry}" if taken else "registered" if there else NOT_THERE,
            endpoint=stack.endpoint,
            endpoint_state=UNKNOWN
            if "the endpoint" in answers.missing
            else _state(endpoint)
            if endpoint
            else NOT_THERE,
            deployments=deployments,
            spending=self._spending(every, deployments, paused.served(tags), now),
            usage=answers.of("who asks", lambda: self._usage(deployments, now), usage.NOTHING),
            jobs=tuple(jobs),
            recipe=best,
            not_read=tuple(answers.told()),
            pause=pause,
            hours=stack.hours,
        )

    def _jobs(self) -> list[Job]:
        """All that the stack has submitted, the newest first, each with its times."""
        found = [_job(each) for each in stack_jobs.of_stack(self._arm, self._stack.target, self._stack.name)]
        with ThreadPoolExecutor(6, thread_name_prefix="times") as pool:
            return list(pool.map(self._timed, found))

    def _timed(self, job: Job) -> Job:
        """With when it began and ended; what has ended is asked once."""
        from azure.core.exceptions import AzureError

        if job.name not in self._ended:
            try:
                started, ended = self._runs.times(job.name)
            except (AzureError, StageError, ValueError, KeyError, TypeError, AttributeError):
                return job  # without its times; the next look asks again
            job = dataclasses.replace(job, started=started, ended=ended)
            if job.status not in GIVEN_UP or ended is None:
                return job
            self._ended[job.name] = job
        return self._ended[job.name]

    def _progress(self, job: Job | None, jobs: list[Job], now: datetime) -> Progress | None:
        if job is None or job.status in GIVEN_UP:
            return None
        measured = by_metrics(self._runs.history(job.name, "epoch"), job.inputs, now)
        if measured:
            return measured
        for earlier in jobs:
            if earlier.status == COMPLETED and earlier.started and earlier.ended:
                return by_earlier(job.started, (earlier.name, timedelta(hours=earlier.hours(now))), now)
        return by_earlier(job.started, None, now)

    def _deployments(self) -> list[Deployment]:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            found = self._arm.items(f"{self._stack.endpoint_path}/deployments", ML_VERSION)
        except ResourceNotFoundError:
            return []
        return [_deployment(each) for each in found]

    def _wanted(self) -> tuple[bool, dict[str, str]]:
        """Whether the data that the settings ask for are there, and the versions of their models by fingerprint."""
        if self._stack.stages is None or self._stack.stages.dataset is None:
            return False, {}
        data = self._stack.stages.dataset
        dataset = f"{self._stack.target.path}/data/{data.train_asset}/versions/{data.fingerprint}"
        every = [each.fingerprint for each in self._stack.stages.finetunes]
        versions = {each: version for each in every if (version := self._registered(each))}
        return self._arm.find(dataset, ML_VERSION) is not None, versions

    def _best(self, answers: Answers, jobs: list[Job]) -> str | None:
        """The recipe that is released, None while nobody knows."""
        specs = self._stack.stages
        if specs is None:
            return None
        return answers.of("which recipe is the best", lambda: stages.best(specs, jobs, self._runs.metrics), None)

    def _registered(self, fingerprint: str) -> str:
        """The version of the model that the fine-tuning of that fingerprint made, "" for none."""
        found = registering.by_rest(self._arm, self._stack.target, self._stack.model_name, fingerprint)
        return str(found["name"]) if found else ""

    def _usage(self, deployments: tuple[Deployment, ...], now: datetime) -> Requests:
        standing = min((one.since for one in deployments if one.since), default=None)
        return usage.read(self._arm, self._stack.endpoint_path, standing, now) if standing else usage.NOTHING

    def _spending(
        self, jobs: list[Job], deployments: tuple[Deployment, ...], served: Served, now: datetime
    ) -> Spending:
        stack = self._stack
        uses = [
            Use(
                what=f"job {job.name}",
                vm_size=self._machine(job),
                count=job.nodes,
                hours=job.hours(now),
                now=job.status not in GIVEN_UP,
            )
            for job in jobs
            if job.started
        ]
        uses += [
            Use(
                what=f"deployment {one.name}",
                vm_size=one.vm_size,
                count=one.count,
                hours=max(0.0, (now - served.after(one.since)).total_seconds() / 3600) if one.since else 0.0,
                now=True,
            )
            for one in deployments
        ]
        uses += [
            Use(what="deployments until the last pause", vm_size=size, count=1, hours=hours, now=False)
            for size, hours in served.hours.items()
        ]
        own = {stack.cluster_size: stack.hourly_price} if stack.hourly_price else {}
        return spending(uses, hour_prices((use.vm_size for use in uses), stack.location, self._book, own))

    def _machine(self, job: Job) -> str:
        """The size it ran on; a job that does not say ran before jobs did, on what the settings still ask for."""
        return job.machine or (self._stack.cluster_size if job.version else self._stack.data_cluster_size)


def _job(found: StackJob) -> Job:
    return Job(
        name=found.name,
        version=model_version(found.fingerprint) if found.work == FINETUNING else "",
        fingerprint=found.fingerprint if found.work == FINETUNING else "",
        status=found.status or "Unknown",
        url=found.url,
        created=moment(found.created),
        inputs=found.inputs,
        machine=found.machine,
        recipe=found.recipe,
    )


def _deployment(found: dict[str, Any]) -> Deployment:
    properties, tags = found["properties"], found.get("tags") or {}
    model = properties.get("model")
    return Deployment(
        name=str(found["name"]),
        state=_state(found),
        traffic=0,
        model=str(tags.get("model") or (model.get("assetId") if isinstance(model, dict) else model)),
        vm_size=str(properties.get("instanceType")),
        count=int((found.get("sku") or {}).get("capacity") or 1),
        since=moment((found.get("systemData") or {}).get("createdAt")),
        tags=tags,
    )


def _state(found: dict[str, Any]) -> str:
    return str((found.get("properties") or {}).get("provisioningState") or "Unknown")
