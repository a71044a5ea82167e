"""From settings and names to what the stage `dataset` works on."""

from __future__ import annotations

from pathlib import Path

from cloud.place import Place
from data_prep.asked import three
from data_prep.card.card import VALIDATION, prepared
from data_prep.row.columns import written
from data_prep.stack import DECIDING, request_of
from jobs.dataset.spec import DatasetSpec, PreparationSpec
from settings.stack import Settings


def dataset(settings: Settings, place: Place, version: str) -> DatasetSpec:
    """``version`` is the fingerprint of the data, or of the request where a cluster prepares them. Raises DataError."""
    data, target = settings.data, place.workspace
    if data.run_on == "local":
        return DatasetSpec(
            target=target,
            name=data.name,
            fingerprint=version,
            directory=data.directory,
            validation=validates(settings),
        )
    options = {name: getattr(data, name) for name in DECIDING} | written(data.columns, data.ignore)
    if not data.validation_ratio:
        del options["validation_ratio"]
    return PreparationSpec(
        target=target,
        name=data.name,
        fingerprint=version,
        directory=data.directory,
        source=data.source,
        options={**options, "repairs": ",".join(data.repairs), "model": settings.model.name},
        cluster=place.names.data_cluster,
        vm_size=data.cluster.vm_size,
        experiment=settings.finetune.experiment,
        max_attempts=settings.finetune.max_attempts,
        stack=place.stack,
        max_hours=data.cluster.max_hours,
        nodes=data.cluster.nodes,
        validation=validates(settings),
        own={side: name for side in ("test", "validation") if (name := getattr(data, side))},
    )


def validates(settings: Settings) -> bool:
    """Whether there is a validation file beside the test file. Raises DataError."""
    if settings.data.run_on == "cluster":
        return three(request_of(settings))
    return VALIDATION in prepared(Path(settings.data.directory))
