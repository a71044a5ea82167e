"""The API versions that each type has had.

Read from the aliases of pulumi-azure-native 3.29.0, which name every version of every type in Azure's published
specifications; a unit test compares. Children of a table's type that have no row of their own are looked up by
their parent, except where a child came later than its parent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from emulator.arm.errors import AzureError
from emulator.arm.paths import GROUP_TYPE

VERSION = re.compile(r"20\d\d-\d\d-\d\d(-[a-z]+)?")


def _versions(text: str) -> tuple[str, ...]:
    return tuple(text.split())


RESOURCES = _versions(
    """
    2015-11-01 2016-02-01 2016-07-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01 2019-03-01 2019-05-01
    2019-05-10 2019-07-01 2019-08-01 2019-10-01 2020-06-01 2020-08-01 2020-10-01 2021-01-01 2021-04-01
    2022-09-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01 2025-04-01
    """
)
LOG_ANALYTICS = _versions(
    """
    2015-11-01-preview 2020-03-01-preview 2020-08-01 2020-10-01 2021-06-01 2021-12-01-preview 2022-10-01
    2023-09-01 2025-02-01 2025-07-01
    """
)
COMPONENTS = _versions(
    """
    2015-05-01 2018-05-01-preview 2020-02-02 2020-02-02-preview
    """
)
DIAGNOSTICS = _versions(
    """
    2017-05-01-preview 2021-05-01-preview
    """
)
AUTOSCALE = _versions(
    """
    2014-04-01 2015-04-01 2021-05-01-preview 2022-10-01
    """
)
METRIC_ALERTS = _versions(
    """
    2018-03-01 2024-03-01-preview 2026-01-01
    """
)
ACTION_GROUPS = _versions(
    """
    2017-04-01 2018-03-01 2018-09-01 2019-03-01 2019-06-01 2021-09-01 2022-04-01 2022-06-01 2023-01-01
    2023-09-01-preview 2024-10-01-preview
    """
)
STORAGE = _versions(
    """
    2015-05-01-preview 2015-06-15 2016-01-01 2016-05-01 2016-12-01 2017-06-01 2017-10-01 2018-02-01
    2018-03-01-preview 2018-07-01 2018-11-01 2019-04-01 2019-06-01 2020-08-01-preview 2021-01-01 2021-02-01
    2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01 2023-04-01 2023-05-01
    2024-01-01 2025-01-01 2025-06-01 2025-08-01 2026-04-01
    """
)
VAULTS = _versions(
    """
    2015-06-01 2016-10-01 2018-02-14 2018-02-14-preview 2019-09-01 2020-04-01-preview 2021-04-01-preview
    2021-06-01-preview 2021-10-01 2021-11-01-preview 2022-02-01-preview 2022-07-01 2022-11-01 2023-02-01
    2023-07-01 2024-04-01-preview 2024-11-01 2024-12-01-preview 2025-05-01 2026-02-01 2026-03-01-preview
    """
)
REGISTRIES = _versions(
    """
    2017-03-01 2017-10-01 2019-05-01 2019-12-01-preview 2020-11-01-preview 2021-06-01-preview 2021-08-01-preview
    2021-09-01 2021-12-01-preview 2022-02-01-preview 2022-12-01 2023-01-01-preview 2023-06-01-preview 2023-07-01
    2023-08-01-preview 2023-11-01-preview 2024-11-01-preview 2025-03-01-preview 2025-04-01 2025-05-01-preview
    2025-06-01-preview 2025-11-01 2026-01-01-preview 2026-03-01-preview
    """
)
IDENTITIES = _versions(
    """
    2015-08-31-preview 2018-11-30 2021-09-30-preview 2022-01-31-preview 2023-01-31 2023-07-31-preview 2024-11-30
    2025-01-31-preview 2025-05-31-preview
    """
)
FEDERATED_CREDENTIALS = _versions(
    """
    2022-01-31-preview 2023-01-31 2023-07-31-preview 2024-11-30 2025-01-31-preview 2025-05-31-preview
    """
)
ROLE_ASSIGNMENTS = _versions(
    """
    2015-07-01 2017-10-01-preview 2018-01-01-preview 2018-09-01-preview 2020-03-01-preview 2020-04-01-preview
    2020-08-01-preview 2020-10-01-preview 2022-04-01
    """
)
ROLE_DEFINITIONS = _versions(
    """
    2015-07-01 2018-01-01-preview 2022-04-01 2022-05-01-preview
    """
)
BUDGETS = _versions(
    """
    2019-01-01 2019-04-01-preview 2019-05-01 2019-05-01-preview 2019-06-01 2019-10-01 2019-11-01 2021-05-01
    2021-10-01 2022-09-01 2023-03-01 2023-05-01 2023-11-01 2024-08-01
    """
)
COGNITIVE = _versions(
    """
    2016-02-01-preview 2017-04-18 2021-04-30 2021-10-01 2022-03-01 2022-10-01 2022-12-01 2023-05-01
    2023-10-01-preview 2024-04-01-preview 2024-06-01-preview 2024-10-01 2025-04-01-preview 2025-06-01
    2025-07-01-preview 2025-09-01 2025-10-01-preview 2025-12-01 2026-01-15-preview 2026-03-01 2026-03-15-preview
    2026-05-01 2026-05-15-preview 2026-07-01
    """
)
WORKSPACES = _versions(
    """
    2018-03-01-preview 2018-11-19 2019-05-01 2019-06-01 2019-11-01 2020-01-01 2020-02-18-preview 2020-03-01
    2020-04-01 2020-05-01-preview 2020-05-15-preview 2020-06-01 2020-08-01 2020-09-01-preview 2021-01-01
    2021-03-01-preview 2021-04-01 2021-07-01 2022-01-01-preview 2022-02-01-preview 2022-05-01 2022-06-01-preview
    2022-10-01 2022-10-01-preview 2022-12-01-preview 2023-02-01-preview 2023-04-01 2023-04-01-preview
    2023-06-01-preview 2023-08-01-preview 2023-10-01 2024-01-01-preview 2024-04-01 2024-04-01-preview
    2024-07-01-preview 2024-10-01 2024-10-01-preview 2025-01-01-preview 2025-04-01 2025-04-01-preview 2025-06-01
    2025-07-01-preview 2025-09-01 2025-10-01-preview 2025-12-01 2026-01-15-preview 2026-03-01 2026-03-15-preview
    2026-05-01 2026-05-15-preview
    """
)
CONNECTIONS = _versions(
    """
    2020-06-01 2020-08-01 2020-09-01-preview 2021-01-01 2021-03-01-preview 2021-04-01 2021-07-01
    2022-01-01-preview 2022-02-01-preview 2022-05-01 2022-06-01-preview 2022-10-01 2022-10-01-preview
    2022-12-01-preview 2023-02-01-preview 2023-04-01 2023-04-01-preview 2023-06-01-preview 2023-08-01-preview
    2023-10-01 2024-01-01-preview 2024-04-01 2024-04-01-preview 2024-07-01-preview 2024-10-01 2024-10-01-preview
    2025-01-01-preview 2025-04-01 2025-04-01-preview 2025-06-01 2025-07-01-preview 2025-09-01 2025-10-01-preview
    2025-12-01 2026-01-15-preview 2026-03-01 2026-03-15-preview 2026-05-01 2026-05-15-preview
    """
)
DATASTORES = _versions(
    """
    2020-05-01-preview 2021-03-01-preview 2022-02-01-preview 2022-05-01 2022-06-01-preview 2022-10-01
    2022-10-01-preview 2022-12-01-preview 2023-02-01-preview 2023-04-01 2023-04-01-preview 2023-06-01-preview
    2023-08-01-preview 2023-10-01 2024-01-01-preview 2024-04-01 2024-04-01-preview 2024-07-01-preview 2024-10-01
    2024-10-01-preview 2025-01-01-preview 2025-04-01 2025-04-01-preview 2025-06-01 2025-07-01-preview 2025-09-01
    2025-10-01-preview 2025-12-01 2026-01-15-preview 2026-03-01 2026-03-15-preview 2026-05-01 2026-05-15-preview
    """
)
ASSETS = _versions(
    """
    2021-03-01-preview 2022-02-01-preview 2022-05-01 2022-06-01-preview 2022-10-01 2022-10-01-preview
    2022-12-01-preview 2023-02-01-preview 2023-04-01 2023-04-01-preview 2023-06-01-preview 2023-08-01-preview
    2023-10-01 2024-01-01-preview 2024-04-01 2024-04-01-preview 2024-07-01-preview 2024-10-01 2024-10-01-preview
    2025-01-01-preview 2025-04-01 2025-04-01-preview 2025-06-01 2025-07-01-preview 2025-09-01 2025-10-01-preview
    2025-12-01 2026-01-15-preview 2026-03-01 2026-03-15-preview 2026-05-01 2026-05-15-preview
    """
)
NETWORKS = _versions(
    """
    2015-05-01-preview 2015-06-15 2016-03-30 2016-06-01 2016-09-01 2016-12-01 2017-03-01 2017-06-01 2017-08-01
    2017-09-01 2017-10-01 2017-11-01 2018-01-01 2018-02-01 2018-04-01 2018-06-01 2018-07-01 2018-08-01
    2018-10-01 2018-11-01 2018-12-01 2019-02-01 2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01
    2019-11-01 2019-12-01 2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01
    2021-02-01 2021-03-01 2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 2022-09-01 2022-11-01
    2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 2023-11-01 2024-01-01 2024-03-01 2024-05-01
    2024-07-01 2024-10-01 2025-01-01 2025-03-01 2025-05-01 2025-07-01
    """
)
PRIVATE_ENDPOINTS = tuple(each for each in NETWORKS if each >= "2018-08-01")
ZONE_GROUPS = tuple(each for each in NETWORKS if each >= "2020-03-01")
PRIVATE_ZONES = _versions("2018-09-01 2020-01-01 2020-06-01 2024-06-01")
POLICY_DEFINITIONS = _versions(
    """
    2015-10-01-preview 2016-04-01 2016-12-01 2018-03-01 2018-05-01 2019-01-01 2019-06-01 2019-09-01 2020-03-01
    2020-09-01 2021-06-01 2023-04-01 2024-05-01 2025-01-01 2025-03-01 2025-11-01 2025-12-01-preview
    2026-01-01-preview 2026-06-01 2026-07-01
    """
)
POLICY_ASSIGNMENTS = _versions(
    """
    2015-10-01-preview 2016-04-01 2016-12-01 2017-06-01-preview 2018-03-01 2018-05-01 2019-01-01 2019-06-01
    2019-09-01 2020-03-01 2020-09-01 2021-06-01 2022-06-01 2023-04-01 2024-04-01 2024-05-01 2025-01-01
    2025-03-01 2025-11-01 2025-12-01-preview 2026-01-01-preview 2026-06-01 2026-07-01
    """
)
_ML = "microsoft.machinelearningservices/workspaces"
SUPPORTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "microsoft.resources/resourcegroups": RESOURCES,
        "microsoft.operationalinsights/workspaces": LOG_ANALYTICS,
        "microsoft.insights/components": COMPONENTS,
        "microsoft.insights/diagnosticsettings": DIAGNOSTICS,
        "microsoft.insights/metricalerts": METRIC_ALERTS,
        "microsoft.insights/autoscalesettings": AUTOSCALE,
        "microsoft.insights/actiongroups": ACTION_GROUPS,
        "microsoft.storage/storageaccounts": STORAGE,
        "microsoft.keyvault/vaults": VAULTS,
        "microsoft.keyvault/locations/deletedvaults": VAULTS,
        "microsoft.containerregistry/registries": REGISTRIES,
        "microsoft.managedidentity/userassignedidentities": IDENTITIES,
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": FEDERATED_CREDENTIALS,
        "microsoft.authorization/roleassignments": ROLE_ASSIGNMENTS,
        "microsoft.authorization/roledefinitions": ROLE_DEFINITIONS,
        "microsoft.consumption/budgets": BUDGETS,
        "microsoft.cognitiveservices/accounts": COGNITIVE,
        "microsoft.cognitiveservices/locations/resourcegroups/deletedaccounts": COGNITIVE,
        "microsoft.authorization/policydefinitions": POLICY_DEFINITIONS,
        "microsoft.authorization/policyassignments": POLICY_ASSIGNMENTS,
        "microsoft.network/virtualnetworks": NETWORKS,
        "microsoft.network/privateendpoints": PRIVATE_ENDPOINTS,
        "microsoft.network/privateendpoints/privatednszonegroups": ZONE_GROUPS,
        "microsoft.network/privatednszones": PRIVATE_ZONES,
        # Of the specification's folders since registries are in it.
        "microsoft.machinelearningservices/registries": tuple(
            each for each in WORKSPACES if each >= "2022-10-01-preview"
        ),
        _ML: WORKSPACES,
        f"{_ML}/computes": WORKSPACES,
        f"{_ML}/connections": CONNECTIONS,
        f"{_ML}/datastores": DATASTORES,
        **dict.fromkeys(
            (
                f"{_ML}/{name}"
                for name in ("data", "models", "codes", "environments", "components", "jobs", "onlineendpoints")
            ),
            ASSETS,
        ),
    }
)


def supported(kind: str) -> tuple[str, ...]:
    """The versions of a type, oldest first; empty where nothing is known of it."""
    name = kind.lower()
    while name.count("/"):
        if name in SUPPORTED:
            return SUPPORTED[name]
        name = name.rpartition("/")[0]
    return ()


def check_version(kind: str, version: str, location: str | None) -> None:
    """Refuse a version that a type does not have.

    Args:
        kind: the type, such as ``Microsoft.Storage/storageAccounts``. Of one the table does not hold, every version
            passes.
        location: where the resource is or shall be, for the message.

    Raises:
        AzureError: InvalidApiVersionParameter for no version at all and for ARM's own types, else
            NoRegisteredProviderFound.
    """
    versions = supported(kind)
    if not versions or version.lower() in versions:
        return
    csv = ", ".join(reversed(versions))
    if kind.lower() == GROUP_TYPE.lower() or not VERSION.fullmatch(version.lower()):
        raise AzureError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. The supported versions are '{csv.replace(', ', ',')}'.",
        )
    raise AzureError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location or 'global'}' and API version '{version}' "
        f"for type '{kind.partition('/')[2]}'. The supported api-versions are '{csv}'.",
    )
