"""The machines that train."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from settings.fields import Count, Positive, Section, Text, Whole, gpu_size
from settings.machines import VM_SIZES, VmSize
from settings.problems import refuse


class ComputeSettings(Section):
    """The GPU cluster that trains."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    """size of a node"""
    min_nodes: Count = 0
    """nodes kept running (and paid for) without a job"""
    max_nodes: Annotated[Positive, Field(le=100)] = 1
    """nodes at most"""
    idle_seconds: Annotated[Whole, Field(ge=60, le=86_400)] = 120
    """how long an idle node waits before it is released"""
    # For the data card, and before the price list for what jobs status tells; reviews ask the price list alone.
    hourly_price: Annotated[float, Field(ge=0, le=1_000)] = 0
    """what a node costs you in US dollars an hour, for the data card and jobs status; 0: unknown"""

    @field_validator("vm_size")
    @classmethod
    def _for_clusters(cls, name: str) -> str:
        size = gpu_size(name)
        if not size.cluster:
            raise refuse("is not offered for Azure ML clusters", "take Standard_NC24ads_A100_v4")
        return size.name

    @field_validator("max_nodes")
    @classmethod
    def _not_below_minimum(cls, nodes: int, info: ValidationInfo) -> int:
        least = info.data.get("min_nodes", 0)
        if nodes < least:
            raise refuse(f"must not be less than minNodes, which is {least}", f"set it to {least} or more")
        return nodes

    @property
    def size(self) -> VmSize:
        """What is known of the size."""
        return VM_SIZES[self.vm_size]
