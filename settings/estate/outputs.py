"""The outputs of a stack that others build on: the one list of them, and the version of what they promise.

Not in it: how they are read (`settings.outputs`). `infra.outputs` exports just these.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1
"""Of the contract: higher when an output goes, or means something else. One more changes nothing for anybody."""


@dataclass(frozen=True)
class Output:
    """What an output says, and where a stack has it if not every stack does."""

    says: str
    where: str = ""


OUTPUTS = {
    "contractVersion": Output("version of this list, a whole number"),
    "subscriptionId": Output("subscription of the stack"),
    "resourceGroup": Output("name of its resource group, whoever made it"),
    "groupId": Output("id of the resource group"),
    "workspace": Output("name of the Azure ML workspace"),
    "workspaceId": Output("id of the workspace"),
    "hub": Output("name of the Foundry hub"),
    "hubId": Output("id of the hub"),
    "project": Output("name of the Foundry project"),
    "projectId": Output("id of the project"),
    "endpoint": Output("name of the online endpoint"),
    "endpointId": Output("id of the endpoint"),
    "scoringUri": Output("address that answers; its key is no output"),
    "connection": Output("name of the project's connection to the endpoint"),
    "identityId": Output("id of the identity that trains and serves"),
    "identityPrincipalId": Output("its object id in Entra ID, to grant it roles elsewhere"),
    "storageId": Output("id of the storage account with data, job outputs and models"),
    "vaultId": Output("id of the key vault"),
    "registryId": Output("id of the container registry"),
    "logsId": Output("id of the Log Analytics workspace that logs and metrics go to"),
    "modelName": Output("name of the model in the workspace"),
    "modelVersion": Output("its version, once the fine-tune is done"),
    "deployment": Output("name of the deployment in service, once the release is done"),
    "baseDeployment": Output("name of the untuned model's deployment, empty without `serving.compareWithBase`"),
    "frontEnd": Output("the front end that `flow.frontEnd` chooses"),
    "studioUrl": Output("page of the workspace in Azure ML studio"),
    "trainingData": Output("fingerprint, rows and tokens of what the model learned from", "a data card"),
    "recipe": Output("the recipe whose model is in service", "`recipes`"),
    "githubClientId": Output("client id of the identity that GitHub's workflows deploy as", "`github.repository`"),
}
"""By name, in the order of the page."""


def page() -> str:
    """docs/outputs.md."""
    rows = "".join(
        f"| `{name}` | {each.says} | {f'with {each.where}' if each.where else ''} |\n" for name, each in OUTPUTS.items()
    )
    return f"""# Outputs

Made from `settings/estate/outputs.py` by `make diagram`. What a stack tells other programs: names, ids and addresses,
no secret. Version {VERSION} of the list (`contractVersion`): it gets higher when an output goes or means something
else, and stays when one is added.

| output | what it is | only |
|---|---|---|
{rows}
```console
$ pulumi stack output --stack dev
```

Another Pulumi program reads them by a `StackReference`. The one in
`docs/examples/consumer` lets a team read the workspace and its logs, whatever this program calls them:

```python
phi = pulumi.StackReference("organization/finetune-phi/dev")
scope = phi.require_output("workspaceId")
```

A test runs it on what this program exports.
"""
