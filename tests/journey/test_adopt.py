"""What somebody has clicked together after the tutorial becomes a stack: all of it, half of it, and oddly.

The requests are the portal's: names by chance, no tags, its own defaults. What the stack then makes lies beside or
within, and what was there is byte for byte as before, after up, up again and destroy.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cloud.roles import Role
from emulator.machine import lifecycle
from emulator.machine.home import SUBSCRIPTION_ID, TENANT_ID
from tests.journey.by_hand import asked, change, granted, made
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey

Request = tuple[str, str, dict[str, Any]]
PLACE: dict[str, Any] = {"location": "eastus2"}
ML = "providers/Microsoft.MachineLearningServices/workspaces"
ML_VERSION = "2025-12-01"
SIZE = "Standard_NC24ads_A100_v4"
SYSTEM = {"type": "SystemAssigned"}
BASIC = {"name": "Basic", "tier": "Basic"}
DEFAULTS = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/DefaultResourceGroup-EUS2"
LOGS = f"{DEFAULTS}/providers/Microsoft.OperationalInsights/workspaces/DefaultWorkspace-EUS2"


def group_of(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"


def logs() -> list[Request]:
    """Where Application Insights of the portal's send to: a group and a workspace that nobody asked for."""
    return [(DEFAULTS, "2024-03-01", PLACE), (LOGS, "2023-09-01", {**PLACE, "properties": {}})]


def workspace(group: str, name: str, *, registry: bool = True) -> list[Request]:
    """ "Create" of an Azure ML workspace in the portal: with names of its own, digits at the end."""
    stem = re.sub(r"[^a-z0-9]", "", name.lower())[:10]
    storage = f"{group}/providers/Microsoft.Storage/storageAccounts/{stem}2348716501"
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/{stem}9876543210"
    insights = f"{group}/providers/Microsoft.Insights/components/{stem}5555555555"
    acr = f"{group}/providers/Microsoft.ContainerRegistry/registries/{stem}acr"
    own = {
        "friendlyName": name,
        "storageAccount": storage,
        "keyVault": vault,
        "applicationInsights": insights,
        **({"containerRegistry": acr} if registry else {}),
        "hbiWorkspace": False,
        "publicNetworkAccess": "Enabled",
        "systemDatastoresAuthMode": "AccessKey",
        "managedNetwork": {"isolationMode": "Disabled"},
    }
    sku = {"family": "A", "name": "standard"}
    vault_properties = {"tenantId": TENANT_ID, "sku": sku, "accessPolicies": [], "enableRbacAuthorization": True}
    registries = [(acr, "2023-01-01-preview", {**PLACE, "sku": {"name": "Basic"}})] if registry else []
    web = {"Application_Type": "web", "WorkspaceResourceId": LOGS}
    body = {**PLACE, "kind": "Default", "identity": SYSTEM, "sku": BASIC, "properties": own}
    return [
        (storage, "2024-01-01", {**PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}),
        (vault, "2024-11-01", {**PLACE, "properties": vault_properties}),
        (insights, "2020-02-02", {**PLACE, "kind": "web", "properties": web}),
        *registries,
        (f"{group}/{ML}/{name}", ML_VERSION, body),
    ]


def cluster(of: str, name: str, identity: str) -> Request:
    scale = {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    inner = {"vmSize": SIZE, "vmPriority": "Dedicated", "osType": "Linux", "scaleSettings": scale}
    acts = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    body = {**PLACE, "identity": acts, "properties": {"computeType": "AmlCompute", "properties": inner}}
    return f"{of}/computes/{name}", ML_VERSION, body


def foundry(group: str, stands_on: dict[str, Any]) -> list[Request]:
    """A hub and a project in it, with the tutorial's connection to the endpoint."""
    hub, project = f"{group}/{ML}/hub-phi3", f"{group}/{ML}/finetune-phi-project"
    parts = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
    own = {"friendlyName": "hub-phi3", **{key: stands_on[key] for key in parts}}
    custom = {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": "_",
        "metadata": {"endpoint": "https://phi3.eastus2.inference.ml.azure.com/score"},
        "credentials": {"keys": {"key": "the-key-of-the-old-endpoint"}},
    }
    whole = {**PLACE, "identity": SYSTEM, "sku": BASIC}
    return [
        (hub, ML_VERSION, {**whole, "kind": "Hub", "properties": own}),
        (project, ML_VERSION, {**whole, "kind": "Project", "properties": {"hubResourceId": hub}}),
        # Called as the stack would call its own.
        (f"{project}/connections/phi-connection", ML_VERSION, {"properties": custom}),
    ]


def tutorial(group: str) -> list[Request]:
    """Every step of it."""
    made = workspace(group, "ml-phi3")
    ml = made[-1][0]
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/finetunephi-mi"
    acts = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    endpoint = f"{ml}/onlineEndpoints/ml-phi3-abcde"
    return [
        (group, "2024-03-01", PLACE),
        *made,
        (identity, "2023-01-31", PLACE),
        cluster(ml, "phi3-gpu", identity),
        (endpoint, ML_VERSION, {**PLACE, "identity": acts, "properties": {"authMode": "Key"}}),
        *foundry(group, made[-1][2]["properties"]),
    ]


WHOLE, HALF, ODD = (group_of(name) for name in ("rg-finetune-phi", "rg-half", "rg-odd"))
OTHER = "another-workspace"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Three groups that somebody has filled by hand, and nothing of a stack."""
    checkout = Checkout.make(tmp_path_factory.mktemp("adopt") / "checkout")
    half = [(HALF, "2024-03-01", PLACE), *workspace(HALF, "ml-half", registry=False)]
    odd = [(ODD, "2024-03-01", PLACE), *workspace(ODD, "Mein_Arbeitsbereich"), *workspace(ODD, OTHER, registry=False)]
    asked(checkout, *logs(), *tutorial(WHOLE), *half, *odd)
    yield checkout
    lifecycle.stop(checkout.home)


def adopt(checkout: Checkout, stack: str, group: str, *options: str) -> tuple[int, str]:
    command = ("-m", "jobs", "adopt", "--stack", stack, "--group", group.rsplit("/", 1)[1], "--yes", *options)
    done = checkout.emulated(sys.executable, *command, "--subscription", SUBSCRIPTION_ID)
    return done.returncode, done.stdout + done.stderr


def existing(checkout: Checkout, stack: str) -> dict[str, str]:
    config = yaml.safe_load((checkout.root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key: id_.rsplit("/", 1)[1] for key, id_ in config["finetune-phi:existing"].items()}


def everything(checkout: Checkout) -> list[str]:
    found: list[str] = json.loads(checkout.python("-m", "emulator", "inventory", "--json").stdout)["live"]
    return found


def prepare(checkout: Checkout, stack: str) -> None:
    """What lets it run here: the stand-in's data, and a training of one epoch."""
    change(checkout, "data", stack=stack, source="sample", name="sample")
    change(checkout, "recipe", stack=stack, num_train_epochs=1)
    change(checkout, "serving", stack=stack, drainSeconds=0)
    assert checkout.python("-m", "data_prep", "--stack", stack).returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", stack).returncode == 0


def test_half_a_tutorial_is_what_a_stack_goes_on_from(checkout: Checkout) -> None:
    before = everything(checkout)
    code, said = adopt(checkout, "half", HALF)
    assert code == 0, said
    # As the portal makes a workspace, until a first image is built.
    assert "has no container registry" in said and "az ml workspace update --name ml-half" in said
    assert existing(checkout, "half").keys() == {"group", "storage", "vault", "insights", "logs"}
    # Given one, it is used; its owner runs what was printed, which is a PATCH, here the same PUT with one part more.
    acr = f"{HALF}/providers/Microsoft.ContainerRegistry/registries/mlhalfacr"
    rows = {path: (path, version, body) for path, version, body in workspace(HALF, "ml-half")}
    asked(checkout, rows[acr], rows[f"{HALF}/{ML}/ml-half"])
    (checkout.root / "Pulumi.half.yaml").unlink()
    code, said = adopt(checkout, "half", HALF)
    assert code == 0, said
    assert existing(checkout, "half")["workspace"] == "ml-half"
    assert "is not there: the cluster that trains" in said
    prepare(checkout, "half")
    new = made(checkout, "half")
    assert {"cluster", "endpoint", "hub", "project", "identity"} < new
    assert not new & {"workspace", "storage", "key-vault", "resource-group"}
    assert len(everything(checkout)) == len(before) + 1, "the registry"


def test_an_odd_one_is_asked_about(checkout: Checkout) -> None:
    before = everything(checkout)
    code, said = adopt(checkout, "odd", ODD)
    assert code != 0 and "there are 2: Mein_Arbeitsbereich, another-workspace" in said and "--workspace" in said
    assert not (checkout.root / "Pulumi.odd.yaml").exists()
    code, said = adopt(checkout, "odd", ODD, "--workspace", "mein_arbeitsbereich")
    assert code == 0, said
    assert existing(checkout, "odd")["workspace"] == "Mein_Arbeitsbereich" and "hub" not in existing(checkout, "odd")
    assert "is not there: AI Foundry's hub" in said
    code, said = adopt(checkout, "odd", ODD, "--workspace", "mein_arbeitsbereich")
    assert code != 0 and "Pulumi.odd.yaml is there already" in said
    prepare(checkout, "odd")
    assert {"cluster", "hub"} < made(checkout, "odd") and "workspace" not in made(checkout, "odd")
    assert everything(checkout) == before


def test_a_whole_tutorial_goes_on_as_a_stack(checkout: Checkout) -> None:
    theirs = [(path, version, None) for path, version, _ in tutorial(WHOLE)]
    (at,) = (at for at, (path, _, _) in enumerate(theirs) if path.endswith("finetunephi-mi"))
    principal = asked(checkout, theirs[at])[0]["properties"]["principalId"]
    (storage,) = (path for path, _, _ in theirs if "/storageAccounts/" in path)
    (acr,) = (path for path, _, _ in theirs if "/registries/" in path)
    roles = ((Role.CONTRIBUTOR, WHOLE), (Role.STORAGE_BLOB_DATA_READER, storage), (Role.ACR_PULL, acr))
    asked(checkout, *(granted(role, scope, principal) for role, scope in roles))
    before, rows = asked(checkout, *theirs), everything(checkout)
    assert None not in before

    code, said = adopt(checkout, "byhand", WHOLE)
    assert code == 0, said
    used = existing(checkout, "byhand")
    stands_on = {"group", "storage", "vault", "registry", "insights", "logs", "identity"}
    assert used.keys() == stands_on | {"workspace", "cluster", "hub", "project"}
    assert (used["workspace"], used["cluster"], used["project"]) == ("ml-phi3", "phi3-gpu", "finetune-phi-project")
    assert "leaves alone, and makes its own beside it: endpoint ml-phi3-abcde" in said
    written = yaml.safe_load((checkout.root / "Pulumi.byhand.yaml").read_text())["config"]
    assert written["finetune-phi:names"] == {"connection": "phi-connection-2"}
    # Who did the tutorial has granted the roles already, and Azure grants none twice.
    assert written["finetune-phi:identity"] == {"assignRoles": False}
    assert everything(checkout) == rows and asked(checkout, *theirs) == before, "Azure is only read"

    prepare(checkout, "byhand")
    change(checkout, "evaluation", stack="byhand", minimumScore=0)  # so little training teaches nothing
    looked = checkout.emulated(sys.executable, "-m", "jobs", "preflight", "--stack", "byhand")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    # Nothing of the tutorial is made a second time, and nothing replaced.
    assert made(checkout, "byhand") == {"endpoint", "endpoint-connection", "endpoint-diagnostics"}

    done = checkout.up("byhand")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked(checkout, *theirs) == before
    assert set(checkout.changes("byhand").values()) <= {"read"}
    answer = checkout.emulated(sys.executable, "-m", "chat", "--stack", "byhand", "--ask", "Who founded Microsoft?")
    assert answer.returncode == 0 and answer.stdout.strip(), answer.stderr

    # What is the stack's own is protected, until somebody says otherwise.
    refused = checkout.emulated("pulumi", "destroy", "--stack", "byhand", "--yes", "--skip-preview")
    assert refused.returncode != 0 and "protected" in refused.stdout + refused.stderr
    change_file = checkout.root / "Pulumi.byhand.yaml"
    change_file.write_text(change_file.read_text().replace("protect: true", "protect: false"))
    assert checkout.up("byhand").returncode == 0
    done = checkout.emulated("pulumi", "destroy", "--stack", "byhand", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked(checkout, *theirs) == before
