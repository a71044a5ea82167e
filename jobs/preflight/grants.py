"""Roles that somebody else grants (`identity.assignRoles: false`): which there have to be, and which are missing.

Asked before anything is made, as far as who gets them is there, and by a stage before the first that needs them. Only
reads; what is missing is told as `az` lines and as Bicep, for whoever may.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cloud.catalogue import AZURES, IDENTITY, ROLE_ASSIGNMENT
from cloud.errors import StageError, azure_errors
from cloud.report import Report
from cloud.roles import Role, role_of
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import Grant, GrantsSpec, PreflightSpec
from jobs.team import Thing, team_roles
from settings.estate.existing import AzureId
from settings.naming import role_assignment_name

if TYPE_CHECKING:
    from cloud.arm import Arm
    from cloud.place import Place
    from settings.stack import Settings

NAME = "roles"
INCLUDED_IN: dict[Role, tuple[Role, ...]] = {
    Role.CONTRIBUTOR: (Role.OWNER,),
    Role.ACR_PULL: (Role.ACR_PUSH, Role.CONTRIBUTOR, Role.OWNER),
    Role.STORAGE_BLOB_DATA_READER: (Role.STORAGE_BLOB_DATA_CONTRIBUTOR, Role.STORAGE_BLOB_DATA_OWNER),
    Role.STORAGE_BLOB_DATA_CONTRIBUTOR: (Role.STORAGE_BLOB_DATA_OWNER,),
    Role.AZUREML_METRICS_WRITER: (Role.CONTRIBUTOR, Role.OWNER),
    Role.READER: (Role.CONTRIBUTOR, Role.OWNER),
    Role.AZUREML_DATA_SCIENTIST: (Role.CONTRIBUTOR, Role.OWNER),
    Role.CONNECTION_SECRETS_READER: (Role.CONTRIBUTOR, Role.OWNER),
}
"""Roles that are as good, by role; a role of somebody's own making is not weighed."""


def grants(settings: Settings, place: Place) -> tuple[Grant, ...]:
    """What the program would grant itself; infra/role_assignments.py does where it may."""
    names, given = place.names, place.existing

    def id_of(key: str, kind: str, name: str) -> str:
        return given.get(key) or names.id_of(place.subscription_id, kind, name)

    storage = id_of("storage", "Microsoft.Storage/storageAccounts", names.storage_account)
    registry = id_of("registry", "Microsoft.ContainerRegistry/registries", names.container_registry)
    identity = id_of("identity", IDENTITY.arm_type, names.identity)
    workspace = place.workspace.path
    whole = settings.identity.contributor_scope == "group" and "group" not in given
    found = [
        (Role.CONTRIBUTOR, place.group_id if whole else workspace),
        (Role.STORAGE_BLOB_DATA_READER, storage),
        (Role.ACR_PULL, registry),
        (Role.AZUREML_METRICS_WRITER, workspace),
    ]
    data: list[tuple[Role, str]] = []
    if not settings.storage.shared_keys:
        both = (Role.STORAGE_BLOB_DATA_CONTRIBUTOR, Role.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR)
        data = [(role, storage) for role in both]
    wanted = [Grant(role=role.name, scope=scope, identity=identity) for role, scope in (*found, *data)]
    if settings.github.repository:
        deployer = names.id_of(place.subscription_id, IDENTITY.arm_type, names.github)
        on = [(Role.CONTRIBUTOR, place.group_id), *data]
        wanted += [Grant(role=role.name, scope=scope, identity=deployer) for role, scope in on]
    for principal, kind in settings.storage.deployers.items() if data else ():
        wanted += [Grant(role=role.name, scope=scope, principal=principal, kind=kind) for role, scope in data]
    return tuple(wanted)


def team(settings: Settings, place: Place) -> tuple[Grant, ...]:
    """What the program would grant to groups of people (the setting `team`)."""
    names = place.names
    on: dict[Thing, str] = {
        "group": place.group_id,
        "workspace": place.workspace.path,
        "project": place.project.path,
        "endpoint": f"{place.workspace.path}/onlineEndpoints/{names.endpoint}",
        "connection": f"{place.project.path}/connections/{names.connection}",
    }
    return tuple(
        Grant(role=each.role.name, scope=on[each.on], principal=each.group, kind="Group")
        for each in team_roles(settings)
    )


def run(spec: GrantsSpec, report: Report, stop: threading.Event) -> None:
    """The stage: raises StageError with every assignment that is missing."""
    from cloud.arm import Arm

    report("looking which roles others have granted")
    with azure_errors("it could not be read who has which role", f"subscription {spec.subscription_id}"):
        absent = missing(Arm(), spec.grants)
    if absent:
        count = "one assignment is" if len(absent) == 1 else f"{len(absent)} assignments are"
        # At the very end, where no full stop gets into what somebody copies.
        lines = "".join(f"\n  {line}" for line in az_lines(absent))
        todo = (
            f"Somebody who may assign roles runs these lines (`python -m jobs preflight --stack {spec.stack}` has them "
            f"as Bicep, too); then `pulumi up` goes on from here:{lines}"
        )
        raise StageError(
            "roles are missing that others grant", on=f"stack {spec.stack}", why=f"{count} not there", todo=todo
        )
    if stop.is_set():
        raise StageError("the look at roles was stopped", on=spec.stack, why="you asked to stop", todo="Run it again.")


def granted(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The check of the preflight: nothing is missing of what others grant.

    What the team may do is no obstacle to the stack, so that is told and waited for by nothing.
    """
    if not spec.grants:
        return [Finding(check=NAME, state=State.OK, found="the program grants them")]
    absent = missing(arm, spec.grants)
    unmade = sorted({each.identity for each in absent if not each.principal})
    findings = []
    if people := missing(arm, spec.team):
        says, fix = f"{len(people)} missing that groups of the team are to have", "; ".join(az_lines(people))
        findings.append(Finding(check=NAME, state=State.WARNING, found=says, fix=fix))
    if later := [each for each in absent if not each.principal]:
        says = f"{len(later)} to be granted to what is not there yet: {', '.join(unmade)}"
        fix = "pulumi up makes it, then stops and says which roles it lacks"
        findings.append(Finding(check=NAME, state=State.WARNING, found=says, fix=fix))
    if now := [each for each in absent if each.principal]:
        unmade_scopes = "".join(
            f"; {scope} is not there yet"
            for scope in dict.fromkeys(each.scope for each in now)
            if arm.find(scope, _version(scope)) is None
        )
        fix = "; ".join(az_lines(now))
        state = State.WARNING if unmade_scopes else State.REFUSED
        findings.append(Finding(check=NAME, state=state, found=f"{len(now)} missing{unmade_scopes}", fix=fix))
    return findings or [Finding(check=NAME, state=State.OK, found=f"all {len(spec.grants)} are granted")]


def missing(arm: Arm, wanted: Sequence[Grant]) -> list[Grant]:
    """Those that nobody has granted, each with its principal where that is there."""
    principals = {id_: _principal(arm, id_) for id_ in dict.fromkeys(each.identity for each in wanted) if id_}
    found = []
    for each in wanted:
        principal = each.principal or principals[each.identity]
        known = replace(each, principal=principal)
        if not principal or not _has(arm, known):
            found.append(known)
    return found


def _principal(arm: Arm, identity: str) -> str:
    there = arm.find(identity, IDENTITY.version) or {}
    return str((there.get("properties") or {}).get("principalId") or "")


def _has(arm: Arm, grant: Grant) -> bool:
    """Whether the role, or one that is as good, is granted on the scope or above it, without a condition."""
    from azure.core.exceptions import ResourceNotFoundError

    role = Role[grant.role]
    good = (role, *INCLUDED_IN.get(role, ()))
    path = f"{grant.scope}/providers/Microsoft.Authorization/roleAssignments"
    # With the groups that it is in, which Azure does not take the id of a group itself for; and with what is below,
    # which does not count.
    of_group = grant.kind == "Group"
    query = {"$filter": f"principalId eq '{grant.principal}'" if of_group else f"assignedTo('{grant.principal}')"}
    try:
        rows = arm.items(path, ROLE_ASSIGNMENT.version, 1_000, **query)
    except ResourceNotFoundError:  # nothing is granted on what is not there
        return False
    for row in rows:
        own = row.get("properties") or {}
        scope = str(own.get("scope") or "").lower()
        above = f"{grant.scope.lower()}/".startswith(f"{scope.rstrip('/')}/")
        if scope and above and role_of(str(own.get("roleDefinitionId", ""))) in good and not own.get("condition"):
            return True
    return False


def az_lines(absent: Sequence[Grant]) -> list[str]:
    """A line of the Azure CLI for each."""
    return [
        f"az role assignment create --assignee-object-id {each.principal or f'<principal of {each.identity}>'} "
        f'--assignee-principal-type {each.kind} --role "{Role[each.role].title}" --scope {each.scope}'
        for each in absent
    ]


def bicep(absent: Sequence[Grant]) -> str:
    """A file for each resource group, one after the other, with the command that deploys it."""
    by_group: dict[str, list[Grant]] = {}
    for each in absent:
        parts = AzureId.of(each.scope)
        if parts and each.principal:
            by_group.setdefault(f"{parts.subscription_id}/{parts.group}", []).append(each)
    return "\n".join(line for group, grants in by_group.items() for line in _file(group, grants))


def _file(where: str, grants: Sequence[Grant]) -> Iterator[str]:
    subscription, group = where.split("/")
    file = f"roles-{group}.bicep"
    deploy = f"az deployment group create --subscription {subscription} --resource-group {group} --template-file {file}"
    yield f"// {file}: {deploy}"
    yield "targetScope = 'resourceGroup'"
    scopes = {
        each.scope: f"on{at}" for at, each in enumerate(grants) if (found := AzureId.of(each.scope)) and found.kind
    }
    for scope, symbol in {scope: scopes[scope] for scope in dict.fromkeys(scopes)}.items():
        parts = AzureId.of(scope)
        assert parts is not None
        # Of what lies in something else, both names.
        name = "/".join(scope.split("/providers/")[1].split("/")[2::2])
        yield f"resource {symbol} '{parts.kind}@{_version(scope)}' existing = {{\n  name: '{name}'\n}}"
    for at, each in enumerate(grants):
        role = Role[each.role]
        definition = f"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{role.guid}')"
        yield f"resource grant{at} 'Microsoft.Authorization/roleAssignments@{ROLE_ASSIGNMENT.version}' = {{"
        yield f"  name: '{role_assignment_name(each.scope, role.guid, each.principal)}' // {role.title}"
        if each.scope in scopes:
            yield f"  scope: {scopes[each.scope]}"
        yield "  properties: {"
        yield f"    principalId: '{each.principal}'\n    principalType: '{each.kind}'"
        yield f"    roleDefinitionId: {definition}\n  }}\n}}"


def _version(scope: str) -> str:
    parts = AzureId.of(scope)
    kind = (parts.kind if parts else "") or "Microsoft.Resources/resourceGroups"
    return next(row.version for row in AZURES if row.arm_type.lower() == kind.lower())
