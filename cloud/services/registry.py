"""What a shared registry says of its models and components: whether they are there, their tags, the newest version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloud.arm import ML_SCOPE, Arm
from cloud.services import models
from cloud.target import RegistryAsset

_DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries"
"""Where azure-ai-ml asks for any registry."""
_VERSION = "2021-10-01-dataplanepreview"
_PAGES = 20
"""So many pages of versions are read at most; the newest come first."""
MODELS, COMPONENTS = "models", "components"


class Shelf:
    """All versions of one model or component. Its methods raise what azure-core raises."""

    def __init__(self, asset: RegistryAsset, url: str, arm: Arm) -> None:
        self._asset, self._url, self._arm = asset, url, arm

    def container(self) -> dict[str, Any] | None:
        """What holds for all versions; None where the registry has no asset of that name."""
        return self._arm.find(self._url, _VERSION)

    def version(self) -> dict[str, Any] | None:
        """The asset's version; None where there is none."""
        return self._arm.find(f"{self._url}/versions/{self._asset.version}", _VERSION)

    def every(self) -> list[dict[str, Any]]:
        """Its versions, the newest first; none where there is no such asset."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self._arm.items(f"{self._url}/versions", _VERSION, _PAGES, **{"$orderBy": "createdtime desc"})
        except ResourceNotFoundError:
            return []

    def tag(self, found: Mapping[str, Any], more: Mapping[str, str]) -> None:
        """Adds tags to the version, whose properties are ``found``."""
        models.tag(self._arm, f"{self._url}/versions/{self._asset.version}", found, more, _VERSION)

    def reference(self, uri: str) -> dict[str, Any]:
        """Where the files of the version are that the registry calls ``uri``, with what reads them for a while."""
        path = f"{self._url.rpartition(f'/{MODELS}/')[0]}/datarefs/{self._asset.name}/versions/{self._asset.version}"
        body = {"assetId": self._asset.model_uri, "blobUri": uri}
        answer = self._arm.run("POST", path, {"api-version": _VERSION}, body) or {}
        return dict(answer.get("blobReferenceForConsumption") or {})

    def newest(self) -> str:
        """The version that came last; "" where there is none."""
        query = {"$orderBy": "createdtime desc", "$top": "1"}
        rows = (self._arm.find(f"{self._url}/versions", _VERSION, **query) or {}).get("value") or ()
        return str(rows[0].get("name") or "") if rows else ""


def shelf(asset: RegistryAsset, kind: str, arm: Arm) -> Shelf | None:
    """Where `asset` stands, by the registry's own directory; None for a registry that does not exist.

    `kind` is MODELS or COMPONENTS.
    """
    where: dict[str, Any] | None = Arm(ML_SCOPE, retries=2).find(f"{_DISCOVERY}/{asset.registry}/discovery", "v1.0")
    if where is None:
        return None
    url = (
        f"{str(where['primaryRegionResourceProviderUri']).rstrip('/')}/mferp/managementfrontend"
        f"/subscriptions/{where['subscriptionId']}/resourceGroups/{where['resourceGroup']}"
        f"/providers/Microsoft.MachineLearningServices/registries/{asset.registry}/{kind}/{asset.name}"
    )
    return Shelf(asset, url, arm)


def tags_of(asset: Mapping[str, Any]) -> dict[str, Any]:
    """The tags of a container or version as the registry answers it."""
    return dict((asset.get("properties") or {}).get("tags") or {})


def tags(model: RegistryAsset, arm: Arm) -> dict[str, Any]:
    """What the registry has written on a model; nothing where it has no such model."""
    found = shelf(model, MODELS, arm)
    return tags_of((found.version() if found else None) or {})


def note(model: RegistryAsset, arm: Arm) -> str:
    """What the registry remarks about a model in its tag `note`: nothing, unless it is not what its name says."""
    return str(tags(model, arm).get("note") or "")
