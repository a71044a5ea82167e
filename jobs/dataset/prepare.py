"""Stage dataset on a cluster: the package ``data_prep`` as an Azure ML job, its files registered as data assets.

The job runs the same code on the same rows as ``python -m data_prep`` here, so it makes the same bytes: on one node,
where ``data_prep`` gives each of its cores a part of the rows and merges them in order, or on several
(:mod:`jobs.dataset.pipeline`).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shlex
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.arm import Arm
from cloud.errors import AGAIN, StageError, azure_errors
from cloud.report import Report
from cloud.waiting import once_allowed
from data_prep.card.card import VALIDATION
from jobs.dataset.image import PACKAGE, ROOT, code, environment
from jobs.dataset.pipeline import divided
from jobs.dataset.spec import PreparationSpec
from jobs.dataset.upload import exists
from jobs.training import queueing, stack_jobs
from jobs.training.attempts import Attempts
from jobs.training.following import Following
from jobs.training.limits import Limit
from jobs.training.stack_jobs import FINGERPRINT, MACHINE, PREPARATION, STACK
from settings.machines import HOURLY_DOLLARS, PRICES_SEEN

if TYPE_CHECKING:
    from azure.ai.ml import Input, MLClient
    from azure.ai.ml.entities import Data, Job

    from data_prep.card.card import Card
    from data_prep.request import Request

OUTPUT, SOURCE = "data", "source"


def run(spec: PreparationSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the assets registered under ``spec.fingerprint``, pointing to the files of a completed job.

    Raises StageError when the job failed or no attempt is left, NotFinished when ``stop`` was set while it goes on.
    """
    client = azure.ml_client(spec.target)
    assets = spec.files
    with azure_errors("the data could not be looked up", f"data asset {spec.name}:{spec.fingerprint}"):
        missing = [asset for asset in assets if not exists(client, asset, spec.fingerprint)]
    if not missing:
        report(f"data assets {' and '.join(assets)}:{spec.fingerprint} are there already")
        return
    work = Attempts(
        name=spec.job_name,
        limit=spec.max_attempts,
        change="data, or data.cluster's vmSize",
        listed=functools.partial(stack_jobs.of_stack, Arm(), spec.target, spec.stack),
        following=Following(
            client=client,
            work=PREPARATION,
            stack=spec.stack,
            queued=functools.partial(queueing.reason, Arm(), spec.target, spec.cluster),
            cancel=functools.partial(stack_jobs.cancel, Arm(), spec.target, report=report),
            limit=Limit.of_hours(spec.max_hours, "data.cluster.maxHours"),
        ),
    )
    job = work.run(lambda name: _submit(client, spec, name, report, stop), report, stop)
    with azure_errors("the data could not be registered", f"job {job}"):
        card = _card(client, job)
        if card is not None and VALIDATION in card.files and not spec.validation:
            report(
                f"warning: {spec.source} has validation files, by their names, which nothing uses: their names are not "
                "known before the job has run. data.validationRatio (any above 0) makes them the third file"
            )
        for asset in missing:
            _register(client, spec, asset, f"{folder_of(job)}/{assets[asset]}", card, job)
            report(f"data asset {asset}:{spec.fingerprint} registered from job {job}")


def folder_of(job: str) -> str:
    """Where a job leaves its files."""
    return f"azureml://datastores/workspaceblobstore/paths/prepared/{job}"


def _submit(client: MLClient, spec: PreparationSpec, name: str, report: Report, stop: threading.Event) -> Job:
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import AssetTypes, InputOutputModes

    from data_prep.source.locate import locate

    _check_unchanged(spec)
    with tempfile.TemporaryDirectory() as scratch:
        source, inputs, before = _source(client, spec, Path(scratch), report, stop)
        for side, own in spec.own.items():
            bound = f"${{{{inputs.{side}}}}}"
            files = locate(own, ROOT).files
            path = _uploaded(client, spec, spec.own_asset(side), files, Path(scratch) / side, report, stop)
            inputs[side] = Input(type=AssetTypes.URI_FOLDER, path=path)
            source += f" --{side} {bound}"
        flags = [text for key, value in spec.options.items() for text in _flag(key, value)]
        line = f"{before}python -m {PACKAGE} --source {source} {shlex.join(flags)}"
        what: dict[str, Any] = {"inputs": inputs, "code": str(code(Path(scratch))), "environment": environment()}
        job: Any
        if spec.nodes > 1:
            job = divided(spec, command=line, output=OUTPUT, folder=folder_of(name), **what)
            report(_announced(spec))
        else:
            job = command(
                display_name=f"{spec.name}: {spec.source}",
                experiment_name=spec.experiment,
                command=f"{line} --out ${{{{outputs.{OUTPUT}}}}}",
                compute=spec.cluster,
                timeout=round(spec.max_hours * 3600),
                # Not mounted: the files are renamed into place, which blob storage cannot do.
                outputs={
                    OUTPUT: Output(type=AssetTypes.URI_FOLDER, path=folder_of(name), mode=InputOutputModes.UPLOAD)
                },
                **what,
            )
        job.name = name
        job.tags = {STACK: spec.stack, FINGERPRINT: spec.fingerprint, MACHINE: spec.vm_size}
        submitted: Job = client.jobs.create_or_update(job)
    return submitted


def _announced(spec: PreparationSpec) -> str:
    """What several nodes cost, before any is started."""
    dollars = HOURLY_DOLLARS.get(spec.vm_size)
    each = f", about {dollars:g} USD an hour each ({PRICES_SEEN})" if dollars else ""
    return (
        f"the rows are divided among {spec.nodes} nodes of {spec.vm_size}{each}; one of them joins the parts, and "
        "needs room on its disk for the whole result"
    )


def _flag(key: str, value: Any) -> list[str]:
    """An option as data_prep's command line has it."""
    name = key.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(value)]


def _request(spec: PreparationSpec) -> Request:
    from data_prep.request import Request
    from data_prep.row.columns import columns_of, names_of

    readers = {"repairs": names_of, "ignore": names_of, "columns": columns_of}
    values: dict[str, Any] = dict(spec.options)
    values |= {key: read(str(values[key])) for key, read in readers.items() if key in values}
    return Request(source=spec.source, base=ROOT, directory=ROOT / spec.directory, **{**values, **spec.own})


def _check_unchanged(spec: PreparationSpec) -> None:
    """The source must still be what the version was computed from: it is a promise about it."""
    from data_prep import DataError
    from data_prep.asked import request_fingerprint

    on = f"source {spec.source}"
    try:
        now = request_fingerprint(_request(spec))
    except DataError as error:
        raise StageError("no data to prepare", on=on, why=str(error), todo="Then run `pulumi up` again.") from error
    if now != spec.fingerprint:
        why = f"it changed since this run began (fingerprint {now}, expected {spec.fingerprint})"
        raise StageError("the data was not prepared", on=on, why=why, todo=AGAIN)


def _source(
    client: MLClient, spec: PreparationSpec, scratch: Path, report: Report, stop: threading.Event
) -> tuple[str, dict[str, Input], str]:
    """What --source says, the job's inputs for it, and the commands that come before."""
    from azure.ai.ml import Input
    from azure.ai.ml.constants import AssetTypes

    from data_prep.run.targets import without_results
    from data_prep.source.locate import locate

    located = without_results(locate(spec.source, ROOT), ROOT / spec.directory)
    bound = f"${{{{inputs.{SOURCE}}}}}"
    if located.kind == "file":
        path = _uploaded(client, spec, spec.source_asset, located.files, scratch / SOURCE, report, stop)
        return bound, {SOURCE: Input(type=AssetTypes.URI_FOLDER, path=path)}, ""
    if located.kind != "azureml":
        return shlex.quote(spec.source), {}, ""
    asset = _asset(spec)
    inputs = {SOURCE: Input(type=str(asset.type), path=str(asset.path))}
    if asset.type == AssetTypes.URI_FOLDER:
        return bound, inputs, ""
    # A file's name says its format, and is not sure to survive a mount.
    link = shlex.quote(f"{SOURCE}/{str(asset.path).rpartition('/')[2]}")
    return link, inputs, f"mkdir {SOURCE} && ln -s {bound} {link} && "


def _asset(spec: PreparationSpec) -> Data:
    from data_prep import DataError
    from data_prep.source.azureml import Workspace, entity

    on = f"source {spec.source}"
    try:
        target = spec.target
        asset, _ = entity(spec.source, Workspace(target.subscription_id, target.resource_group, target.workspace))
    except DataError as error:
        todo = "Name a data asset that there is."
        raise StageError("no data to prepare", on=on, why=str(error), todo=todo) from error
    if asset.type not in ("uri_file", "uri_folder"):
        why = f"it is of type {asset.type}, not a file or a folder"
        raise StageError("no data to prepare", on=on, why=why, todo="Register the files as uri_file or uri_folder.")
    return asset


def _uploaded(
    client: MLClient,
    spec: PreparationSpec,
    name: str,
    files: tuple[Path, ...],
    folder: Path,
    report: Report,
    stop: threading.Event,
) -> str:
    """The files as a data asset; their names there keep the order in which they are read."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    asset = f"{name}:{spec.fingerprint}"
    if not exists(client, name, spec.fingerprint):
        folder.mkdir()
        root = Path(os.path.commonpath([file.parent for file in files]))
        for number, file in enumerate(files):
            # The folders of a name say which rows are test rows.
            parts = "-".join(file.relative_to(root).parts)
            (folder / f"{number:05d}-{parts}").symlink_to(file.resolve())
        data = Data(
            name=name,
            version=spec.fingerprint,
            type=AssetTypes.URI_FOLDER,
            path=str(folder),
            description=f"Source of {spec.name}: {spec.source}",
        )
        on = f"data asset {name}"
        once_allowed(functools.partial(client.data.create_or_update, data), on, report, stop)
        report(f"data asset {asset} uploaded from {spec.source}")
    return f"azureml:{asset}"


def _card(client: MLClient, job: str) -> Card | None:
    """The card that the job wrote beside the files; None where this version cannot read it."""
    from azure.ai.ml._artifacts import _artifact_utilities

    from data_prep.card.card import CARD, read

    with tempfile.TemporaryDirectory() as scratch:
        _artifact_utilities.download_artifact_from_aml_uri(
            uri=f"{folder_of(job)}/{CARD}", destination=scratch, datastore_operation=client.datastores
        )
        return read(Path(scratch))


def _register(client: MLClient, spec: PreparationSpec, asset: str, path: str, card: Card | None, job: str) -> None:
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    from data_prep.card import text

    if card is not None:
        # The job knows the source by the place it was given.
        card = dataclasses.replace(card, settings={**card.settings, "source": spec.source})
    client.data.create_or_update(
        Data(
            name=asset,
            version=spec.fingerprint,
            type=AssetTypes.URI_FILE,
            path=path,
            description=text.description(card) if card else text.SUMMARY,
            tags={**(text.tags(card) if card else {}), "request": spec.fingerprint, "job": job},
        )
    )
