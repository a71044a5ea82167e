"""Azure's built-in roles that this project grants, asks for, forbids or names to a reader: the one list of them."""

from __future__ import annotations

import re
from enum import Enum


class Role(Enum):
    """A built-in role: its name on Azure, the GUID of its definition, and what it is to this project."""

    title: str
    guid: str
    use: str

    def __init__(self, title: str, guid: str, use: str) -> None:
        self.title, self.guid, self.use = title, guid, use

    CONTRIBUTOR = (
        "Contributor",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "the identity that trains and serves, and GitHub's: make and change resources",
    )
    STORAGE_BLOB_DATA_READER = (
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "the identity that trains and serves: read the data and the model",
    )
    STORAGE_BLOB_DATA_CONTRIBUTOR = (
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "where storage keys do not work: write data and job outputs",
    )
    STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR = (
        "Storage File Data Privileged Contributor",
        "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        "where storage keys do not work: write the workspace's file share",
    )
    ACR_PULL = (
        "AcrPull",
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "the identity that trains and serves: pull images",
    )
    AZUREML_METRICS_WRITER = (
        "AzureML Metrics Writer",
        "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
        "the identity that serves: write the deployment's metrics",
    )
    ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR = (
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "GitHub's identity: grant the roles above and no other",
    )
    USER_ACCESS_ADMINISTRATOR = (
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "forbidden without a condition, as it can grant every role",
    )
    OWNER = ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "forbidden; whoever deploys may have it")
    KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER = (
        "Key Vault Crypto Service Encryption User",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
        "the identity that the stack's data are encrypted as: use the key, where it is one of your own",
    )
    AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER = (
        "Azure AI Enterprise Network Connection Approver",
        "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
        "workspace and hub, where their managed network has private endpoints: approve those",
    )
    READER = ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "groups of the team: see everything but secrets")
    STORAGE_BLOB_DATA_OWNER = ("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "named in reviews")
    ACR_PUSH = ("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec", "named in reviews")
    AZUREML_DATA_SCIENTIST = (
        "AzureML Data Scientist",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        "groups of the team: train, release, go back and pause",
    )
    CONNECTION_SECRETS_READER = (
        "Azure Machine Learning Workspace Connection Secrets Reader",
        "ea01e6af-a1c1-4350-9563-ad00f8c72ec5",
        "groups of the team: read the endpoint's key in the project's connection",
    )
    NETWORK_CONTRIBUTOR = (
        "Network Contributor",
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "whoever deploys private endpoints into somebody else's subnet",
    )
    PRIVATE_DNS_ZONE_CONTRIBUTOR = (
        "Private DNS Zone Contributor",
        "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
        "whoever deploys them, where somebody else has the zones of their names",
    )
    KEY_VAULT_SECRETS_USER = ("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "named in reviews")
    KEY_VAULT_ADMINISTRATOR = ("Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483", "named in reviews")

    @property
    def label(self) -> str:
        """As part of a resource's name in the program, so the name of a member cannot change."""
        return self.name.lower().replace("_", "-")

    def definition(self, subscription_id: str) -> str:
        """The id of its definition."""
        return f"/subscriptions/{subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{self.guid}"


GRANTED = (
    Role.CONTRIBUTOR,
    Role.STORAGE_BLOB_DATA_READER,
    Role.STORAGE_BLOB_DATA_CONTRIBUTOR,
    Role.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR,
    Role.ACR_PULL,
    Role.AZUREML_METRICS_WRITER,
)
"""What the program grants, in the order in which the condition on GitHub's identity has listed them from the start."""
TEAM = (Role.READER, Role.AZUREML_DATA_SCIENTIST, Role.CONNECTION_SECRETS_READER)
"""What it grants to groups of people, where the setting `team` names some."""
SERVING = (Role.ACR_PULL, Role.STORAGE_BLOB_DATA_READER, Role.AZUREML_METRICS_WRITER)
"""What an endpoint's identity needs."""
GRANTING = (Role.USER_ACCESS_ADMINISTRATOR, Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR)
"""They can do little but grant roles, so that a condition on which ones can make them harmless."""
POWERFUL = (Role.OWNER, *GRANTING)
"""With them one can give oneself every other role."""


def role_of(definition: str) -> Role | None:
    """The role of a definition's id, however that is spelled; None for one that is not in the list."""
    guid = definition.rsplit("/", 1)[-1].lower()
    return next((role for role in Role if role.guid == guid), None)


_ASSIGN = r"Microsoft\.Authorization/roleAssignments"
_BOUND = re.compile(
    rf"\(\(!\(ActionMatches\{{'{_ASSIGN}/(?P<verb>write|delete)'\}}\)\) OR "
    rf"\(@(?P<of>Request|Resource)\[{_ASSIGN}:RoleDefinitionId\] "
    r"ForAnyOfAnyValues:GuidEquals \{(?P<roles>[^{}]+)\}\)\)",
    re.IGNORECASE,
)


def passes_on(condition: str) -> frozenset[str] | None:
    """GUIDs of the roles that a condition keeps granting and taking away to; None for what nobody can tell of it.

    It has to be these two clauses and nothing else: what else it might allow is not for this to find out. What is
    granted stands in the request, what is taken away in the resource; the other way round neither says anything.
    """
    clauses = [_BOUND.fullmatch(clause.strip()) for clause in condition.split(" AND ")]
    bounds = [clause for clause in clauses if clause is not None]
    kept = {(bound["verb"].lower(), bound["of"].lower()) for bound in bounds}
    if len(bounds) != len(clauses) or kept != {("write", "request"), ("delete", "resource")}:
        return None
    return frozenset(role.strip().lower() for bound in bounds for role in bound["roles"].split(","))
