"""Who may do what: identities, roles, trust in others' tokens."""

from __future__ import annotations

from cloud.catalogue import FEDERATED_CREDENTIAL, IDENTITY, ROLE_ASSIGNMENT
from review.known.judge import Level, Property, harmless, matters, naming, prop

HIGH, MEDIUM = Level.HIGH, Level.MEDIUM

ACTS_AS = (
    # Told as a whole, old → new, by `review.risks`.
    *harmless("identity.type", "identity.userAssignedIdentities**"),
    prop("identity.**", matters("this review does not know what that is of an identity", at_first=MEDIUM)),
)
"""The input `identity` of whatever acts."""

ACCESS: dict[str, tuple[Property, ...]] = {
    IDENTITY.type: (
        prop("isolationScope", matters("it may be used in other regions, or in fewer", at_first=Level.LOW)),
    ),
    # What it gives to whom, and where, is told as a whole by `review.risks`, whatever it is.
    ROLE_ASSIGNMENT.type: (
        *naming("roleAssignmentName"),
        *harmless("principalType", "conditionVersion", "description"),
        *harmless("scope", "principalId", "roleDefinitionId"),
        prop("condition", matters("the condition under which the role counts is another one", HIGH)),
        prop("delegatedManagedIdentityResourceId", matters("another identity has the role", HIGH, at_first=HIGH)),
    ),
    FEDERATED_CREDENTIAL.type: (
        *naming("federatedIdentityCredentialResourceName"),
        prop("issuer", matters("tokens of another issuer count", HIGH)),
        prop("subject", matters("somebody else can act as the identity", HIGH)),
        prop("audiences**", matters("tokens that were made for something else count", HIGH)),
        prop("claimsMatchingExpression**", matters("others can act as the identity", HIGH, at_first=HIGH)),
    ),
}
"""By type."""
