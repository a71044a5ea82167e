"""The blob in the place of Azure's."""

from __future__ import annotations

from typing import Any

import pytest
from lease_fake import HELD, NOW, Blob, Leased, datastore

from cloud.services import lease


@pytest.fixture
def blob(monkeypatch: pytest.MonkeyPatch) -> Blob:
    made = Blob()
    places: list[tuple[Any, ...]] = []

    def client(url: str, container: str, name: str, *, credential: str, retry_total: int) -> Blob:
        places.append((url, container, name, credential, retry_total))
        assert places[-1][:2] == ("https://st.blob.core.windows.net", "azureml")
        assert (credential, retry_total) == ("a key", 2)
        return made

    monkeypatch.setattr("azure.storage.blob.BlobClient", client)
    monkeypatch.setattr("azure.storage.blob.BlobLeaseClient", Leased)
    monkeypatch.setattr(lease, "Arm", lambda retries: retries)
    monkeypatch.setattr(lease, "of_datastore", datastore)
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(lease, "_now", NOW.isoformat)
    monkeypatch.setattr(lease, "held", HELD)
    made.places = places  # type: ignore[attr-defined]
    return made
