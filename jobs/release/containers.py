"""The two containers of a deployment, and what they have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

CONTAINERS = SERVER, LOADER = "inference-server", "storage-initializer"
"""The one that answers, and the one that fetches the model before. The names are Azure's."""
_SHOWN = 15


def log(client: MLClient, endpoint: str, deployment: str, container: str, lines: int) -> str:
    """The last lines that a container has written; "" where they cannot be read."""
    from azure.core.exceptions import AzureError

    # The server is whose log Azure gives where none is named.
    named = None if container == SERVER else container
    try:
        return str(client.online_deployments.get_logs(deployment, endpoint, lines=lines, container_type=named))
    except AzureError:
        return ""


def last_lines(client: MLClient, endpoint: str, deployment: str) -> str:
    """The end of the log of the container that came furthest, to go behind a sentence; "" where there is none."""
    for container in CONTAINERS:
        text = log(client, endpoint, deployment, container, _SHOWN)
        if lines := [line for line in text.splitlines() if line.strip()][-_SHOWN:]:
            return f". Last lines of its {container}'s log:\n  " + "\n  ".join(lines) + "\n"
    return ""
