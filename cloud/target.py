"""Where on Azure ML something is done, and what of a shared registry it is done with."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.catalogue import WORKSPACE


@dataclass(frozen=True)
class Target:
    """The Azure ML workspace, or Foundry project, a stage works in."""

    subscription_id: str
    resource_group: str
    workspace: str

    @property
    def group_path(self) -> str:
        """The id of its resource group."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    @property
    def path(self) -> str:
        """Its id on Azure."""
        return f"{self.group_path}/providers/{WORKSPACE.arm_type}/{self.workspace}"


@dataclass(frozen=True)
class RegistryAsset:
    """A model or component of a shared registry; version may be ``latest`` for components."""

    registry: str
    name: str
    version: str

    @property
    def model_uri(self) -> str:
        return f"azureml://registries/{self.registry}/models/{self.name}/versions/{self.version}"
