"""Who may do what: built-in roles, assignments inherited from scope to scope, and the time they take to be known.

The one service principal is Owner of the subscription unless the admin setting ``roles`` says otherwise. Nobody
else may do anything that a role assignment does not allow, managed identities included.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from emulator.arm.errors import AzureError
from emulator.arm.paths import parse
from emulator.machine.home import CLIENT_ID, CLIENT_OBJECT_ID, SUBSCRIPTION_ID, EmulatorError
from emulator.machine.store import Resource, Store

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
ROLES = "roles"
DELAY = "rbac-delay"


@dataclass(frozen=True)
class Role:
    """A built-in role; ``*`` stands for any text, slashes included."""

    name: str
    guid: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def allows(self, action: str, *, data: bool) -> bool:
        if data:
            return _any(self.data_actions, action)
        return _any(self.actions, action) and not _any(self.not_actions, action)


ML = "Microsoft.MachineLearningServices/workspaces"
MODEL_REGISTRY = "Microsoft.MachineLearningServices/registries"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
FILES = "Microsoft.Storage/storageAccounts/fileServices"
ACR = "Microsoft.ContainerRegistry/registries"
KEYS = "Microsoft.KeyVault/vaults/keys"
KEY_VERBS = (
    "read",
    "update/action",
    "backup/action",
    "encrypt/action",
    "decrypt/action",
    "wrap/action",
    "unwrap/action",
    "sign/action",
    "verify/action",
)
AUTHORIZATION = "Microsoft.Authorization"

# GUIDs and permissions are those of Microsoft's list of built-in roles, cut to the providers the emulator has.
BUILT_IN = (
    Role("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", ("*",)),
    Role(
        "Contributor",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        ("*",),
        (f"{AUTHORIZATION}/*/Delete", f"{AUTHORIZATION}/*/Write", f"{AUTHORIZATION}/elevateAccess/Action"),
    ),
    Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", ("*/read",)),
    Role("User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", ("*/read", f"{AUTHORIZATION}/*")),
    Role(
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        ("*/read", f"{ASSIGNMENT}/write", f"{ASSIGNMENT}/delete"),
    ),
    Role(
        "Azure AI Enterprise Network Connection Approver",
        "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
        tuple(
            f"Microsoft.{kind}/{verb}"
            for kind in (
                "CognitiveServices/accounts",
                "ContainerRegistry/registries",
                "KeyVault/vaults",
                "MachineLearningServices/workspaces",
                "Storage/storageAccounts",
            )
            for verb in ("privateEndpointConnectionsApproval/action", "privateEndpointConnections/*", "read")
        ),
    ),
    Role("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d", (f"{ACR}/pull/read",)),
    Role("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec", (f"{ACR}/pull/read", f"{ACR}/push/write")),
    Role(
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        (f"{BLOBS}/read", f"{BLOBS.rsplit('/', 1)[0]}/generateUserDelegationKey/action"),
        (),
        (f"{BLOBS}/blobs/read",),
    ),
    Role(
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        (f"{BLOBS}/*", f"{BLOBS.rsplit('/', 1)[0]}/generateUserDelegationKey/action"),
        (),
        (f"{BLOBS}/blobs/*",),
    ),
    Role(
        "Key Vault Crypto User",
        "12338af0-0e69-4776-bea7-57ae8d297424",
        (),
        (),
        tuple(f"{KEYS}/{verb}" for verb in KEY_VERBS),
    ),
    Role(
        "Key Vault Crypto Service Encryption User",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
        (),
        (),
        (f"{KEYS}/read", f"{KEYS}/wrap/action", f"{KEYS}/unwrap/action"),
    ),
    Role("Key Vault Crypto Officer", "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", (), (), (f"{KEYS}/*",)),
    Role(
        "Storage File Data Privileged Contributor",
        "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        (),
        (),
        (f"{FILES}/*",),
    ),
    Role(
        "AzureML Registry User",
        "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
        (f"{MODEL_REGISTRY}/read", f"{MODEL_REGISTRY}/assets/*"),
    ),
    Role("AzureML Metrics Writer", "635dd51f-9968-44d3-b7fb-6d9a6bd613ae", (f"{ML}/metrics/*/write",)),
    Role(
        "Azure Machine Learning Workspace Connection Secrets Reader",
        "ea01e6af-a1c1-4350-9563-ad00f8c72ec5",
        (f"{ML}/connections/listsecrets/action", f"{ML}/metadata/secrets/read"),
    ),
    Role(
        "AzureML Data Scientist",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        (f"{ML}/*/read", f"{ML}/*/action", f"{ML}/*/delete", f"{ML}/*/write"),
        (f"{ML}/delete", f"{ML}/write", f"{ML}/computes/*/write", f"{ML}/computes/*/delete"),
    ),
)
_BY_GUID = {role.guid: role for role in BUILT_IN}


@dataclass(frozen=True)
class Delay:
    """How long a new assignment stays unknown: seconds since its creation, or questions it has to sit through."""

    seconds: float = 0.0
    reads: int = 0

    @classmethod
    def parse(cls, text: str) -> Delay:
        """``2.5`` (seconds) or ``reads:3``.

        Raises:
            ValueError: neither.
        """
        if text.startswith("reads:"):
            return cls(reads=int(text.removeprefix("reads:")))
        return cls(seconds=float(text))


class Rbac:
    """Answers whether a principal may do something; stateless over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allowed(self, principal: str, action: str, scope: str, *, data: bool = False) -> bool:
        """Whether an assignment on the scope or above it allows the action."""
        return any(role.allows(action, data=data) for role in self._roles(principal, scope, action, data))

    def _roles(self, principal: str, scope: str, action: str, data: bool) -> Iterator[Role]:
        for given in self._store.setting(ROLES, [{"principal": CLIENT_OBJECT_ID, "role": "Owner"}]):
            role = find(given["role"])
            if role and given["principal"] == principal and _covers(given.get("scope", SUBSCRIPTION), scope):
                yield role
        for assignment in self._store.of_type(ASSIGNMENT):
            properties = assignment.properties
            role = find(str(properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1])
            if role is None or properties.get("principalId") != principal:
                continue
            if _covers(properties["scope"], scope) and role.allows(action, data=data) and self._known(assignment):
                yield role

    def _known(self, assignment: Resource) -> bool:
        late = assignment.internal.get("late") or self._store.setting(DELAY, delay_from_environment())
        delay = Delay.parse(str(late))
        if time.time() - assignment.internal.get("since", 0.0) < delay.seconds:
            return False
        asked = int(assignment.internal.get("asked", 0))
        if asked >= delay.reads:
            return True
        with self._store.lock:
            current = self._store.get(assignment.id)
            if current is not None:
                current.internal["asked"] = asked + 1
                self._store.put(current)
        return False


def delay_from_environment() -> str:
    """``EMULATOR_RBAC_DELAY``: seconds, or ``reads:N``; none by default.

    Raises:
        EmulatorError: it is neither.
    """
    text = os.environ.get("EMULATOR_RBAC_DELAY") or "0"
    try:
        Delay.parse(text)
    except ValueError:
        message = f"EMULATOR_RBAC_DELAY is {text!r}; it has to be seconds or reads:N, such as 2.5 or reads:3."
        raise EmulatorError(message) from None
    return text


def find(role: str) -> Role | None:
    """A built-in role by GUID or name."""
    return _BY_GUID.get(role.lower()) or next((each for each in BUILT_IN if each.name.lower() == role.lower()), None)


def authorize(store: Store, caller: str, method: str, path: str) -> None:
    """Refuse a call to ARM that its caller has no role for.

    Raises:
        AzureError: 403 AuthorizationFailed.
    """
    asked = action_of(method, path)
    if asked is None:
        return
    action, scope = asked
    if not Rbac(store).allowed(caller, action, scope):
        raise AzureError(
            403,
            "AuthorizationFailed",
            f"The client '{CLIENT_ID}' with object id '{caller}' does not have authorization to perform action "
            f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
            "your credentials.",
        )


def action_of(method: str, path: str) -> tuple[str, str] | None:
    """Action and scope of a request; None for what needs no role: polls, and paths that are no resource's."""
    parsed = parse(path)
    if parsed is None or "/mfeoperations" in path.lower() or (parsed.subscription or "").lower() != SUBSCRIPTION_ID:
        return None
    kind = parsed.collection_type if parsed.tail else parsed.type
    if kind.lower().startswith("microsoft.resources/resourcegroups"):
        kind = kind.replace("Microsoft.Resources/", "Microsoft.Resources/subscriptions/", 1)
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(method, "write")
    return f"{kind}/{verb}", parsed.id


def _any(patterns: tuple[str, ...], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _covers(scope: str, resource: str) -> bool:
    above, below = scope.rstrip("/").lower(), resource.lower()
    return below == above or below.startswith(f"{above}/")
