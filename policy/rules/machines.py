"""GPU machines: which sizes, and how long they may stand idle."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from cloud.catalogue import CLUSTER, DEPLOYMENT, STAGE
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, well_architected
from policy.inputs import is_finetune, is_release, vm_size
from policy.rule import DISABLED, HIGH, MEDIUM, Config, Option, resource_rule, stack_rule
from policy.subject import Member, Problem, Resource, Stack, each
from settings.checks.memory import GIB, least, of_adapters
from settings.machines import CPU_SIZES, VM_SIZES
from settings.models import MODELS

_MACHINES = (CLUSTER, DEPLOYMENT, STAGE)
_OFFERED = [size.name for size in (*VM_SIZES.values(), *CPU_SIZES.values()) if not size.retired]
_RETIRED = {size.name: size.retired for size in VM_SIZES.values() if size.retired}
_SERVING = {model.name: model.serving_memory for model in MODELS.values() if model.serving_memory}
_TRAINING = {
    model.name: math.ceil(least(of_adapters(model.shape)).bytes / GIB) for model in MODELS.values() if model.shape
}
_GPU_MEMORY = {size.name.lower(): size.gpu_memory for size in (*VM_SIZES.values(), *CPU_SIZES.values())}


@resource_rule(
    "vm-size-allowed",
    "Clusters, deployments and releases run on allowed VM sizes.",
    types=_MACHINES,
    reason="a size nobody asked for is the quickest way to a large bill or a refused quota",
    remedy="set vmSize under finetune-phi:compute or finetune-phi:serving to an allowed size",
    severity=HIGH,
    framework=well_architected("CO:04"),
    options={"sizes": Option("array", _OFFERED, "allowed sizes")},
    examples=(but(samples.cluster, properties__properties__vmSize="Standard_ND96isr_H200_v5"),),
)
def vm_size_allowed(resource: Resource, config: Config) -> Iterator[str]:
    size = vm_size(resource)
    if size and size.lower() not in [allowed.lower() for allowed in config["sizes"]]:
        yield f"{resource.name} runs on {size}; allowed: {', '.join(config['sizes'])}"


@resource_rule(
    "vm-size-retired",
    "No VM size that Azure has retired.",
    types=_MACHINES,
    reason="a retired size is refused, or deallocated under a running service",
    remedy="set vmSize to its successor, Standard_NC24ads_A100_v4 for the V100 sizes",
    severity=HIGH,
    options={"retired": Option("object", _RETIRED, "day of retirement, by size")},
    examples=(
        but(
            samples.cluster,
            also=("vm-size-allowed",),
            computeName="old",
            properties__properties__vmSize="Standard_NC6s_v3",
        ),
    ),
)
def vm_size_retired(resource: Resource, config: Config) -> Iterator[str]:
    size = vm_size(resource) or ""
    for retired, day in config["retired"].items():
        if size.lower() == retired.lower():
            yield f"{resource.name} runs on {size}, retired on {day}"


@resource_rule(
    "release-fits-model",
    "A release runs on a size with the GPU memory its base model needs.",
    types=(STAGE,),
    reason="a model that does not fit fails after the deployment has been paid for, some 20 minutes later",
    remedy="set finetune-phi:serving's vmSize to a size with more GPU memory",
    severity=HIGH,
    options={"gpuMemory": Option("object", _SERVING, "least GPU memory in GB of one machine, by model")},
    examples=(but(samples.release, input__instance_type="Standard_NC4as_T4_v3"),),
)
def release_fits_model(resource: Resource, config: Config) -> Iterator[str]:
    if not is_release(resource):
        return
    model, size = resource.at("input.base_model.name"), vm_size(resource)
    need, has = config["gpuMemory"].get(model), _GPU_MEMORY.get(str(size).lower())
    if need and has is not None and has < need:
        yield f"{model} needs {need:g} GB of GPU memory to answer; {size} has {has} GB"


@stack_rule(
    "cluster-fits-model",
    "A fine-tune runs on a cluster with the GPU memory its base model needs.",
    reason="a job that runs out of GPU memory fails after its machine was started and paid for",
    remedy="set finetune-phi:compute's vmSize to a size with more GPU memory",
    severity=HIGH,
    options={"gpuMemory": Option("object", _TRAINING, "least GPU memory in GB of one machine, by model")},
    examples=(
        Example(
            passes=(samples.cluster("fitting"), samples.finetune("fitting-stage")),
            fails=(
                samples.cluster("cluster-fits-model").but(
                    computeName="small", properties__properties__vmSize="Standard_NC4as_T4_v3"
                ),
                samples.finetune("cluster-fits-model-stage").but(input__cluster="small"),
            ),
            on="cluster-fits-model",
        ),
    ),
)
def cluster_fits_model(stack: Stack, config: Config) -> Iterator[Problem]:
    def look(stage: Member) -> Iterator[Problem]:
        model = stage.at("input.base_model.name")
        need, name = config["gpuMemory"].get(model), stage.at("input.cluster")
        for cluster in stack.of(CLUSTER):
            has = _GPU_MEMORY.get(str(cluster.peek("properties.properties.vmSize")).lower())
            if cluster.peek("computeName") == name and need and has is not None and has < need:
                yield f"{model} needs {need:g} GB of GPU memory to be trained; {cluster.name} has {has} GB", cluster

    yield from each(filter(is_finetune, stack.of(STAGE)), look)


_SCALE = "properties.properties.scaleSettings"


def _elastic(resource: Resource) -> bool:
    return bool(resource.at("properties.computeType", "AmlCompute") == "AmlCompute")


@resource_rule(
    "cluster-scales-to-zero",
    "A cluster keeps no machine running without a job.",
    types=(CLUSTER,),
    reason="a GPU machine that waits costs as much as one that works",
    remedy="set minNodes under finetune-phi:compute to 0",
    severity=HIGH,
    framework=well_architected("CO:07"),
    options={"maximum": Option("integer", 0, "most nodes that may be kept running")},
    covers=("CKV_AZURE_150",),
    examples=(but(samples.cluster, properties__properties__scaleSettings__minNodeCount=1),),
)
def cluster_scales_to_zero(resource: Resource, config: Config) -> Iterator[str]:
    nodes = resource.at(f"{_SCALE}.minNodeCount", 0)
    if _elastic(resource) and nodes > config["maximum"]:
        yield f"{resource.name} keeps {nodes:g} node(s) running; allowed: {config['maximum']:g}"


@resource_rule(
    "cluster-max-nodes",
    "A cluster grows to a limited number of machines.",
    types=(CLUSTER,),
    reason="jobs that queue up start machines up to this number, each at the full price",
    remedy="lower maxNodes under finetune-phi:compute",
    severity=MEDIUM,
    framework=well_architected("CO:12"),
    options={"maximum": Option("integer", 4, "most nodes")},
    examples=(but(samples.cluster, properties__properties__scaleSettings__maxNodeCount=10),),
)
def cluster_max_nodes(resource: Resource, config: Config) -> Iterator[str]:
    nodes = resource.at(f"{_SCALE}.maxNodeCount", 1)
    if _elastic(resource) and nodes > config["maximum"]:
        yield f"{resource.name} grows to {nodes:g} nodes; allowed: {config['maximum']:g}"


@resource_rule(
    "cluster-idle-time",
    "A cluster releases idle machines soon.",
    types=(CLUSTER,),
    reason="every job ends with this time at the full price",
    remedy="lower idleSeconds under finetune-phi:compute",
    severity=MEDIUM,
    framework=well_architected("CO:07"),
    options={"maximumSeconds": Option("integer", 600, "longest idle time in seconds")},
    examples=(but(samples.cluster, properties__properties__scaleSettings__nodeIdleTimeBeforeScaleDown="PT1H"),),
)
def cluster_idle_time(resource: Resource, config: Config) -> Iterator[str]:
    seconds = _seconds(str(resource.at(f"{_SCALE}.nodeIdleTimeBeforeScaleDown", "PT120S")))
    if _elastic(resource) and seconds is not None and seconds > config["maximumSeconds"]:
        yield f"{resource.name} keeps idle nodes for {seconds:g} s; allowed: {config['maximumSeconds']:g} s"


def _seconds(duration: str) -> float | None:
    """Of an ISO 8601 duration without months; None for anything else."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", duration)
    if not found:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


@resource_rule(
    "cluster-dedicated",
    "A cluster has dedicated machines.",
    types=(CLUSTER,),
    reason="Azure ML retired low-priority machines on 2026-03-31",
    remedy='set vmPriority to "Dedicated"',
    severity=HIGH,
    examples=(but(samples.cluster, properties__properties__vmPriority="LowPriority"),),
)
def cluster_dedicated(resource: Resource, _config: Config) -> Iterator[str]:
    priority = resource.at("properties.properties.vmPriority", "Dedicated")
    if _elastic(resource) and priority != "Dedicated":
        yield f"{resource.name} asks for {priority} machines"


@resource_rule(
    "cluster-login-closed",
    "Nobody logs in to the machines of a cluster from the internet.",
    types=(CLUSTER,),
    reason="an open SSH port is searched and tried within minutes",
    remedy='set remoteLoginPortPublicAccess to "Disabled"',
    severity=HIGH,
    framework=benchmark("NS-2"),
    examples=(but(samples.cluster, properties__properties__remoteLoginPortPublicAccess="Enabled"),),
)
def cluster_login_closed(resource: Resource, _config: Config) -> Iterator[str]:
    # Left out, it is open on every node that is not in a network of its own.
    found = resource.at("properties.properties.remoteLoginPortPublicAccess", "NotSpecified")
    if _elastic(resource) and found != "Disabled":
        yield f"{resource.name} opens SSH to the internet: remoteLoginPortPublicAccess is {found}"


@resource_rule(
    "cluster-no-local-auth",
    "The machines of a cluster know no accounts of their own.",
    types=(CLUSTER,),
    reason="an account with a password or key is nobody's in particular, and outlives whoever got it",
    remedy="set finetune-phi:localAuth to false, or disableLocalAuth to true when the cluster is made",
    severity=MEDIUM,
    level=DISABLED,
    framework=benchmark("IM-1"),
    covers=(
        "CKV_AZURE_142",
        "Azure.ML.DisableLocalAuth (AZR-000404)",
        "Azure Policy e96a9a5f-07ca-471b-9bc5-6a0f33cbd68f",
        "Azure Policy a6f9a2d0-cff7-4855-83ad-4cd750666512",
    ),
    examples=(but(samples.cluster, properties__disableLocalAuth=False),),
)
def cluster_no_local_auth(resource: Resource, _config: Config) -> Iterator[str]:
    if _elastic(resource) and not resource.at("properties.disableLocalAuth"):
        yield f"{resource.name} lets its machines have accounts of their own"
