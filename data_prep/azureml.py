"""A data asset of an Azure ML workspace as the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import DataError

_SHORT = re.compile(r"azureml:(?P<name>[\w.-]+)(?::(?P<version>[\w.-]+)|@latest)")
_LONG = re.compile(
    r"azureml://subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft.MachineLearningServices)?/workspaces/(?P<workspace>[^/]+)"
    r"/data/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
)


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
        raise DataError(f"{uri} needs a workspace: add --stack and set AZURE_SUBSCRIPTION_ID, or write the long form")
    return _fetched(parts["name"], parts["version"], workspace, directory)


def _fetched(name: str, version: str | None, workspace: Workspace, directory: Path) -> Asset:
    from azure.ai.ml._artifacts import _artifact_utilities
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    from jobs.client import ml_client
    from jobs.specs import Target

    client = ml_client(Target(workspace.subscription_id, workspace.resource_group, workspace.name))
    what = f"data asset {name}:{version or 'latest'} of workspace {workspace.name}"
    try:
        asset = client.data.get(name, version=version, label=None if version else "latest")
        # The way that Azure's own documentation gives for downloading an asset; there is no public one.
        _artifact_utilities.download_artifact_from_aml_uri(
            uri=asset.path, destination=str(directory), datastore_operation=client.datastores
        )
    except ResourceNotFoundError as error:
        raise DataError(f"there is no {what}: `az ml data list` shows what there is") from error
    except AzureError as error:
        raise DataError(f"cannot read {what}: {str(error).splitlines()[0]}") from error
    licence = str((asset.tags or {}).get("licence", "unknown"))
    return Asset(directory, f"{name}:{asset.version}", licence)
