"""What settings are checked against: Azure's regions, GPU sizes and the Phi models.

Retirement dates and successors, the 20 % reserve and its exemptions, and where A10 sizes are refused come from
public Microsoft pages and issues. Not checked against Azure: the list of regions, the cores, GPUs and memory of the
sizes other than Standard_NC24ads_A100_v4, and the GPU memory a model needs.
"""

from __future__ import annotations

from dataclasses import dataclass

_REGION_NAMES = """
    australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral
    brazilsouth brazilsoutheast canadacentral canadaeast centralindia centralus chilecentral
    denmarkeast eastasia eastus eastus2 francecentral francesouth germanynorth germanywestcentral
    indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest
    koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope
    norwayeast norwaywest polandcentral qatarcentral southafricanorth southafricawest southcentralus
    southeastasia southindia spaincentral swedencentral switzerlandnorth switzerlandwest uaecentral
    uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3
"""
REGIONS = frozenset(_REGION_NAMES.split())
"""Short names of the regions of Azure's public cloud."""


@dataclass(frozen=True)
class VmSize:
    """A GPU size: cores and GPUs of one machine, GPU memory in GB per machine, and its vCPU quota family.

    `reserve` is what a managed endpoint sets aside on top for upgrades, as a share of the instances (0.2 is
    Azure's 20 %, from which A100 and H100 sizes are exempt). `retired` is the day Azure took the size away.
    """

    name: str
    family: str
    cores: int
    gpus: int
    gpu_memory: int
    reserve: float = 0.2
    cluster: bool = True
    endpoint: bool = True
    retired: str = ""
    successor: str = ""


_A100 = "StandardNCADSA100v4Family"
_H100 = "StandardNCadsH100v5Family"
_A10 = "StandardNVADSA10v5Family"
_T4 = "Standard NCASv3_T4 Family"
_V100 = "Standard NCSv3 Family"
_V100_RETIRED = "2025-09-30"
_V100_SUCCESSOR = "Standard_NC24ads_A100_v4"

_SIZES = (
    VmSize("Standard_NC24ads_A100_v4", _A100, 24, 1, 80, reserve=0),
    VmSize("Standard_NC48ads_A100_v4", _A100, 48, 2, 160, reserve=0),
    VmSize("Standard_NC96ads_A100_v4", _A100, 96, 4, 320, reserve=0),
    VmSize("Standard_NC40ads_H100_v5", _H100, 40, 1, 94, reserve=0),
    VmSize("Standard_NC80adis_H100_v5", _H100, 80, 2, 188, reserve=0),
    # A10 v5 was refused for a cluster and accepted for an endpoint in one and the same region.
    VmSize("Standard_NV36ads_A10_v5", _A10, 36, 1, 24, cluster=False),
    VmSize("Standard_NV72ads_A10_v5", _A10, 72, 2, 48, cluster=False),
    VmSize("Standard_NC4as_T4_v3", _T4, 4, 1, 16),
    VmSize("Standard_NC8as_T4_v3", _T4, 8, 1, 16),
    VmSize("Standard_NC16as_T4_v3", _T4, 16, 1, 16),
    VmSize("Standard_NC64as_T4_v3", _T4, 64, 4, 64),
    VmSize("Standard_NC6s_v3", _V100, 6, 1, 16, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize("Standard_NC12s_v3", _V100, 12, 2, 32, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize("Standard_NC24s_v3", _V100, 24, 4, 64, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
    VmSize("Standard_NC24rs_v3", _V100, 24, 4, 64, retired=_V100_RETIRED, successor=_V100_SUCCESSOR),
)
VM_SIZES = {size.name: size for size in _SIZES}
"""The GPU sizes this project has been thought through for."""


@dataclass(frozen=True)
class Model:
    """A Phi model of the `azureml` registry.

    `gpu_memory` is the least GPU memory in GB that serves it in 16 bit with room for a conversation;
    `retired` the day on which Azure ended fine-tuning it.
    """

    name: str
    gpu_memory: int
    retired: str = ""
    successor: str = ""


_MODELS = (
    Model("Phi-4-mini-instruct", 24),
    Model("Phi-3-mini-4k-instruct", 24, retired="2025-08-30", successor="Phi-4-mini-instruct"),
)
MODELS = {model.name: model for model in _MODELS}
"""The base models this project knows more about than their name; others are taken as they are."""
