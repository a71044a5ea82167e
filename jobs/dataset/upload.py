"""Stage dataset: the prepared files as versioned data assets of the workspace."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.waiting import once_allowed
from jobs.dataset.spec import DatasetSpec

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from data_prep.card.card import Card


def run(spec: DatasetSpec, report: Report, stop: threading.Event) -> None:
    """Registers the files under the version ``spec.fingerprint``; an asset that exists is left alone.

    The SDK names an upload by its content and marks it when it is complete, so an interrupted one is
    repeated and a finished one reused. Raises StageError.
    """
    client = azure.ml_client(spec.target)
    for asset, file in spec.files.items():
        on = f"data asset {asset}:{spec.fingerprint}"
        if stop.is_set():
            todo = "Run `pulumi up` again to go on."
            raise NotFinished("stopped before the data was uploaded", on=on, why="you asked to stop", todo=todo)
        with azure_errors("the data could not be registered", on):
            if exists(client, asset, spec.fingerprint):
                report(f"{on} is there already")
                continue
            path = Path(spec.directory, file)
            once_allowed(functools.partial(_register, client, spec, asset, path), on, report, stop)
            report(f"{on} registered from {spec.directory}/{file}")


def exists(client: MLClient, asset: str, version: str) -> bool:
    """Whether a data asset has that version. Raises what the SDK raises, except for "not found"."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        client.data.get(asset, version=version)
    except ResourceNotFoundError:
        return False
    return True


def _register(client: MLClient, spec: DatasetSpec, asset: str, path: Path) -> None:
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    from data_prep.card import text

    card = _checked(spec)
    client.data.create_or_update(
        Data(
            name=asset,
            version=spec.fingerprint,
            type=AssetTypes.URI_FILE,
            path=str(path),
            description=text.description(card) if card else text.SUMMARY,
            tags=text.tags(card) if card else {"fingerprint": spec.fingerprint},
        )
    )


def _checked(spec: DatasetSpec) -> Card | None:
    """The card of the files, which must still be those that the version was computed from: it is a promise about them.

    None for files that no card describes: they were not made here, or changed by hand since.
    """
    import data_prep
    from data_prep.card.card import read

    on = f"files in {spec.directory}"
    try:
        now = data_prep.fingerprint(Path(spec.directory))
    except data_prep.DataError as error:
        raise StageError("no data to upload", on=on, why=str(error), todo="Then run `pulumi up` again.") from error
    if now != spec.fingerprint:
        raise StageError(
            "the data was not uploaded",
            on=on,
            why=f"they changed since this run began (fingerprint {now}, expected {spec.fingerprint})",
            todo=AGAIN,
        )
    card = read(Path(spec.directory))
    return card if card is not None and card.fingerprint == spec.fingerprint else None
