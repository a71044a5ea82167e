"""What is kept of a release that is taken back: the deployment goes, and with it all that could tell why.

On this machine, in `.runs/releases/`; a workflow keeps it with its run.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from cloud.errors import ModelFault
from cloud.report import WARNING
from jobs.release.containers import CONTAINERS, log
from jobs.release.deployments import Endpoint
from settings.redaction import redact

FOLDER = Path(".runs") / "releases"
_LOG_LINES = 5_000
"""Of each container; Azure gives fewer where it has fewer."""


def keep(endpoint: Endpoint, cause: ModelFault) -> Path | None:
    """Writes why, what was asked and answered or measured, and the logs of both containers; where they are.

    For the eyes of the one who runs it alone, as answers may hold anything. None, said in a warning, where they could
    not be written.
    """
    name, now = endpoint.spec.deployment_name, datetime.now(UTC)
    folder = FOLDER / f"{name}-{now:%Y%m%d-%H%M%S}"
    about = {
        "deployment": name,
        "model": f"{endpoint.spec.model_name}:{endpoint.spec.model_version}",
        "endpoint": endpoint.spec.endpoint,
        "at": now.isoformat(timespec="seconds"),
        "why": str(cause),
        **cause.evidence,
    }
    texts = {"release.json": json.dumps(about, indent=2, ensure_ascii=False) + "\n"}
    for container in CONTAINERS:
        if written := log(endpoint.client, endpoint.spec.endpoint, name, container, _LOG_LINES):
            texts[f"{container}.log"] = written
    try:
        folder.mkdir(parents=True, mode=0o700)
        for file, text in texts.items():
            with os.fdopen(os.open(folder / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                opened.write("\n".join(map(redact, text.split("\n"))))
    except OSError as error:
        endpoint.report(f"{WARNING}what the release has left could not be kept in {folder}: {error}")
        return None
    endpoint.report(f"logs and answers of {name} are kept in {folder}: {', '.join(texts)}")
    return folder
