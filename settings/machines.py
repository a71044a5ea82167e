"""Azure's machine sizes: what settings are checked against, what a machine costs and how fast its GPUs are.

Retirement dates and successors, the 20 % reserve and its exemptions, and where A10 sizes are refused come from
public Microsoft pages and issues, named where they are used. Not checked against Azure: the cores, GPUs and memory of
the sizes other than Standard_NC24ads_A100_v4. Peak speeds are those of NVIDIA's data sheets for dense 16-bit numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class VmSize:
    """A machine size: cores and GPUs of one machine, its GPU memory and memory in GB, and its vCPU quota family.

    `reserve` is what a managed endpoint sets aside on top for upgrades, as a share of the instances (0.2 is
    Azure's 20 %, from which A100 and H100 sizes are exempt). `retired` is the day Azure took the size away.
    """

    name: str
    family: str
    cores: int
    gpus: int
    gpu_memory: int
    memory: int
    reserve: float = 0.2
    cluster: bool = True
    endpoint: bool = True
    retired: str = ""
    successor: str = ""

    @property
    def memory_per_gpu(self) -> int:
        """GPU memory in GB that one GPU has; a model that is not split has to fit into it."""
        return self.gpu_memory // self.gpus if self.gpus else 0

    def cluster_cores(self, nodes: int) -> int:
        """vCPUs of the family's quota that a cluster of so many nodes takes."""
        return nodes * self.cores

    def endpoint_cores(self, instances: int) -> int:
        """vCPUs of the family's quota that a deployment takes: whole machines, the reserve included.

        Azure ML docs, "Manage and increase quotas": ceil(1.2 x instances) x cores where the reserve applies.
        """
        # round: 1.2 x 5 is 6.0 for Azure, and a hair more for a float.
        return math.ceil(round((1 + self.reserve) * instances, 6)) * self.cores


_A100 = "StandardNCADSA100v4Family"
_H100 = "StandardNCadsH100v5Family"
_ND_A100_40, _ND_A100_80 = "Standard NDASv4_A100 Family", "Standard NDAMSv4_A100Family"
_ND_H100 = "standardNDSH100v5Family"
_A10 = "StandardNVADSA10v5Family"
_T4 = "Standard NCASv3_T4 Family"
_V100 = "Standard NCSv3 Family"
_DSV2 = "standardDSv2Family"
_DSV3 = "standardDSv3Family"
_V100_RETIRED = "2025-09-30"
_V100_SUCCESSOR = "Standard_NC24ads_A100_v4"

_SIZES = (
    VmSize("Standard_NC24ads_A100_v4", _A100, 24, 1, 80, 220, reserve=0),
    VmSize("Standard_NC48ads_A100_v4", _A100, 48, 2, 160, 440, reserve=0),
    VmSize("Standard_NC96ads_A100_v4", _A100, 96, 4, 320, 880, reserve=0),
    VmSize("Standard_NC40ads_H100_v5", _H100, 40, 1, 94, 320, reserve=0),
    VmSize("Standard_NC80adis_H100_v5", _H100, 80, 2, 188, 640, reserve=0),
    VmSize("Standard_ND96asr_v4", _ND_A100_40, 96, 8, 320, 900, reserve=0),
    VmSize("Standard_ND96amsr_A100_v4", _ND_A100_80, 96, 8, 640, 1900, reserve=0),
    VmSize("Standard_ND96isr_H100_v5", _ND_H100, 96, 8, 640, 1900, reserve=0),
    # A10 v5 was refused for a cluster and accepted for an endpoint in one and the same region.
    VmSize("Standard_NV36ads_A10_v5", _A10, 36, 1, 24, 440, cluster=False),
    VmSize("Standard_NV72ads_A10_v5", _A10, 72, 2, 48, 880, cluster=False),
    VmSize("Standard_NC4as_T4_v3", _T4, 4, 1, 16, 28),
    VmSize("Standard_NC8as_T4_v3", _T4, 8, 1, 16, 56),
    VmSize("Standard_NC16as_T4_v3", _T4, 16, 1, 16, 110),
    VmSize("Standard_NC64as_T4_v3", _T4, 64, 4, 64, 440),
    VmSize("Standard_NC6s_v3", _V100, 6, 1, 16, 112, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize("Standard_NC12s_v3", _V100, 12, 2, 32, 224, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize("Standard_NC24s_v3", _V100, 24, 4, 64, 448, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize(
        "Standard_NC24rs_v3", _V100, 24, 4, 64, 448, endpoint=False, retired=_V100_RETIRED, successor=_V100_SUCCESSOR
    ),
)
VM_SIZES = {size.name: size for size in _SIZES}
"""The GPU sizes this project has been thought through for."""

_CPU_SIZES = (
    VmSize("Standard_DS3_v2", _DSV2, 4, 0, 0, 14),
    VmSize("Standard_DS4_v2", _DSV2, 8, 0, 0, 28),
    VmSize("Standard_D4s_v3", _DSV3, 4, 0, 0, 16),
    VmSize("Standard_D8s_v3", _DSV3, 8, 0, 0, 32),
)
CPU_SIZES = {size.name: size for size in _CPU_SIZES}
"""The sizes without a GPU that data may be prepared on."""

_SPELLED = {name.lower(): name for name in (*VM_SIZES, *CPU_SIZES)}

PRICES_SEEN = "2026-11-28"
HOURLY_DOLLARS = {
    "Standard_NC24ads_A100_v4": 3.67,
    "Standard_NC48ads_A100_v4": 7.34,
    "Standard_NC96ads_A100_v4": 14.68,
    "Standard_NC40ads_H100_v5": 8.73,
    "Standard_NC80adis_H100_v5": 17.46,
    "Standard_ND96asr_v4": 27.2,
    "Standard_ND96amsr_A100_v4": 32.77,
    "Standard_ND96isr_H100_v5": 98.32,
    "Standard_NV36ads_A10_v5": 3.2,
    "Standard_NV72ads_A10_v5": 6.6,
    "Standard_NC4as_T4_v3": 0.6,
    "Standard_NC8as_T4_v3": 0.8,
    "Standard_NC16as_T4_v3": 1.3,
    "Standard_NC64as_T4_v3": 4.5,
    "Standard_DS3_v2": 0.3,
    "Standard_DS4_v2": 0.6,
    "Standard_D4s_v3": 0.2,
    "Standard_D8s_v3": 0.4,
}
"""What a machine costs an hour at most, for limits: the dearest price of any region on the day `PRICES_SEEN`.

Of one A100 3.67, of one H100 6.98, 7.91 and 8.73, by region and day; a machine with more of them is a multiple. A10,
T4, CPU and ND96 sizes are estimates. A size that is not here costs an unknown amount; Azure's price list
(cloud/services/prices.py) knows more, but a policy asks nobody.
"""


PEAK_FLOPS = {
    "Standard_NC24ads_A100_v4": 312e12,
    "Standard_NC48ads_A100_v4": 2 * 312e12,
    "Standard_NC96ads_A100_v4": 4 * 312e12,
    "Standard_NC40ads_H100_v5": 835e12,
    "Standard_NC80adis_H100_v5": 2 * 835e12,
    "Standard_ND96asr_v4": 8 * 312e12,
    "Standard_ND96amsr_A100_v4": 8 * 312e12,
    "Standard_ND96isr_H100_v5": 8 * 989e12,
    "Standard_NC4as_T4_v3": 65e12,
    "Standard_NC8as_T4_v3": 65e12,
    "Standard_NC16as_T4_v3": 65e12,
    "Standard_NC64as_T4_v3": 4 * 65e12,
}
"""Peak 16-bit floating-point operations a second of all GPUs of a machine."""


def spelled(vm_size: str) -> str:
    """A VM size as Azure's price list spells it, which compares with case; clusters answer theirs in capitals."""
    return _SPELLED.get(vm_size.lower(), vm_size)
