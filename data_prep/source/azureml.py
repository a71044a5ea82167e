"""A data asset of an Azure ML workspace as the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep.errors import DataError
from data_prep.source import hub

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Data

_SHORT = re.compile(r"azureml:(?P<name>[\w.-]+)(?::(?P<version>[\w.-]+)|@latest)")
_LONG = re.compile(
    r"azureml://subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft.MachineLearningServices)?/workspaces/(?P<workspace>[^/]+)"
    r"/data/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
)


def needs_workspace(source: str) -> bool:
    """Whether a source is a data asset that does not say by itself where it is."""
    return _SHORT.fullmatch(source) is not None


@dataclass(frozen=True)
class Workspace:
    """Where ``azureml:name:version`` is looked up."""

    subscription_id: str
    resource_group: str
    name: str


@dataclass(frozen=True)
class Asset:
    """A data asset, on disk."""

    path: Path
    revision: str
    licence: str


def downloaded(uri: str, workspace: Workspace | None, directory: Path) -> Asset:
    """Fetch a data asset into ``directory``: ``azureml:name:version``, ``azureml:name@latest`` or the long form.

    Raises :class:`DataError` for another form, for a short one without a workspace, and where Azure does not give it.
    """
    from azure.ai.ml._artifacts import _artifact_utilities
    from azure.core.exceptions import AzureError

    found, client = entity(uri, workspace)
    try:
        # The way that Azure's own documentation gives for downloading an asset; there is no public one.
        _artifact_utilities.download_artifact_from_aml_uri(
            uri=str(found.path), destination=str(directory), datastore_operation=client.datastores
        )
    except AzureError as error:
        raise DataError(f"cannot read data asset {found.name}:{found.version}: {hub.first_line(error)}") from error
    licence = str((found.tags or {}).get("licence", "unknown"))
    return Asset(directory, f"{found.name}:{found.version}", licence)


def entity(uri: str, workspace: Workspace | None) -> tuple[Data, MLClient]:
    """What Azure knows of a data asset, and the client of its workspace. Raises as :func:`downloaded`."""
    match = _LONG.fullmatch(uri) or _SHORT.fullmatch(uri)
    if match is None:
        raise DataError(
            f"{uri} names no data asset: write azureml:name:version, azureml:name@latest or "
            "azureml://subscriptions/…/resourcegroups/…/workspaces/…/data/name/versions/version"
        )
    parts = match.groupdict()
    if "subscription" in parts:
        workspace = Workspace(parts["subscription"], parts["group"], parts["workspace"])
    if workspace is None:
        raise DataError(f"{uri} needs a workspace: add --stack, or write the long form")
    return _looked_up(parts["name"], parts["version"], workspace)


def _looked_up(name: str, version: str | None, workspace: Workspace) -> tuple[Data, MLClient]:
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    from cloud.client import ml_client
    from cloud.target import Target

    client = ml_client(Target(workspace.subscription_id, workspace.resource_group, workspace.name))
    what = f"data asset {name}:{version or 'latest'} of workspace {workspace.name}"
    try:
        return client.data.get(name, version=version, label=None if version else "latest"), client
    except ResourceNotFoundError as error:
        raise DataError(f"there is no {what}: `az ml data list` shows what there is") from error
    except AzureError as error:
        raise DataError(f"cannot read {what}: {hub.first_line(error)}") from error
