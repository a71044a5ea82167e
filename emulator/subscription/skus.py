"""The machine sizes Azure ML knows: who may use them, where, and how much quota they take.

Families and the 20 % rule are Microsoft's (docs, public issues). Which regions offer a size is not checked against
Azure: a list of regions that have had the hardware, so that the refusal exists; so are the sizes of CPU machines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.subscription.regions import REGIONS

_A100_REGIONS = (
    "australiaeast brazilsouth canadacentral centralindia centralus eastus eastus2 francecentral germanywestcentral "
    "italynorth japaneast koreacentral northcentralus northeurope norwayeast polandcentral southafricanorth "
    "southcentralus southeastasia spaincentral swedencentral switzerlandnorth uaenorth uksouth westeurope westus "
    "westus2 westus3"
)
_H100_REGIONS = (
    "australiaeast canadacentral centralus eastus eastus2 francecentral germanywestcentral japaneast northcentralus "
    "southcentralus swedencentral switzerlandnorth uksouth westeurope westus2 westus3"
)


@dataclass(frozen=True)
class Family:
    """A vCPU quota family.

    Attributes:
        name: as quota APIs spell it; matched without case or spaces.
        label: as people see it, and as refusals call it.
        limit: cores a fresh subscription of the emulator has in every region: enough for two releases of
            two instances side by side and a cluster node.
        reserve: whether managed endpoints set 20 % of the instances aside for upgrades.
        cluster, endpoint: whether a compute cluster, a managed endpoint may use it.
        low_priority: whether low-priority nodes were ever offered.
        retired: day Azure took the family away, or empty.
        successor: size that takes the place of a retired family's sizes.
        regions: where it is offered.
    """

    name: str
    label: str
    limit: int
    reserve: bool = True
    cluster: bool = True
    endpoint: bool = True
    low_priority: bool = True
    retired: str = ""
    successor: str = ""
    regions: frozenset[str] = REGIONS


@dataclass(frozen=True)
class Sku:
    """A machine size; ``memory`` in GB, ``serves`` whether managed endpoints take it where they take its family."""

    name: str
    family: Family
    cores: int
    gpus: int = 0
    memory: int = 0
    serves: bool = True

    @property
    def endpoint(self) -> bool:
        return self.serves and self.family.endpoint

    def reserved(self, instances: int) -> int:
        """Instances a managed endpoint takes quota for: 20 % more, rounded up, where Azure reserves them."""
        return math.ceil(instances * 6 / 5) if self.family.reserve else instances

    def offered_in(self, region: str) -> bool:
        return region in self.family.regions and not self.family.retired


A100 = Family(
    "StandardNCADSA100v4Family", "Standard NCADSA100v4 Family", 120, reserve=False,
    regions=frozenset(_A100_REGIONS.split()),
)  # fmt: skip
H100 = Family(
    "StandardNCadsH100v5Family", "Standard NCadsH100v5 Family", 80, reserve=False, low_priority=False,
    regions=frozenset(_H100_REGIONS.split()),
)  # fmt: skip
ND_A100_40 = Family(
    "Standard NDASv4_A100 Family",
    "Standard NDASv4_A100 Family",
    192,
    reserve=False,
    regions=frozenset(_A100_REGIONS.split()),
)
ND_A100_80 = Family(
    "Standard NDAMSv4_A100Family",
    "Standard NDAMSv4_A100Family",
    192,
    reserve=False,
    regions=frozenset(_A100_REGIONS.split()),
)
ND_H100 = Family(
    "standardNDSH100v5Family", "Standard NDSH100v5 Family", 192, reserve=False, regions=frozenset(_H100_REGIONS.split())
)
A10 = Family(
    "StandardNVADSA10v5Family",
    "Standard NVADSA10v5 Family",
    72,
    cluster=False,
    regions=frozenset(_A100_REGIONS.split()),
)
T4 = Family("Standard NCASv3_T4 Family", "Standard NCASv3_T4 Family", 64)
V100 = Family(
    "Standard NCSv3 Family", "Standard NCSv3 Family", 24, retired="2025-09-30", successor="Standard_NC24ads_A100_v4"
)
DSV2 = Family("standardDSv2Family", "Standard DSv2 Family", 100)
DV3 = Family("standardDSv3Family", "Standard DSv3 Family", 100)
FAMILIES = (A100, H100, ND_A100_40, ND_A100_80, ND_H100, A10, T4, V100, DSV2, DV3)

SKUS = (
    Sku("Standard_NC24ads_A100_v4", A100, 24, 1, 220),
    Sku("Standard_NC48ads_A100_v4", A100, 48, 2, 440),
    Sku("Standard_NC96ads_A100_v4", A100, 96, 4, 880),
    Sku("Standard_NC40ads_H100_v5", H100, 40, 1, 320),
    Sku("Standard_NC80adis_H100_v5", H100, 80, 2, 640),
    Sku("Standard_ND96asr_v4", ND_A100_40, 96, 8, 900),
    Sku("Standard_ND96amsr_A100_v4", ND_A100_80, 96, 8, 1900),
    Sku("Standard_ND96isr_H100_v5", ND_H100, 96, 8, 1900),
    Sku("Standard_NV36ads_A10_v5", A10, 36, 1, 440),
    Sku("Standard_NV72ads_A10_v5", A10, 72, 2, 880),
    Sku("Standard_NC4as_T4_v3", T4, 4, 1, 28),
    Sku("Standard_NC8as_T4_v3", T4, 8, 1, 56),
    Sku("Standard_NC16as_T4_v3", T4, 16, 1, 110),
    Sku("Standard_NC64as_T4_v3", T4, 64, 4, 440),
    Sku("Standard_NC6s_v3", V100, 6, 1, 112),
    Sku("Standard_NC12s_v3", V100, 12, 2, 224),
    Sku("Standard_NC24s_v3", V100, 24, 4, 448),
    Sku("Standard_NC24rs_v3", V100, 24, 4, 448, serves=False),
    Sku("Standard_DS2_v2", DSV2, 2, 0, 7),
    Sku("Standard_DS3_v2", DSV2, 4, 0, 14),
    Sku("Standard_DS4_v2", DSV2, 8, 0, 28),
    # As in the specification's example of the list of sizes: clusters only.
    Sku("Standard_DS11_v2", DSV2, 2, 0, 14, serves=False),
    Sku("Standard_D2s_v3", DV3, 2, 0, 8),
    Sku("Standard_D4s_v3", DV3, 4, 0, 16),
    Sku("Standard_D8s_v3", DV3, 8, 0, 32),
)
_BY_NAME = {sku.name.lower(): sku for sku in SKUS}


def find(name: str) -> Sku | None:
    """The size of a name, matched without case; retired ones too."""
    return _BY_NAME.get(name.lower())


def family(name: str) -> Family | None:
    """The family of any spelling: ``standardNCADSA100v4Family``, with spaces, or as a cluster quota's name."""
    wanted = _plain(name).removesuffix("clusterdedicatedvcpus")
    return next((each for each in FAMILIES if wanted in (_plain(each.name), _plain(each.label))), None)


def offered(region: str) -> list[Sku]:
    """The sizes of a region that are not retired, for a cluster or an endpoint or both."""
    return [sku for sku in SKUS if sku.offered_in(region)]


def _plain(name: str) -> str:
    return name.lower().replace(" ", "").replace("_", "")
