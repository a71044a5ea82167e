"""After a crash: what Azure has and the stack's state does not know is taken into the state.

An engine that is killed leaves its lock, and resources it had begun to create; a connection that is lost for good
leaves some too. azure-native refuses to create what exists, so the next `pulumi up` would fail at each of them. Here
the lock of a process that is gone is lifted, everything that `pulumi preview` would create is written into the state
under the id Azure gives it, and `pulumi refresh` drops again what is not there. A replacement that was interrupted is
one of them: the old resource is gone, and the new one takes its row.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.errors import StageError
from jobs.outputs import MISSING, OutputsError, advice
from jobs.specs import Report

_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
_PROVIDERS = f"{_GROUP}/providers"
_ML = f"{_PROVIDERS}/Microsoft.MachineLearningServices/workspaces/{{workspaceName}}"
_ACCOUNT = f"{_PROVIDERS}/Microsoft.CognitiveServices/accounts/{{accountName}}"

IDS: Mapping[str, str] = {
    "resources:ResourceGroup": _GROUP,
    "operationalinsights:Workspace": f"{_PROVIDERS}/Microsoft.OperationalInsights/workspaces/{{workspaceName}}",
    "applicationinsights:Component": f"{_PROVIDERS}/Microsoft.Insights/components/{{resourceName}}",
    "storage:StorageAccount": f"{_PROVIDERS}/Microsoft.Storage/storageAccounts/{{accountName}}",
    "storage:BlobContainer": f"{_PROVIDERS}/Microsoft.Storage/storageAccounts/{{accountName}}"
    "/blobServices/default/containers/{containerName}",
    "keyvault:Vault": f"{_PROVIDERS}/Microsoft.KeyVault/vaults/{{vaultName}}",
    "containerregistry:Registry": f"{_PROVIDERS}/Microsoft.ContainerRegistry/registries/{{registryName}}",
    "managedidentity:UserAssignedIdentity": f"{_PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities"
    "/{resourceName}",
    "managedidentity:FederatedIdentityCredential": f"{_PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities"
    "/{resourceName}/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
    "authorization:RoleAssignment": "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    "machinelearningservices:Workspace": _ML,
    "machinelearningservices:Compute": f"{_ML}/computes/{{computeName}}",
    "machinelearningservices:OnlineEndpoint": f"{_ML}/onlineEndpoints/{{endpointName}}",
    "machinelearningservices:WorkspaceConnection": f"{_ML}/connections/{{connectionName}}",
    "cognitiveservices:Account": _ACCOUNT,
    "cognitiveservices:Deployment": f"{_ACCOUNT}/deployments/{{deploymentName}}",
    "monitor:DiagnosticSetting": "/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
    "monitor:ActionGroup": f"{_PROVIDERS}/Microsoft.Insights/actionGroups/{{actionGroupName}}",
    "monitor:MetricAlert": f"{_PROVIDERS}/Microsoft.Insights/metricAlerts/{{ruleName}}",
    "consumption:Budget": "/{scope}/providers/Microsoft.Consumption/budgets/{budgetName}",
}
"""azure-native's type → the id of a resource, from the inputs that name it."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sign for a value it does not know yet."""
_LOCKED_BY = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")


def recover(stack: str, report: Report) -> None:
    """Makes a stack ready for the next update. Where nothing is missing in its state, only looks.

    Raises StageError: an update still runs, or pulumi refuses.
    """
    state = json.loads(_pulumi("stack", "export", "--stack", stack))
    _import(stack, state, report)  # no more than it holds already: it is what meets a lock first
    deployment = state["deployment"]
    interrupted = deployment.pop("pending_operations", None) or []
    begun = [each["resource"] for each in interrupted if each.get("type") == "creating"]
    adopted = adopt(deployment, _creations(stack, report), begun)
    if not adopted and not interrupted:
        report("nothing is missing in the state: `pulumi up` or `pulumi destroy` goes on where it stopped")
        return
    _import(stack, state, report)
    _pulumi("refresh", "--stack", stack, "--yes", "--skip-preview")
    left = json.loads(_pulumi("stack", "export", "--stack", stack))["deployment"]["resources"]
    there = {(each["urn"], each.get("id")) for each in left}
    found = [str(each["urn"]).rsplit("::", 1)[1] for each in adopted if (each["urn"], each["id"]) in there]
    report(f"{len(interrupted)} interrupted operations settled; found on Azure: {', '.join(found) or 'none of them'}")
    report("`pulumi up` or `pulumi destroy` goes on where it stopped")


def adopt(
    deployment: dict[str, Any], wanted: Sequence[Mapping[str, Any]], begun: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Adds to a state's resources those that Azure may have, each below its parent; their rows.

    ``wanted`` by the program and ``begun`` by the update that was interrupted are resources as the engine writes them,
    dependencies first. One whose inputs are not all known cannot have been made. One that replaces another takes the
    row of the old one if that is deleted already. If it is not, one that was begun stands beside it for the next update
    to delete, which makes its own.
    """
    resources: list[dict[str, Any]] = deployment.setdefault("resources", [])
    interrupted = {str(each["urn"]): each for each in begun}
    candidates = {str(each["urn"]): each for each in wanted} | interrupted
    subscription = _subscription(resources) if candidates else ""
    adopted = []
    for urn, each in candidates.items():
        at, old = next(
            ((at, row) for at, row in enumerate(resources) if row["urn"] == urn and not row.get("delete")),
            (0, {}),
        )
        replaced = bool(old.get("pendingReplacement"))
        beside = bool(old) and not replaced
        row = _row(each, resources[:at] if replaced else resources, subscription)
        if row is None or (beside and (urn not in interrupted or row.get("id") in (None, old.get("id")))):
            continue
        if beside:
            row["delete"] = True
        if replaced:
            resources[at] = row
        else:
            resources.append(row)
        if "id" in row:
            adopted.append(row)
    return adopted


def _row(wanted: Mapping[str, Any], before: Sequence[Mapping[str, Any]], subscription: str) -> dict[str, Any] | None:
    """What a state says of a resource that may be there, after the rows ``before``; None if it cannot be."""
    known = {str(each["urn"]) for each in before if not each.get("delete")}
    provider = str(wanted.get("provider", "")).rpartition("::")[0]
    inputs = dict(wanted.get("inputs") or {})
    component = not wanted.get("custom", True)
    id_ = None if component else azure_id(str(wanted["type"]), inputs, subscription)
    placed = str(wanted.get("parent", "")) in known and (component or provider in known)
    if not placed or (id_ is None and not component) or _UNKNOWN in json.dumps(inputs):
        return None
    row = {key: wanted[key] for key in ("urn", "type", "parent", "provider", "protect") if wanted.get(key)}
    dependencies = [name for name in wanted.get("dependencies") or () if name in known]
    row |= {"custom": not component, "inputs": inputs, "dependencies": dependencies}
    return row if component else row | {"id": id_, "outputs": {}}


def _creations(stack: str, report: Report) -> list[dict[str, Any]]:
    """The resources that an update would create, replacements included; none where the program does not run."""
    done = _run("preview", "--stack", stack, "--json")
    try:
        steps = json.loads(done.stdout).get("steps") or []
    except ValueError:
        steps = []
    if done.returncode:
        report("`pulumi preview` fails, so only interrupted operations are looked at")
    # The steps of a replacement are summed up in one.
    return [each["newState"] for each in steps if each.get("op") in ("create", "replace") and each.get("newState")]


def azure_id(kind: str, inputs: Mapping[str, Any], subscription: str) -> str | None:
    """The id Azure gives a resource of that type and these inputs; None if it is not Azure's or not known."""
    template = IDS.get(kind.removeprefix("azure-native:"))
    if template is None or not kind.startswith("azure-native:"):
        return None
    values = {key: str(value).strip("/") for key, value in inputs.items() if isinstance(value, str)}
    try:
        return template.format_map({"subscription": subscription, **values})
    except KeyError:
        return None


def _subscription(resources: Sequence[Mapping[str, Any]]) -> str:
    """The provider's own, as the stack file has it; of the resources that are there; else of the environment."""
    for resource in resources:
        own = (resource.get("inputs") or {}).get("subscriptionId")
        if own and resource.get("type") == "pulumi:providers:azure-native":
            return str(own)
    for resource in resources:
        if found := re.match(r"/subscriptions/([^/]+)/", str(resource.get("id", ""))):
            return found[1]
    from jobs.credentials import subscription_id

    return subscription_id()


def _import(stack: str, state: Mapping[str, Any], report: Report) -> None:
    """Makes that the state; lifts the lock of an update whose process is gone."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "state.json")
        file.touch(mode=0o600)
        file.write_text(json.dumps(state))
        arguments = ("stack", "import", "--stack", stack, "--file", str(file))
        done = _run(*arguments)
        locks = list(_LOCKED_BY.finditer(done.stderr + done.stdout))
        if done.returncode == 0:
            return
        if not locks:
            raise _refused(arguments, done)
        for lock in locks:
            if lock["host"] != socket.gethostname() or _runs(int(lock["pid"])):
                raise StageError(
                    "the stack was left alone",
                    on=f"stack {stack}",
                    why=f"an update holds its lock: process {lock['pid']} on {lock['host']}",
                    todo="Wait for its end. If you know that it is gone, run `pulumi cancel` first.",
                )
        _pulumi("cancel", "--stack", stack, "--yes")
        report(f"the lock of process {locks[0]['pid']} is lifted, which is gone")
        _pulumi(*arguments)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pulumi(*arguments: str) -> str:
    """What a command of the CLI prints. Raises StageError when it refuses."""
    done = _run(*arguments)
    if done.returncode:
        raise _refused(arguments, done)
    return done.stdout


def _refused(arguments: Sequence[str], done: subprocess.CompletedProcess[str]) -> StageError:
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if "error:" in line]
    why = lines[-1].removeprefix("error:").strip() if lines else (done.stderr or done.stdout)[-300:]
    stack = arguments[arguments.index("--stack") + 1]
    return StageError(
        "the stack could not be recovered",
        on=f"`pulumi {' '.join(arguments)}`",
        why=why,
        todo=advice(stack, why) or "Mend that, then run the same again.",
    )


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["pulumi", *arguments, "--color", "never"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise OutputsError(MISSING) from None
