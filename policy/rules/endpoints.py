"""The endpoint, what answers behind it, and how traffic reaches a new model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from cloud.catalogue import DEPLOYMENT, ENDPOINT, STAGE
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, well_architected
from policy.inputs import is_release
from policy.rule import ADVISORY, CRITICAL, HIGH, MEDIUM, Config, Option, resource_rule
from policy.subject import Resource

_ENDPOINT = (ENDPOINT,)


@resource_rule(
    "endpoint-auth-mode",
    "An endpoint asks its callers for a key or an Entra ID token.",
    types=_ENDPOINT,
    reason="the project's connection holds what a caller shows; an AML token ends after hours, and the chat with it",
    remedy='set authMode to "Key" or "AADToken"',
    severity=HIGH,
    framework=benchmark("IM-1"),
    options={"modes": Option("array", ["Key", "AADToken"], "allowed modes")},
    examples=(but(samples.endpoint, properties__authMode="AMLToken"),),
)
def endpoint_auth_mode(resource: Resource, config: Config) -> Iterator[str]:
    mode = resource.at("properties.authMode")
    if mode is not None and mode not in config["modes"]:
        yield f"{resource.name} has the auth mode {mode}; allowed: {', '.join(config['modes'])}"


@resource_rule(
    "endpoint-public-access",
    "An endpoint is not reachable from the internet.",
    types=_ENDPOINT,
    reason="a leaked key is worth nothing without a way to the endpoint",
    remedy='set publicNetworkAccess to "Disabled" and reach it through a private endpoint',
    severity=MEDIUM,
    level=ADVISORY,
    framework=benchmark("NS-2"),
    examples=(
        but(
            samples.endpoint,
            ("public-with-reason",),
            properties__publicNetworkAccess="Enabled",
        ),
    ),
)
def endpoint_public_access(resource: Resource, _config: Config) -> Iterator[str]:
    if resource.at("properties.publicNetworkAccess") != "Disabled":
        yield f"{resource.name} answers to the internet"


@resource_rule(
    "endpoint-instances",
    "A deployment has enough instances, and not too many.",
    types=(DEPLOYMENT, STAGE),
    reason="one instance is down whenever its machine is; each costs its machine's full price, day and night",
    remedy="set instances under finetune-phi:serving",
    severity=MEDIUM,
    framework=well_architected("CO:12"),
    options={
        "minimum": Option("integer", 1, "fewest instances"),
        "maximum": Option("integer", 4, "most instances"),
    },
    examples=(but(samples.release, also=("serving-spending",), input__instance_count=5),),
)
def endpoint_instances(resource: Resource, config: Config) -> Iterator[str]:
    count = resource.at("sku.capacity" if resource.type == DEPLOYMENT.type else "input.instance_count")
    least, most = resource.at("input.scale.min", count), resource.at("input.scale.max", count)
    for number in sorted({each for each in (count, least if most else count, most or count) if each is not None}):
        if not config["minimum"] <= number <= config["maximum"]:
            allowed = f"{config['minimum']:g} to {config['maximum']:g}"
            yield f"{resource.name} has {number:g} instance(s); allowed: {allowed}"


@resource_rule(
    "endpoint-identity",
    "An endpoint has an identity.",
    types=_ENDPOINT,
    reason="without one its deployments can read neither the model nor the image",
    remedy="give it identity, as infra/serving.py does",
    severity=HIGH,
    framework=benchmark("IM-3"),
    examples=(but(samples.endpoint, identity=None),),
)
def endpoint_identity(resource: Resource, _config: Config) -> Iterator[str]:
    kind = str(resource.at("identity.type", "None"))
    assigned = resource.peek("identity.userAssignedIdentities")
    if "SystemAssigned" not in kind and not ("UserAssigned" in kind and assigned):
        yield f"{resource.name} has no identity"


@resource_rule(
    "endpoint-traffic-sum",
    "Declared traffic adds up.",
    types=_ENDPOINT,
    reason="Azure refuses traffic that is neither 0 nor 100 per cent, and 0 takes the model off the air",
    remedy="leave the traffic to the release stage, or let the shares add up to 100",
    severity=HIGH,
    examples=(but(samples.endpoint, properties__traffic={"blue": 60, "green": 30}),),
)
def endpoint_traffic_sum(resource: Resource, _config: Config) -> Iterator[str]:
    traffic = resource.at("properties.traffic")
    if not isinstance(traffic, Mapping) or not traffic:
        return
    shares = [resource.at(f"properties.traffic.{name}") for name in traffic]
    if sum(shares) != 100:
        yield f"{resource.name} declares {sum(shares):g} % of its traffic"


@resource_rule(
    "endpoint-keeps-traffic",
    "An update of an endpoint leaves the live traffic alone.",
    types=_ENDPOINT,
    reason="an update is a PUT, and a PUT without the traffic takes every deployment behind the endpoint off the air",
    remedy="declare the live traffic in an update, and otherwise ignore changes of it, as infra/serving.py does",
    severity=CRITICAL,
    framework=well_architected("OE:11"),
    options={"ignored": Option("array", ["properties.traffic"], "inputs whose changes must not reach Azure")},
    examples=(
        Example(
            passes=(samples.endpoint("endpoint-keeps-traffic-clean"),),
            fails=(samples.endpoint("endpoint-keeps-traffic").having(ignore_changes=()),),
            on="endpoint-keeps-traffic",
        ),
    ),
)
def endpoint_keeps_traffic(resource: Resource, config: Config) -> Iterator[str]:
    if resource.peek("properties.traffic") is not None:
        return
    ignored = tuple(resource.options.ignore_changes)
    exposed = [path for path in config["ignored"] if not any(f"{path}.".startswith(f"{one}.") for one in ignored)]
    if exposed:
        yield f"an update of {resource.name} would send {' and '.join(exposed)} as not there"


@resource_rule(
    "release-in-steps",
    "A new model gets the traffic step by step.",
    types=(STAGE,),
    reason="a bad model should meet a few callers before it meets all of them",
    remedy="set trafficSteps under finetune-phi:serving, for example [10, 50, 100], and soakSeconds",
    severity=MEDIUM,
    framework=well_architected("OE:11"),
    options={
        "maximumFirstStep": Option("integer", 100, "largest share of the traffic, in per cent, for the first step"),
        "minimumSoakSeconds": Option("integer", 0, "shortest time in seconds a step is watched"),
    },
    examples=(but(samples.release, input__traffic_steps=[100]),),
)
def release_in_steps(resource: Resource, config: Config) -> Iterator[str]:
    if not is_release(resource):
        return
    steps = list(resource.at("input.traffic_steps"))
    if not steps or steps[-1] != 100 or any(a >= b for a, b in pairwise(steps)):
        yield f"the traffic steps {_listed(steps)} do not rise to 100"
    elif steps[0] > config["maximumFirstStep"]:
        yield f"the first traffic step is {steps[0]:g} %; allowed: {config['maximumFirstStep']:g} %"
    soak = resource.at("input.soak_seconds", 0)
    if soak < config["minimumSoakSeconds"]:
        yield f"a traffic step is watched for {soak:g} s; at least: {config['minimumSoakSeconds']:g} s"


@resource_rule(
    "release-answers-throughout",
    "Callers are answered while a new model is released.",
    types=(STAGE,),
    reason="in the place of the old deployment, the new one takes some twenty minutes in which nobody is answered",
    remedy='set strategy under finetune-phi:serving to "beside", which needs quota for both',
    severity=HIGH,
    framework=well_architected("OE:11"),
    options={"strategies": Option("array", ["beside"], "allowed values of serving.strategy")},
    examples=(but(samples.release, input__strategy="recreate"),),
)
def release_answers_throughout(resource: Resource, config: Config) -> Iterator[str]:
    if not is_release(resource):
        return
    strategy = resource.at("input.strategy", "beside")
    if strategy not in config["strategies"]:
        yield f"{resource.name} is done by strategy {strategy}; allowed: {', '.join(config['strategies'])}"


def _listed(steps: list[float]) -> str:
    return f"[{', '.join(f'{step:g}' for step in steps)}]"
