"""Where a workspace, its datastore and a registry's model are on Azure."""

from __future__ import annotations

from cloud.target import RegistryAsset

ARM = "https://management.azure.com"
WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
ASSET = RegistryAsset("azureml", "Phi", "3")
DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery"
FRONT = "https://eastus2.api.azureml.ms/mferp/managementfrontend/subscriptions/r/resourceGroups/g/providers"
SHELF = f"{FRONT}/Microsoft.MachineLearningServices/registries/azureml/models/Phi"
WHERE = {
    "primaryRegionResourceProviderUri": "https://eastus2.api.azureml.ms/",
    "subscriptionId": "r",
    "resourceGroup": "g",
}
