"""Protects what holds data, models or an address from being deleted, in stacks that ask for it."""

from __future__ import annotations

import pulumi

from cloud.catalogue import CATALOGUE

STATEFUL = frozenset(row.type for row in CATALOGUE if row.protect)


def protect_stateful() -> None:
    """Set `protect` on every stateful resource the program declares from here on.

    A destroy or a replacement of one of them then fails before anything is touched, until the setting is switched off
    and that is deployed, or `pulumi state unprotect` is run.
    """

    def protect(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in STATEFUL:
            return None
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(protect)
