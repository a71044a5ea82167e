"""Instances by load (serving.scale): Azure Monitor's autoscale of a deployment.

Its setting names one deployment, and each release makes another: so the release makes the setting, with the deployment
and before it has traffic, and takes it away with it. What is answered during a step is scaled on both sides. No
resource of the program could be there as early, nor follow a rollback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloud.arm import Arm
from cloud.catalogue import AUTOSCALE, ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.report import WARNING, Report
from jobs.release.spec import ReleaseSpec
from settings.sections.serving import ScaleSettings

SCALED = "scaled"
"""Tag of a deployment: how it is scaled, as people write it; it has a setting then."""
METRIC = "GpuUtilizationPercentage"
"""Of a deployment, per cent of each instance's GPU, once a minute."""
_WRITE = "Microsoft.Insights/autoscaleSettings/write"


def tags(scale: ScaleSettings) -> dict[str, str]:
    """What a deployment's tags say of it; nothing where it is not scaled."""
    return {SCALED: str(scale)} if scale.wanted else {}


def apply(spec: ReleaseSpec, name: str, report: Report) -> None:
    """Leaves the deployment with the setting that the spec wants; one that wants none is left alone.

    Raises StageError, but where one may not write such settings: then it is said, as the deployment answers anyway.
    """
    scale = spec.serving.scale
    if not scale.wanted:
        return
    arm, path = Arm(), _path(spec, name)
    try:
        with azure_errors("how the deployment is scaled could not be set", f"deployment {name}"):
            where = str(arm.get(spec.endpoint_path, ML_VERSION).get("location", ""))
            wanted = body(scale, f"{spec.endpoint_path}/deployments/{name}", spec.serving.instances, where)
            found = arm.find(path, AUTOSCALE.version)
            if found is not None and _same(found.get("properties"), wanted["properties"]):
                return
            arm.run("PUT", path, {"api-version": AUTOSCALE.version}, wanted)
    except StageError as error:
        if "AuthorizationFailed" not in error.why:
            raise
        report(
            f"{WARNING}deployment {name} is not scaled by load, and keeps its instances: you may not write such "
            f"settings ({_WRITE} on the resource group); whoever may, runs `pulumi up --replace '**::release'`"
        )
        return
    report(f"deployment {name} has {scale}")


def remove(spec: ReleaseSpec, name: str) -> None:
    """Deletes the deployment's setting; one that is gone is fine. Raises StageError."""
    with azure_errors("how the deployment is scaled could not be deleted", f"deployment {name}"):
        Arm().run("DELETE", _path(spec, name), {"api-version": AUTOSCALE.version})


def body(scale: ScaleSettings, deployment: str, instances: int, location: str) -> dict[str, Any]:
    """As Azure Monitor takes it; ``deployment`` is an id.

    One more where the load was above the target for five minutes, one less where it was below half of it for a quarter
    of an hour: so what two instances have, one can have. The pauses are what an instance takes to be there.
    """
    grow = _rule(deployment, "GreaterThan", scale.target, "PT5M", "Increase", "PT20M")
    shrink = _rule(deployment, "LessThan", scale.target / 2, "PT15M", "Decrease", "PT15M")
    numbers = {"minimum": scale.min, "maximum": scale.max, "default": scale.within(instances)}
    capacity = {name: str(number) for name, number in numbers.items()}
    profile = {"name": "load", "capacity": capacity, "rules": [grow, shrink]}
    return {
        "location": location,
        "properties": {"enabled": True, "targetResourceUri": deployment, "profiles": [profile]},
    }


def _rule(of: str, operator: str, threshold: float, window: str, direction: str, cooldown: str) -> dict[str, Any]:
    trigger = {
        "metricName": METRIC,
        "metricResourceUri": of,
        "timeGrain": "PT1M",
        "statistic": "Average",
        "timeWindow": window,
        "timeAggregation": "Average",
        "operator": operator,
        "threshold": threshold,
    }
    action = {"direction": direction, "type": "ChangeCount", "value": "1", "cooldown": cooldown}
    return {"metricTrigger": trigger, "scaleAction": action}


def _same(found: Any, wanted: Any) -> bool:
    """Whether what Azure answers with says what is wanted, whatever else it says beside it."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_same(found.get(key), its) for key, its in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_same(one, its) for one, its in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, str) and isinstance(found, str):
        return found.lower() == wanted.lower()
    return bool(found == wanted)


def _path(spec: ReleaseSpec, name: str) -> str:
    return f"{spec.target.group_path}/providers/Microsoft.Insights/autoscaleSettings/{spec.endpoint}-{name}"
