"""What is in another component by now, or has another name in the program: the same resource all the same.

A resource's place in the program is part of how the state knows it. One that is moved without a word is a new one to
the engine, which makes it and deletes the old one, with all that is in it. So whoever moves or renames something adds a
row, and leaves it for as long as a state may be older.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class Moved:
    """`name` and `type` are of the resource as it is now; the rest is what it was, where that is something else.

    `component` is `Type::name`, as in `finetune-phi:infra:Foundation::foundation`.
    """

    name: str
    type: str
    component: str = ""
    earlier_name: str = ""

    def alias(self, stack: str, project: str) -> pulumi.Alias:
        """As the engine looks for it in an older state."""
        parent = f"urn:pulumi:{stack}::{project}::{self.component}"
        name = self.earlier_name or self.name
        return pulumi.Alias(name=name, parent=parent) if self.component else pulumi.Alias(name=name)


MOVED: tuple[Moved, ...] = ()
"""Nothing so far."""


def follow(moved: Collection[Moved]) -> None:
    """Has the engine know these again on all that the program declares from here on."""
    if not moved:
        return

    def follow_one(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        found = [each for each in moved if (each.name, each.type) == (args.name, args.type_)]
        if not found:
            return None
        aliases = [each.alias(pulumi.get_stack(), pulumi.get_project()) for each in found]
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(aliases=aliases))
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(follow_one)
