"""The caller's own tokens, for an endpoint that has no key."""

from __future__ import annotations

from chat.phi_messages import KeyRefused, Unreachable
from cloud.arm import ML_SCOPE
from cloud.credentials import CredentialError, credential
from cloud.errors import SIGN_IN


def by_token(mode: object) -> bool:
    """Whether an endpoint of that mode takes tokens of Entra ID alone: AADToken, in azure-ai-ml aad_token."""
    return str(mode).replace("_", "").lower() == "aadtoken"


def token() -> str:
    """One that Azure ML takes, as it is kept by `cloud.credentials`. Raises KeyRefused, Unreachable."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        return credential().get_token(ML_SCOPE).token
    except CredentialError as error:
        raise KeyRefused(f"Nobody is signed in to ask the endpoint: {error.why}. {error.todo}") from error
    except ClientAuthenticationError as error:
        raise KeyRefused(f"Nobody is signed in to ask the endpoint. {SIGN_IN}") from error
    except AzureError as error:
        raise Unreachable("Entra ID gave no token for the endpoint. Check the network, then ask again.") from error
