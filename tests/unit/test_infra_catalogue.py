"""The catalogue's rows beside Microsoft's pages, which are copied here by hand: both would have to be wrong alike."""

from __future__ import annotations

import pytest

from jobs.preflight.quota import plain
from settings.machines import CPU_SIZES, VM_SIZES
from settings.models import MODELS, model

# Azure's pages of the size series (vCPUs, GPUs, memory in GB, GPU memory in GB of all GPUs), the quota family as Azure
# ML's list of usages spells it, and whether the list of sizes for managed endpoints has it and skips the reserve.
SIZES = {
    "Standard_NC24ads_A100_v4": (24, 1, 220, 80, "standardNCADSA100v4Family", True, True),
    "Standard_NC48ads_A100_v4": (48, 2, 440, 160, "standardNCADSA100v4Family", True, True),
    "Standard_NC96ads_A100_v4": (96, 4, 880, 320, "standardNCADSA100v4Family", True, True),
    "Standard_NC40ads_H100_v5": (40, 1, 320, 94, "standardNCADSH100v5Family", True, True),
    "Standard_NC80adis_H100_v5": (80, 2, 640, 188, "standardNCADSH100v5Family", True, True),
    "Standard_ND96asr_v4": (96, 8, 900, 320, "Standard NDASv4_A100 Family", True, True),
    "Standard_ND96amsr_A100_v4": (96, 8, 1900, 640, "standard NDAMSv4_A100Family", True, True),
    "Standard_ND96isr_H100_v5": (96, 8, 1900, 640, "standardNDSH100v5Family", True, True),
    "Standard_NV36ads_A10_v5": (36, 1, 440, 24, "standardNVADSA10v5Family", True, False),
    "Standard_NV72ads_A10_v5": (72, 2, 880, 48, "standardNVADSA10v5Family", True, False),
    "Standard_NC4as_T4_v3": (4, 1, 28, 16, "Standard NCASv3_T4 Family", True, False),
    "Standard_NC8as_T4_v3": (8, 1, 56, 16, "Standard NCASv3_T4 Family", True, False),
    "Standard_NC16as_T4_v3": (16, 1, 110, 16, "Standard NCASv3_T4 Family", True, False),
    "Standard_NC64as_T4_v3": (64, 4, 440, 64, "Standard NCASv3_T4 Family", True, False),
    "Standard_NC6s_v3": (6, 1, 112, 16, "Standard NCSv3 Family", True, False),
    "Standard_NC12s_v3": (12, 2, 224, 32, "Standard NCSv3 Family", True, False),
    "Standard_NC24s_v3": (24, 4, 448, 64, "Standard NCSv3 Family", True, False),
    "Standard_NC24rs_v3": (24, 4, 448, 64, "Standard NCSv3 Family", False, False),
    "Standard_DS3_v2": (4, 0, 14, 0, "standardDSv2Family", True, False),
    "Standard_DS4_v2": (8, 0, 28, 0, "standardDSv2Family", True, False),
    "Standard_D4s_v3": (4, 0, 16, 0, "standardDSv3Family", True, False),
    "Standard_D8s_v3": (8, 0, 32, 0, "standardDSv3Family", True, False),
}


def test_every_size_is_here() -> None:
    assert sorted(VM_SIZES | CPU_SIZES) == sorted(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_a_size_is_what_microsoft_says(name: str) -> None:
    cores, gpus, memory, gpu_memory, family, endpoint, skips = SIZES[name]
    size = (VM_SIZES | CPU_SIZES)[name]
    assert (size.cores, size.gpus, size.memory, size.gpu_memory) == (cores, gpus, memory, gpu_memory)
    assert plain(size.family) == plain(family)
    assert size.endpoint is endpoint
    assert size.reserve == (0 if skips else 0.2)


def test_what_clusters_do_not_take_and_what_is_gone() -> None:
    assert [each.name for each in VM_SIZES.values() if not each.cluster] == [
        "Standard_NV36ads_A10_v5",
        "Standard_NV72ads_A10_v5",
    ]
    gone = {each.name: (each.retired, each.successor) for each in VM_SIZES.values() if each.retired}
    names = ("Standard_NC6s_v3", "Standard_NC12s_v3", "Standard_NC24s_v3", "Standard_NC24rs_v3")
    assert gone == dict.fromkeys(names, ("2025-09-30", "Standard_NC24ads_A100_v4"))


def test_the_models() -> None:
    four, three = model("Phi-4-mini-instruct"), model("Phi-3-mini-4k-instruct")
    assert (four.versions, four.context, four.retired) == (("1",), 131_072, "")
    assert (three.versions, three.context, three.retired) == (("15",), 4096, "2025-08-30")
    assert three.successor == "Phi-4-mini-instruct"
    assert {each.retired for each in MODELS.values() if each.name.startswith("Phi-3")} == {"2025-08-30"}
    assert {each.retired for each in MODELS.values() if each.name.startswith("Phi-4")} == {""}
    assert {each.name for each in MODELS.values() if each.successor == "Phi-4"} == {
        "Phi-3-medium-4k-instruct",
        "Phi-3-medium-128k-instruct",
    }
    assert all(each.shape for each in MODELS.values())
