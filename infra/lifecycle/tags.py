"""The tags of a stack's resources that are somebody else's.

A landing zone's policies put tags of their own onto everything (`Inherit a tag from the resource group`, for one). The
program says nothing about those it is told of: it neither takes them away nor sees a difference in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


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
