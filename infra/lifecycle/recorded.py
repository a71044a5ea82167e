"""What the state should hold of a resource and does not, asked again.

After a creation or an update that succeeds and cannot be read back, azure-native warns and records Azure's bare answer,
in which `properties.principalId` is not where `principalId` is looked for. The resource counts as unchanged from then
on, so whatever uses that output would be replaced by one without it: every role of an identity, for one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi_azure_native import managedidentity

from cloud.place import Place
from settings.redaction import redact

Ask = Callable[[], pulumi.Output[Any]]


def identity(place: Place, name: str) -> Ask:
    """Asks for the user-assigned identity of that name in the stack's group."""
    return lambda: managedidentity.get_user_assigned_identity_output(
        resource_group_name=place.names.resource_group, resource_name=name
    )


def recorded(value: pulumi.Output[str], ask: Ask, key: str, on: str) -> pulumi.Output[str]:
    """``value``, or the answer's ``key`` where the state has none; ``on`` is what it is of, for people.

    Ends the update, before anything is replaced, where Azure does not tell it either.
    """
    return value.apply(lambda found: found or told(ask, key, on))


async def told(ask: Ask, key: str, on: str) -> str:
    """The answer's ``key``. Raises RunError where there is none."""
    found, why = None, "Azure's answer does not have it"
    try:
        found = getattr(await ask().future(), key, None)
    # A failed call is a plain Exception for Pulumi.
    except Exception as error:  # noqa: BLE001
        why = redact(str(error))
    if found:
        return str(found)
    raise pulumi.RunError(
        f"{on}: its {key} is not in the stack's state, as an earlier update could not read it back, and cannot be read "
        f"now ({why}). Nothing of it was changed. Run `pulumi up --refresh`."
    )
