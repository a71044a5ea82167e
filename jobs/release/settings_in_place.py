"""What of a deployment Azure lets one change while it serves: instances, time-out, how many requests, its probes.

A deployment that has others is updated, not replaced. Instances and time-out are part of the name that a new one gets
(ReleaseSpec.fingerprint), as they were before they could be changed: one that stands keeps the name it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.release import scaling
from jobs.release.spec import BASE_DEPLOYMENT
from settings.sections.serving import ScaleSettings

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineDeployment, ProbeSettings

    from jobs.release.spec import ReleaseSpec
    from settings.sections.serving import LivenessSettings, ReadinessSettings

_PROBES = ("liveness", "readiness")
_CONCURRENT = "max_concurrent_requests_per_instance"
_TIMEOUT = "request_timeout_ms"


def request_timeout(spec: ReleaseSpec) -> int:
    """In milliseconds. The time in the queue counts, since Azure no longer has a limit of its own for that."""
    return spec.serving.request_timeout_seconds * 1000


def probe(wanted: LivenessSettings | ReadinessSettings) -> ProbeSettings:
    """As azure-ai-ml sends it."""
    from azure.ai.ml.entities import ProbeSettings

    return ProbeSettings(**_probe(wanted))


def differences(found: OnlineDeployment, spec: ReleaseSpec) -> list[str]:
    """What a deployment has otherwise than the spec wants it, for people: ``maxConcurrentRequests 1 -> 8``."""
    live, wanted = _live(found), _wanted(spec, found)
    if (was := _scaled(found.tags)) != (will := scaling.tags(_scale(spec, found))):
        told = [f"scale {was.get(scaling.SCALED, 'none')} -> {will.get(scaling.SCALED, 'none')}"]
    else:
        told = []
    changed = {name: value for name, value in wanted.items() if live.get(name) != value}
    return [f"{name} {_shown(live.get(name))} -> {value}" for name, value in changed.items()] + told


def change(found: OnlineDeployment, spec: ReleaseSpec) -> None:
    """Writes the spec's settings into the deployment; all others stay as they are."""
    from azure.ai.ml.entities import OnlineRequestSettings

    if found.request_settings is None:
        found.request_settings = OnlineRequestSettings(request_timeout_ms=request_timeout(spec))
    found.request_settings.max_concurrent_requests_per_instance = spec.serving.max_concurrent_requests
    found.request_settings.request_timeout_ms = request_timeout(spec)
    scale = _scale(spec, found)
    found.instance_count = _instances(spec, found)
    others = {name: value for name, value in (found.tags or {}).items() if name != scaling.SCALED}
    found.tags = others | scaling.tags(scale)
    found.liveness_probe, found.readiness_probe = probe(spec.serving.liveness), probe(spec.serving.readiness)
    # Azure answers it with its default, and behind a managed network refuses to be sent it.
    if str(getattr(found, "egress_public_network_access", "")).lower() == "enabled":
        vars(found)["egress_public_network_access"] = None


def _scale(spec: ReleaseSpec, found: OnlineDeployment) -> ScaleSettings:
    """The untuned model beside it has as many instances as the settings say."""
    return ScaleSettings() if found.name == BASE_DEPLOYMENT else spec.serving.scale


def _instances(spec: ReleaseSpec, found: OnlineDeployment) -> int:
    """As many as it has where Azure Monitor decides, as long as that is allowed; else as many as the settings say."""
    scale = _scale(spec, found)
    return scale.within(int(found.instance_count or 1)) if scale.wanted else spec.serving.instances


def _scaled(tags: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (tags or {}).items() if name == scaling.SCALED}


def _wanted(spec: ReleaseSpec, found: OnlineDeployment) -> dict[str, int]:
    wanted = {
        "instances": _instances(spec, found),
        "requestTimeout": request_timeout(spec),
        "maxConcurrentRequests": spec.serving.max_concurrent_requests,
    }
    for kind in _PROBES:
        wanted |= {f"{kind} {name}": value for name, value in _probe(getattr(spec.serving, kind)).items()}
    return wanted


def _live(found: OnlineDeployment) -> dict[str, Any]:
    live = {
        "instances": found.instance_count,
        "requestTimeout": getattr(found.request_settings, _TIMEOUT, None),
        "maxConcurrentRequests": getattr(found.request_settings, _CONCURRENT, None),
    }
    for kind in _PROBES:
        settings = getattr(found, f"{kind}_probe")
        for name in ("initial_delay", "timeout", "period", "failure_threshold"):
            live[f"{kind} {name}"] = getattr(settings, name, None)
    return live


def _probe(wanted: LivenessSettings | ReadinessSettings) -> dict[str, int]:
    return {
        "initial_delay": wanted.initial_delay_seconds,
        "timeout": wanted.timeout_seconds,
        "period": wanted.period_seconds,
        "failure_threshold": wanted.failure_threshold,
    }


def _shown(value: Any) -> str:
    return "Azure's default" if value is None else f"{value:g}"
