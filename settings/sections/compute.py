"""The machines that train."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from settings.fields import Count, Number, Positive, Section, Text, Whole, gpu_size
from settings.machines import VM_SIZES, VmSize
from settings.problems import refuse


class DescribedSize(Section):
    """A size of Azure's that this project does not know, as its page on Microsoft Learn describes it."""

    family: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    """vCPU quota family, as `az vm list-usage` names it"""
    cores: Annotated[Count, Field(le=4096)] = 0
    """vCPUs"""
    gpus: Annotated[Count, Field(le=64)] = 0
    """GPUs; 0: nothing is described"""
    gpu_memory: Annotated[Count, Field(le=65_536)] = 0
    """memory of all its GPUs together, in GB"""
    memory: Annotated[Count, Field(le=65_536)] = 0
    """memory in GB"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.gpus and not (self.family and self.cores and self.gpu_memory):
            raise refuse("is not all of a size", "give family, cores, gpus and gpuMemory", at="gpus", value=self.gpus)
        return self


class ComputeSettings(Section):
    """The GPU cluster that trains."""

    described: DescribedSize = DescribedSize()
    """vmSize, where this project does not know it"""
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

    # Azure tells carbon of a month and a resource, and of no job (docs/evaluation.md).
    carbon_intensity: Annotated[Number, Field(ge=0, le=5_000)] = 0
    """grams of CO2 that a kilowatt-hour of the region's grid stands for, for the model card; 0: unknown"""

    # The estimate was never held against a GPU, so it does not have the last word.
    memory_check: Literal["refuse", "warn"] = "refuse"
    """a fine-tune that by the estimate does not fit the GPUs' memory is refused, or warned of"""

    @field_validator("vm_size")
    @classmethod
    def _for_clusters(cls, name: str, info: ValidationInfo) -> str:
        described = info.data.get("described")
        if described is not None and described.gpus and name.lower() not in {known.lower() for known in VM_SIZES}:
            return name
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
        found, given = VM_SIZES.get(self.vm_size), self.described
        if found is not None:
            return found
        return VmSize(self.vm_size, given.family, given.cores, given.gpus, given.gpu_memory, given.memory)
