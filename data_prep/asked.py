"""What a job on a cluster will make, by what it is asked for: known before it has run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from data_prep.card import card as cards
from data_prep.card import digests
from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.run.targets import without_results
from data_prep.source import locate as sources
from settings.sections.sources import format_of


def request_fingerprint(request: Request) -> str:
    """12 hex characters over what was asked for: settings, content of local files, format of the result.

    What a job on a cluster will make is known by this before it ran. Of a hub data set and a data asset the settings
    alone count: pin a revision. Raises :class:`DataError` for a source that cannot be used.
    """
    located = sources.locate(request.source, request.base)
    own_files = {"test": request.test, "validation": request.validation}
    source = sources.with_own(without_results(located, request.directory, request.three), request.base, own_files)
    try:
        content = digests.digest_of(source.files) if source.files else None
        own = {file: digests.digest(file) for file in source.own}
    except OSError as error:
        raise DataError(f"cannot read {error.filename or source.label}: {error.strerror or error}") from error
    asked: dict[str, Any] = {
        "settings": request.deciding(bool(source.files)),
        "kind": source.kind,
        "sha256": content,
        "formats": [format_of(file) for file in source.files],
        "format": cards.REQUESTED,
    }
    if source.sides:
        asked["sides"] = [source.sides[file] for file in source.files]
    if own:
        asked["own"] = [[source.own[file], format_of(file), found] for file, found in own.items()]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


def three(request: Request) -> bool:
    """Whether there will be a validation file beside the test file; of a data asset, only where that is asked for."""
    if request.three:
        return True
    try:
        located = sources.locate(request.source, request.base)
    except DataError:  # not there, which is told where its content is asked for
        return False
    return without_results(located, request.directory).holds_back("validation")
