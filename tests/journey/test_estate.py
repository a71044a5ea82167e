"""A stack on what somebody else has made: all that can be given, and roles that others grant.

Up, up again, asked, and destroyed, what was there before is byte for byte as it was.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.machine import lifecycle
from emulator.machine.home import SUBSCRIPTION_ID, TENANT_ID
from tests.journey.by_hand import as_request, asked, assignments, change
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey

GROUPS = {name: f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}" for name in ("rg-platform", "rg-shared")}
SHARED = f"{GROUPS['rg-shared']}/providers"
PLACE = {"location": "eastus2", "tags": {"owner": "platform"}}
VAULT = {"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
THEIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "group": (GROUPS["rg-platform"], "2024-03-01", PLACE),
    "logs": (
        f"{SHARED}/Microsoft.OperationalInsights/workspaces/log-shared",
        "2023-09-01",
        {**PLACE, "properties": {}},
    ),
    "insights": (
        f"{SHARED}/Microsoft.Insights/components/appi-shared",
        "2020-02-02",
        {
            **PLACE,
            "kind": "web",
            "properties": {
                "Application_Type": "web",
                "WorkspaceResourceId": f"{SHARED}/Microsoft.OperationalInsights/workspaces/log-shared",
            },
        },
    ),
    "storage": (
        f"{SHARED}/Microsoft.Storage/storageAccounts/stshared",
        "2024-01-01",
        {**PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    ),
    "vault": (f"{SHARED}/Microsoft.KeyVault/vaults/kv-shared", "2024-11-01", {**PLACE, "properties": VAULT}),
    "registry": (
        f"{SHARED}/Microsoft.ContainerRegistry/registries/crshared",
        "2023-01-01-preview",
        {**PLACE, "sku": {"name": "Standard"}},
    ),
    "identity": (f"{SHARED}/Microsoft.ManagedIdentity/userAssignedIdentities/id-train", "2023-01-31", PLACE),
}
ML = "providers/Microsoft.MachineLearningServices/workspaces"
ML_VERSION = "2025-12-01"
IDS = {key: path for key, (path, _, _) in THEIRS.items()}
STANDS_ON = {
    "storageAccount": IDS["storage"],
    "keyVault": IDS["vault"],
    "applicationInsights": IDS["insights"],
    "containerRegistry": IDS["registry"],
    "publicNetworkAccess": "Enabled",
    "systemDatastoresAuthMode": "AccessKey",
    "managedNetwork": {"isolationMode": "Disabled"},
}
SYSTEM = {"type": "SystemAssigned"}
BASIC = {"name": "Basic", "tier": "Basic"}
WORKSPACE = f"{GROUPS['rg-platform']}/{ML}/mlw-team"
# A platform's hub is in a group of its own, its projects are where their teams are.
HUB = f"{GROUPS['rg-shared']}/{ML}/hub-shared"
THEIRS |= {
    "workspace": (
        WORKSPACE,
        ML_VERSION,
        {**PLACE, "kind": "Default", "identity": SYSTEM, "sku": BASIC, "properties": STANDS_ON},
    ),
    "cluster": (
        f"{WORKSPACE}/computes/a100",
        ML_VERSION,
        {
            **PLACE,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDS["identity"]: {}}},
            "properties": {
                "computeType": "AmlCompute",
                "properties": {
                    "vmSize": "Standard_NC24ads_A100_v4",
                    "vmPriority": "Dedicated",
                    "scaleSettings": {
                        "minNodeCount": 0,
                        "maxNodeCount": 1,
                        "nodeIdleTimeBeforeScaleDown": "PT120S",
                    },
                },
            },
        },
    ),
    "hub": (HUB, ML_VERSION, {**PLACE, "kind": "Hub", "identity": SYSTEM, "sku": BASIC, "properties": STANDS_ON}),
    "project": (
        f"{GROUPS['rg-platform']}/{ML}/proj-team",
        ML_VERSION,
        {**PLACE, "kind": "Project", "identity": SYSTEM, "sku": BASIC, "properties": {"hubResourceId": HUB}},
    ),
}
BESIDE = (f"{SHARED}/Microsoft.KeyVault/vaults/kv-beside", "2024-11-01", {**PLACE, "properties": VAULT})
"""In the group, and not given."""


def theirs(checkout: Checkout) -> list[Any]:
    return asked(checkout, *((path, version, None) for path, version, _ in (*THEIRS.values(), BESIDE)))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose stack uses all that can be given, after a fine-tune of one epoch."""
    checkout = Checkout.make(tmp_path_factory.mktemp("estate") / "checkout")
    change(checkout, "recipe", num_train_epochs=1)
    change(checkout, "evaluation", minimumScore=0)  # so little training teaches nothing
    change(checkout, "serving", compareWithBase=False)
    change(checkout, "identity", assignRoles=False)
    change(checkout, "existing", **{key: path for key, (path, _, _) in THEIRS.items()})
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
    groups = [(id_, "2024-03-01", PLACE) for id_ in GROUPS.values()]
    asked(checkout, *groups, *THEIRS.values(), BESIDE)
    yield checkout
    lifecycle.stop(checkout.home)


def test_what_was_there_is_byte_for_byte_as_before(checkout: Checkout) -> None:
    before = theirs(checkout)
    assert None not in before
    looked = checkout.emulated(sys.executable, "-m", "jobs", "preflight", "--stack", "local")
    # All that roles are granted on and to is there, so nothing has to be made to see that they are missing.
    assert looked.returncode == 1 and "4 missing" in looked.stdout, looked.stdout + looked.stderr
    assert "resource grant0 'Microsoft.Authorization/roleAssignments@2022-04-01'" in looked.stdout

    _, report, text = checkout.review()
    assert "storage stshared" in text and "workspace mlw-team" in text and "which somebody else has made" in text, text
    assert "looks whether others have granted 4 roles" in text.lower() and "does not know what a" not in text, text
    assert report["verdict"] != "refused", text

    # Roles are granted by others: without them nothing is made, and it is said which.
    refused = checkout.up()
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "Azure would refuse this stack, so nothing was created" in said and "Traceback" not in said, said
    lines = sorted(set(re.findall(r"az role assignment create .*? --scope [^\s;]+", said)))
    assert len(lines) == 4, said
    assert [row for row in assignments(checkout) if "/stshared/" in row or "/crshared/" in row] == []
    # Whoever may runs just these.
    asked(checkout, *map(as_request, lines))
    granted = assignments(checkout)

    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert theirs(checkout) == before
    answer = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", "Who founded Microsoft?")
    assert answer.returncode == 0 and answer.stdout.strip(), answer.stderr
    preview = checkout.emulated("pulumi", "preview", "--stack", "local")
    assert "uses, and neither changes nor deletes, what somebody else has made:" in preview.stdout + preview.stderr
    assert set(checkout.changes().values()) <= {"read"}

    # Nothing of theirs is a resource of the stack's, but for what the engine reads anew each time.
    rows = json.loads(checkout.emulated("pulumi", "stack", "export", "--stack", "local").stdout)["deployment"][
        "resources"
    ]
    ids = {path.lower() for path, _, _ in THEIRS.values()}
    found = [row for row in rows if str(row.get("id", "")).lower() in ids and "azure-native" in row["type"]]
    assert len(found) == len(ids) and all(row["external"] for row in found)

    done = checkout.emulated("pulumi", "destroy", "--stack", "local", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert theirs(checkout) == before
    left = json.loads(checkout.python("-m", "emulator", "inventory", "--json").stdout)["live"]
    # What others have granted on what is theirs stays theirs, too.
    assert len(granted) >= 4 and [row for row in left if "roleAssignments" in row] == granted
    # What jobs and stages wrote into workspace and project stays there, as docs/existing.md says; nothing of it bills.
    kinds = [row.split()[0].removeprefix("Microsoft.MachineLearningServices/workspaces/") for row in left]
    ours = {"jobs", "data", "data/versions", "models", "models/versions", "flows"}
    assert {kind for kind in kinds if "/" not in kind or kind in ours} == {*ours, "datastores", "computes"}, left
    rest = [kind for kind in kinds if kind not in ours | {"datastores"} and "roleAssignments" not in kind]
    # Two groups, one of them among theirs, and a vault beside.
    assert len(rest) == len(THEIRS) + 2, left
