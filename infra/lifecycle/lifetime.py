"""How often a resource was made under its name: one that was deleted and made again is another one.

Names and ids on Azure are the same again when something is deleted and made anew, with nothing in it. Only what Azure
itself gives to each tells that the stages have to do their work again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from settings.naming import Names
from settings.redaction import redact


def of_workspace(resource: ml.Workspace, names: Names, name: str) -> pulumi.Output[str]:
    """The GUID of a workspace or project, which also names its containers; `name` is one of `names`."""

    async def ask() -> str | None:
        answer = ml.get_workspace_output(workspace_name=name, resource_group_name=names.resource_group)
        try:
            return await answer.workspace_id.future()
        # A failed call is a plain Exception for Pulumi.
        except Exception as error:  # noqa: BLE001
            not_read(f"workspace {name}", error)
            return None

    return known_in_previews(resource, resource.workspace_id, ask)


def of_endpoint(resource: ml.OnlineEndpoint, live: ml.GetOnlineEndpointResult | None) -> pulumi.Output[str]:
    """When an endpoint was made, as it has no id but its name; `live` is the one there is before the update."""

    async def ask() -> str | None:
        return made(live.system_data) if live else None

    return known_in_previews(resource, resource.system_data.apply(made), ask)


def not_read(what: str, error: Exception) -> None:
    """Says why nothing is known about what is there. That it is not there is no news, a refusal is."""
    say = pulumi.log.debug if "NotFound" in str(error) or "Status=404" in str(error) else pulumi.log.warn
    say(redact(f"nothing is known about {what} as it is now: {error}"))


def made(data: ml.outputs.SystemDataResponse | None) -> str:
    """When a resource was made: whole seconds, as not every answer need have the same digits after them."""
    return (data.created_at or "")[:19] if data else ""


def known_in_previews(
    resource: pulumi.CustomResource, value: pulumi.Output[str], ask: Callable[[], Awaitable[str | None]]
) -> pulumi.Output[str]:
    """The value; while only a change in place makes it unknown, what `ask` answers.

    In the preview of such a change azure-native calls every answer unknown, and with each new tag all stages would
    look as if they had to run again. The id is unknown only if the resource is made anew.
    """

    async def before() -> str:
        return await ask() or cast(str, pulumi.UNKNOWN)

    return value.apply(
        lambda found: resource.id.apply(lambda _: before()) if pulumi.contains_unknowns(found) else found,
        run_with_unknowns=True,
    )
