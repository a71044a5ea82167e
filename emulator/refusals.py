"""What the emulator refuses, and how well it is known that Azure refuses it so.

Every row has a pair of contract tests of its name: one shows the refusal, one the way through.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Known(Enum):
    """Where status, code and wording come from."""

    V = "seen verbatim in public issues or recordings"
    D = "Microsoft's documentation"
    S = "specification or SDK source"
    U = "from memory or inferred: unproven"


@dataclass(frozen=True)
class Refusal:
    """One rule.

    Attributes:
        area: the test module, ``tests/contract/test_refusals_{area}.py``.
        name: the parameter of its two tests, ``test_refused`` and ``test_way_through``.
        status: HTTP status; 0 where the call is accepted and the operation or job fails later.
        code: error code; for a scoring URL, whose errors have none, the container's own status where it passes that on.
        says: part of the error body.
        unproven: what of a row that is otherwise known is not, such as its status.
    """

    area: str
    name: str
    rule: str
    status: int
    code: str
    known: Known
    says: str = ""
    unproven: str = ""

    @property
    def tests(self) -> tuple[str, str]:
        """Ids of the test of the refusal and of the way through."""
        module = f"tests/contract/test_refusals_{self.area}.py"
        return f"{module}::test_refused[{self.name}]", f"{module}::test_way_through[{self.name}]"


V, D, S, U = Known.V, Known.D, Known.S, Known.U
JOB_ERROR = "UserError"

_REQUESTS = (
    ("token-missing", "no token", 401, "AuthenticationFailed", V, "header is missing"),
    ("token-expired", "expired token", 401, "ExpiredAuthenticationToken", V, "access token expiry UTC time", "status"),
    ("token-audience", "token for another audience", 401, "InvalidAuthenticationTokenAudience", U, "wrong audience"),
    ("token-forged", "token signed by nobody known", 401, "InvalidAuthenticationToken", U, "token is invalid"),
    ("permission", "no role allows the action", 403, "AuthorizationFailed", V, "to perform action"),
    ("permission-data", "Contributor assigns roles", 403, "AuthorizationFailed", V, "roleAssignments/write"),
    ("permission-delay", "role not propagated yet", 403, "AuthorizationFailed", V, "access was recently granted"),
    ("version-missing", "no api-version", 400, "MissingApiVersionParameter", V, "is required for all requests"),
    ("subscription", "unknown subscription", 404, "SubscriptionNotFound", V, "could not be found", "status"),
    ("group", "unknown resource group", 404, "ResourceGroupNotFound", V, "could not be found"),
    ("resource", "unknown resource", 404, "ResourceNotFound", V, "was not found"),
    ("location", "resource moved to another region", 409, "InvalidResourceLocation", V, "already exists in location"),
    ("patch", "PATCH of properties", 400, "BadRequest", V, "Could not find member 'properties'", "code"),
    ("throttled", "too many requests", 429, "SubscriptionRequestsThrottled", V, "Please try again after"),
    ("principal", "role for a principal without principalType", 400, "PrincipalNotFound", D, "principalType"),
    ("role-exists", "the same role twice", 409, "RoleAssignmentExists", V, "already exists"),
    ("trust-name", "federated credential name rule", 400, "BadRequest", D, "name 'a' is invalid", "code"),
    ("trust-empty", "federated credential without subject", 400, "BadRequest", D, "empty properties", "code"),
    ("trust-audience", "federated credential of two audiences", 400, "BadRequest", D, "exactly one audience", "code"),
    ("trust-twice", "the same issuer and subject twice", 409, "Conflict", V, "already exists for this", "status"),
    (
        "trust-most",
        "more than 20 federated credentials",
        400,
        "BadRequest",
        D,
        "the most there may be",
        "code, wording",
    ),
    ("trust-identity", "federated credential of no identity", 404, "ParentResourceNotFound", D, "", "code, wording"),
    (
        "trust-race",
        "two federated credentials written at once",
        409,
        "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
        V,
        "written concurrently",
    ),
    (
        "trust-missing",
        "federated credential that is not there",
        404,
        "FederatedIdentityCredentialNotFound",
        S,
        "was not found",
        "wording",
    ),
    ("role-name", "role assignment named no GUID", 400, "InvalidRoleAssignmentId", U, "must be a GUID"),
    ("role-update", "role assignment given to another", 400, "RoleAssignmentUpdateNotPermitted", D, "not allowed"),
)
_NAMES = (
    ("storage-name", "storage account name rule", 400, "AccountNameInvalid", V, "not a valid storage", "status"),
    ("storage-taken", "storage name taken anywhere", 409, "StorageAccountAlreadyTaken", V, "is already taken"),
    ("vault-name", "key vault name rule", 400, "VaultNameNotValid", D, "is invalid", "wording"),
    ("vault-taken", "vault name taken anywhere", 409, "VaultAlreadyExists", V, "globally unique"),
    ("registry-name", "registry name rule", 400, "InvalidResourceName", U, "is invalid"),
    ("registry-taken", "registry name taken anywhere", 409, "AlreadyInUse", V, "is already in use", "status"),
    ("subdomain-taken", "AI Services subdomain taken", 400, "CustomDomainInUse", V, "not available", "status"),
    ("endpoint-name", "endpoint name rule", 400, "BadRequest", S, "3 to 32 characters", "wording"),
    ("endpoint-taken", "endpoint name taken in the region", 400, "BadRequest", V, "unique within a region"),
    ("vault-deleted", "name of a soft-deleted vault", 409, "ConflictError", V, "exists in deleted state"),
    ("vault-purge", "purge of a protected vault", 405, "MethodNotAllowed", V, "DeletedVaultPurge"),
    ("vault-protection", "enablePurgeProtection false", 400, "BadRequest", V, "irreversible action"),
    ("workspace-deleted", "name of a soft-deleted workspace", 400, "BadRequest", V, "purge or recover"),
    (
        "workspace-late",
        "workspace purged when it is soft-deleted already",
        400,
        "BadRequest",
        V,
        "purge or recover",
        "what the late DELETE answers",
    ),
    ("logs-deleted", "kept Log Analytics name used elsewhere", 409, "Conflict", V, "is not unique", "status"),
    ("account-deleted", "name of a soft-deleted AI Services", 409, "FlagMustBeSetForRestore", V, "soft-deleted"),
)
_WORKSPACES = (
    ("dependencies", "workspace without its dependencies", 400, "Invalid", V, "Missing dependent resources"),
    ("project-hub", "project without a hub", 400, "BadRequest", U, "does not exist"),
    (
        "hub-projects",
        "hub deleted under its projects",
        400,
        "BadRequest",
        V,
        "still has associated AI projects",
        "code",
    ),
    ("group-nested", "group deleted under hub and project", 409, "CannotDeleteResource", V, "nested resources exist"),
    ("connection-keys", "Custom keys connection without keys", 400, "ValidationError", U, "needs credentials.keys"),
    ("connection-race", "two connections at once", 409, "Conflict", V, "being written", "code, wording"),
    ("connection-missing", "connection that is not there", 404, "UserError", V, "can't be found in this", "code"),
    ("cluster-region", "VM size not in the region", 400, "InvalidPropertyValue", V, "SupportedVMSizes", "status"),
    ("cluster-family", "VM size no cluster may use", 400, "InvalidPropertyValue", V, "not a supported", "status"),
    (
        "cluster-low-priority",
        "low-priority H100",
        0,
        "UnsupportedVMSizeForLowPriority",
        V,
        "not allowed for LowPriority",
    ),
    ("cluster-quota", "cluster beyond its quota", 0, "ClusterMinNodesExceedCoreQuota", V, "cannot accomodate"),
)
_JOBS = (
    ("compute", "job on a missing cluster", 0, JOB_ERROR, V, "does not exist"),
    ("dataset", "job with a missing data asset", 0, JOB_ERROR, V, "does not exist", "wording"),
    ("input-name", "component input that does not exist", 400, "UserError", U, "Unknown input"),
    ("input-type", "component input of another type", 400, "UserError", U, "has type"),
    ("input-value", "component input out of its values", 400, "UserError", U, "has to be one of"),
    ("identity-runs", "cluster identity may not write runs", 0, JOB_ERROR, U, "write the job's runs"),
    ("identity-pull", "cluster identity may not pull", 0, JOB_ERROR, V, "AggregatedUnauthorizedAccessError"),
    ("identity-data", "cluster identity may not read blobs, no keys", 0, JOB_ERROR, U, "read the job's data"),
    ("identity-output", "cluster identity may not write blobs, no keys", 0, JOB_ERROR, U, "store the job's output"),
    ("recipe", "keys that the component refuses beside each other", 0, JOB_ERROR, S, "Set evaluation_strategy to one"),
    ("data-few", "fewer than ten rows to train on", 0, JOB_ERROR, V, "which is fewer than 10 samples"),
    ("data-null", "a message without content", 0, JOB_ERROR, V, "Failure while applying chat template to dataset"),
    ("data-first", "a first row without anything to learn", 0, JOB_ERROR, V, "has no attribute 'write'"),
    ("data-answers", "no row with an answer left", 0, JOB_ERROR, S, "No assistant tokens found after preprocessing"),
    ("data-load", "a file that is no list of conversations", 0, JOB_ERROR, V, "Error while loading the dataset"),
    ("model-version", "model version that is no positive integer", 400, "UserError", U, "must be a positive integer"),
    ("model-running", "model of an unfinished job", 400, "UserError", V, "NoMatchingOutputFoundFromJob", "code"),
    ("model-output", "model of a missing output", 400, "UserError", V, "NoMatchingOutputFoundFromJob", "code"),
    ("model-path", "model of an empty path", 400, "BadRequest", V, "ModelAssetPathNotFoundInStorage"),
)
_SERVING = (
    ("size-retired", "deployment on a retired VM size", 400, "BadRequest", U, "retired on 2025-09-30"),
    ("quota", "deployment beyond its quota", 400, "BadRequest", V, "Not enough quota available"),
    ("quota-reserve", "20 % of the instances reserved", 400, "BadRequest", D, "Additional needed: 8"),
    ("probe", "probe period of 300 s or more", 400, "BadRequest", V, "LivenessProbe.PeriodSeconds"),
    ("egress", "egress setting on a managed network", 400, "BadRequest", V, "EgressPublicNetworkAccess"),
    ("endpoint-missing", "endpoint that is not there", 404, "NotFound", V, "specified resource was not found"),
    ("endpoint-providers", "Cdn or PolicyInsights not registered", 0, "SubscriptionNotRegistered", V, "[N/A]"),
    ("endpoint-updating", "deployment while the endpoint updates", 400, "BadRequest", V, "Updating", "status"),
    ("endpoint-failed", "deployment on a failed endpoint", 400, "BadRequest", V, "not been created successfully"),
    ("endpoint-again", "PUT of an endpoint whose creation failed", 400, "BadRequest", U, "Please recreate endpoint"),
    ("failed-again", "failed deployment tried again", 400, "BadRequest", V, "unrecoverable state"),
    ("endpoint-count", "one endpoint too many", 400, "BadRequest", V, "Endpoint Quota reached"),
    ("identity-pull", "endpoint identity lacks AcrPull", 0, "BadArgument", V, "does not have pull permission"),
    ("identity-blobs", "endpoint identity lacks Blob Data Reader", 0, "BadArgument", D, "Blob Data Reader", "wording"),
    ("identity-metrics", "endpoint identity may not write metrics", 0, "BadArgument", U, "AzureML Metrics Writer"),
    ("identity-delay", "endpoint identity's role not propagated", 0, "BadArgument", U, "identity does not have"),
    ("traffic-sum", "traffic neither 0 nor 100", 400, "BadRequest", D, "add up to", "wording"),
    ("traffic-unknown", "traffic to no deployment", 400, "BadRequest", U, "does not exist"),
    ("delete-live", "deployment deleted under traffic", 400, "BadRequest", V, "non-zero traffic weight", "status"),
    ("logs", "logs of a deployment in creation", 400, "UserError", V, "logs can't be retrieved", "status, code"),
    ("keys-auth", "keys of an endpoint that takes tokens", 400, "BadRequest", U, "therefore no keys"),
    ("keys-type", "neither the primary nor the secondary key", 400, "BadRequest", U, "keyType", "code, wording"),
    ("keys-old", "key regenerated since", 401, "", D, "key_auth_access_denied", "how soon the old one dies"),
    ("score-key", "wrong endpoint key", 401, "", D, "key_auth_access_denied"),
    ("score-header", "malformed Authorization header", 401, "", D, "key_auth_bad_header_forbidden"),
    ("score-token", "a key where the endpoint takes tokens of Entra ID", 401, "", U, "aad_token_auth_access_denied"),
    ("score-role", "a token of somebody without a role on the endpoint", 403, "", U, "aad_token_auth_forbidden"),
    ("score-route", "no traffic and no deployment named", 404, "", D, "No valid deployments to route to"),
    ("score-timeout", "answer later than the request timeout", 408, "", D, "upstream request timeout"),
    (
        "score-model",
        "temperature 0 while sampling: the model's code raises",
        424,
        "500",
        V,
        "unexpected error occurred",
    ),
    ("score-parameter", "a parameter the generation does not know", 424, "500", V, "unexpected error occurred"),
    ("score-input", "a chat completion's body at MLflow's /score", 424, "400", V, "A value is not provided"),
    ("score-completions", "chat completions of MLflow's generic scoring", 424, "404", V, "URL was not found", "status"),
    ("score-busy", "more pending requests than twice the concurrency", 429, "", D, "", "wording"),
)
_FLOWS = (
    ("share-key", "file share with a wrong key", 403, "AuthenticationFailed", D, "failed to authenticate"),
    ("share-keyless", "file share by key, keys off", 403, "KeyBasedAuthenticationNotPermitted", D, "Key based"),
    ("share-role", "file share without a role for files", 403, "AuthorizationPermissionMismatch", D, "not authorized"),
    ("share-intent", "file share by token without an intent", 400, "MissingRequiredHeader", U, "request-intent"),
    ("share-parent", "file without its directory", 404, "ParentNotFound", D, "parent path does not exist"),
    ("share-full", "deletion of a directory with files", 409, "DirectoryNotEmpty", D, "is not empty"),
    ("flow-files", "flow whose definition is not on the share", 404, "UserError", U, "does not exist"),
    ("flow-source", "flow whose node's file is not beside it", 400, "UserError", U, "not beside it"),
    ("flow-type", "flow of an unknown type", 400, "UserError", U, "is none of"),
)
_NETWORK = (
    ("subnet", "private endpoint in a subnet that is not there", 400, "InvalidResourceReference", V, "was not found"),
    ("target", "private endpoint to what is not there", 400, "InvalidResourceReference", V, "was not found"),
    ("group", "private endpoint to a part that there is not", 400, "PrivateEndpointFeatureNotSupported", U, "amlworks"),
    ("tier", "private endpoint to a registry below Premium", 400, "PrivateEndpointFeatureNotSupported", U, "Premium"),
    ("zone-region", "private DNS zone in a region", 400, "LocationNotAvailableForResourceType", V, "global", "status"),
    ("zone-linked", "private DNS zone deleted under its links", 409, "CannotDeleteResource", V, "nested resources"),
    ("zone-twice", "network linked to two zones of a name", 400, "BadRequest", U, "overlapping namespaces"),
    ("approver", "network provisioned without the role", 403, "AuthorizationFailed", U, "ConnectionsApproval/action"),
)
REFUSALS = tuple(
    Refusal(area, *row)
    for area, rows in (
        ("requests", _REQUESTS),
        ("names", _NAMES),
        ("workspaces", _WORKSPACES),
        ("jobs", _JOBS),
        ("serving", _SERVING),
        ("flows", _FLOWS),
        ("network", _NETWORK),
    )
    for row in rows
)
