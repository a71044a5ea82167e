"""The tags of a stack's resources: which the settings may name, and which are somebody else's.

A landing zone's policies put tags of their own onto everything (`Inherit a tag from the resource group`, for one). The
program says nothing about those it is told of: it neither takes them away nor sees a difference in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from infra.problems import refuse

OWN_TAGS = ("project", "stack", "commit")
RESERVED_TAGS = ("microsoft", "azure", "windows")


def _named(key: str) -> str:
    if key.lower() in OWN_TAGS:
        raise refuse("is a tag the program sets itself", "remove it", value=key)
    return key


Tag = Annotated[str, StringConstraints(max_length=256, strict=True)]
TagName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=512), AfterValidator(_named)]


def azure_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags, as Azure takes them. Raises what `refuse` makes."""
    if len(tags) > 40:
        raise refuse("must be 40 tags or fewer, as Azure allows 50 in all", "remove some")
    lowered = [key.lower() for key in tags]
    for place, key in enumerate(tags):
        if key.lower() in lowered[:place]:
            raise refuse("is there twice: Azure ignores the case of tag names", "keep one", at=key, value=tags[key])
    for key, value in tags.items():
        if key.lower() in OWN_TAGS:
            raise refuse("is a tag the program sets itself", "remove it", at=key, value=value)
        if key.lower().startswith(RESERVED_TAGS):
            rule = f"must not begin with {', '.join(RESERVED_TAGS)}, which Azure keeps for itself"
            raise refuse(rule, "rename it", at=key, value=value)
        # 128 is the storage account's limit; other resources take 512.
        if not 1 <= len(key) <= 128 or set(key) & set("<>%&\\?/"):
            rule = "must have a name of 1 to 128 characters without < > % & \\ ? /"
            raise refuse(rule, "rename it", at=key, value=value)
    return tags


def without(tags: Mapping[str, str] | None, names: Collection[str]) -> dict[str, str]:
    """Those of a resource that are the program's; Azure ignores the case of tag names."""
    elsewhere = {name.lower() for name in names}
    return {key: value for key, value in (tags or {}).items() if key.lower() not in elsewhere}


def leave_alone(names: Collection[str]) -> None:
    """Keeps the program from changing these tags on every resource it declares from here on."""
    import pulumi

    paths = ["tags[" + '"' + name.replace('"', '\\"') + '"]' for name in names]

    def ignore(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not paths or "tags" not in args.props:
            return None
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(ignore_changes=paths))
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(ignore)
