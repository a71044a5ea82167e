"""What `status` and `evaluate` do on the command line; each raises StageError, CredentialError or SettingsError."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.errors import StageError
from cloud.place import described
from jobs.commands.shared import show

if TYPE_CHECKING:
    from cloud.services.prices import PriceBook
    from jobs.status.stack import Stack


def status(stack: str, *, as_json: bool) -> None:
    from jobs.status.reader import Reader
    from jobs.status.view import view

    subject = stack_of(stack)
    book = prices(stack)
    found = Reader(subject, book).read()
    book.close()
    show(found.to_json() if as_json else view(found))


def watch(stack: str, *, as_json: bool) -> None:
    """Until Ctrl-C, or without a terminal until all is done."""
    from jobs.status.reader import Reader
    from jobs.status.watch import stream, watch

    reader = Reader(stack_of(stack), book := prices(stack))
    with contextlib.suppress(KeyboardInterrupt):
        (stream if as_json else watch)(reader.read, threading.Event())
    book.close()


def evaluate(stack: str, *, as_json: bool, minimum: float | None) -> None:
    """Exits with 1 when the fine-tuned model is not good enough."""
    from jobs.evaluation import files, gather

    subject, book = stack_of(stack), prices(stack)
    stop = threading.Event()
    found = gather.evaluate(subject, book, lambda line: print(line, file=sys.stderr), stop, minimum)
    book.close()
    folder = Path(".evaluation") / subject.name
    written = files.write(found, folder)
    if as_json:
        show(found.to_json())
    else:
        print(files.markdown(found, []))
        print("Written: " + ", ".join(str(path) for path in written))
    if found.job and found.candidates:
        try:
            gather.log(subject, found)
        except StageError as error:
            print(f"warning: {error}", file=sys.stderr)
        else:
            print(f"logged on run {found.job}: {', '.join(found.metrics())}", file=sys.stderr)
    if found.problems:
        sys.exit(f"not good enough: {'; '.join(found.problems)}")


def stack_of(name: str) -> Stack:
    """The stack as its settings describe it; without Pulumi, so also while an `up` is running."""
    from data_prep import DataError
    from jobs import specs
    from jobs.status.stack import Stack

    settings, place = described(name)
    try:
        stages = specs.specs(settings, place, specs.dataset_version(settings))
    except DataError:
        stages = None
    return Stack(
        name=place.stack,
        target=place.workspace,
        location=settings.location,
        endpoint=place.names.endpoint,
        model_name=settings.finetune.model_name,
        cluster_size=settings.compute.vm_size,
        data_cluster_size=settings.data.cluster.vm_size,
        hourly_price=settings.compute.hourly_price,
        request_timeout_seconds=settings.serving.request_timeout_seconds,
        evaluation=settings.evaluation,
        stages=stages,
    )


def prices(stack: str) -> PriceBook:
    """Shares its file with the reviews of the stack."""
    from cloud.services.prices import PriceBook

    return PriceBook(Path(".review") / stack / "prices.json")
