"""The one place that makes Azure clients: credential, retries, time limits, silence."""

from __future__ import annotations

import functools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from cloud import credentials
from cloud.target import Target
from cloud.waiting import Tell

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.polling import LROPoller

    from cloud.tokens import CachedCredential

T = TypeVar("T")

RETRY_COUNTS = ("retry_total", "retry_connect", "retry_read", "retry_status")
"""azure-core counts retries by cause as well, 3 of each where nothing is said; the first count to run out ends it."""
# azure-core's own retry policy: 429 and 5xx, Retry-After honoured. Its pauses (0, 1, 2, 4, 8, 16 and then 30 s) add up
# to two minutes; what each attempt takes until it fails comes on top.
RETRIES: dict[str, Any] = {
    **dict.fromkeys(RETRY_COUNTS, 9),
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": 30,
    "connection_timeout": 20,  # seconds
    "read_timeout": 120,  # seconds
}
PROMPT_RETRIES = 3
"""Where somebody sits and waits for a command to say what is there: 3 s of pauses."""
# Where Azure gives no Retry-After, ask about a long-running operation this often instead of every 30 s.
POLLING_SECONDS = 5


def credential() -> CachedCredential:
    """Whoever azure-native acts as. Raises CredentialError."""
    _quiet()
    return credentials.credential()


@functools.cache
def ml_client(target: Target) -> MLClient:
    """Client of one workspace."""
    from azure.ai.ml import MLClient

    _silence()
    return MLClient(
        credential(),
        target.subscription_id,
        target.resource_group,
        target.workspace,
        enable_telemetry=False,
        show_progress=False,
        polling_interval=POLLING_SECONDS,
        **RETRIES,
    )


@functools.cache
def registry_client(registry: str) -> MLClient:
    """Client of a shared registry, such as ``azureml``. Asks Azure where the registry lives."""
    from azure.ai.ml import MLClient

    return MLClient(credential(), registry_name=registry, enable_telemetry=False, show_progress=False, **RETRIES)


def wait_for(poller: LROPoller[T], stop: threading.Event, seconds: float, tell: Tell) -> T | None:
    """The operation's result, or None if ``stop`` was set or the time was over first. Raises AzureError if it fails."""
    since = time.monotonic()
    while not poller.done():
        poller.wait(0.5)
        took = time.monotonic() - since
        if (stop.is_set() or took >= seconds) and not poller.done():
            return None
        tell(took)
    return poller.result()


def state(value: object) -> str:
    """A status for people: the SDK mixes plain strings with enums that print as ``JobStatus.RUNNING``."""
    return str(getattr(value, "value", value))


def _silence() -> None:
    """azure-ai-ml prints a dot for each look at a deployment and a colour code after each upload."""
    from azure.ai.ml._artifacts import _blob_storage_helper
    from azure.ai.ml._utils._azureml_polling import AzureMLPolling
    from azure.mgmt.core.polling.arm_polling import ARMPolling

    vars(_blob_storage_helper)["print"] = lambda *_, **__: None

    AzureMLPolling.update_status = ARMPolling.update_status  # type: ignore[method-assign]
    _quiet()  # again: importing azure-ai-ml has set its own level


def _quiet() -> None:
    """The SDKs log every request and repeat every refusal; what matters reaches the user as an error."""
    for name in ("azure", "azure.ai.ml", "azure.identity", "azure.core", "msrest", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
