"""Where models and code come from, and where questions go to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cloud.catalogue import CONNECTION, DEPLOYMENT, STAGE
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, benchmark_v2
from policy.inputs import is_finetune, is_release
from policy.rule import DISABLED, HIGH, Config, Option, resource_rule
from policy.subject import UNKNOWN, Resource

_REGISTRIES = Option("array", ["azureml"], "registries whose models and components were looked at")
_REGISTERED = re.compile(r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/", re.IGNORECASE)


@resource_rule(
    "model-from-approved-registry",
    "What is trained and what answers are models of an approved registry.",
    types=(STAGE, DEPLOYMENT),
    reason="a model is code and weights that somebody else has made: what it was taught nobody can read off it",
    remedy="set finetune-phi:model to a model of an approved registry, or approve the registry in this policy's "
    "configuration once somebody has looked at it",
    severity=HIGH,
    framework=benchmark_v2("AI-1"),
    options={
        "registries": _REGISTRIES,
        "models": Option("array", [], "names of approved models; empty: every model of these registries"),
    },
    covers=(
        "Azure Policy 12e5dd16-d201-47ff-849b-8454061c293d (deployments use approved registry models)",
        "Microsoft cloud security benchmark v2 AI-1",
    ),
    examples=(
        but(
            samples.finetune,
            input__cluster="another-cluster",
            input__base_model={"registry": "somebody", "name": "Phi-4-mini-instruct", "version": "1"},
        ),
        Example(
            passes=(samples.release("approved-release"),),
            fails=(
                samples.release("unapproved-release").but(
                    input__base_model={"registry": "hub", "name": "Phi-4-mini-instruct", "version": "1"}
                ),
            ),
            on="unapproved-release",
        ),
    ),
)
def model_from_approved_registry(resource: Resource, config: Config) -> Iterator[str]:
    if resource.type == DEPLOYMENT.type:
        # Of the workspace's own models, which the stages register, the path says nothing.
        found = _REGISTERED.match(str(resource.at("properties.model", "")))
        named = (found["registry"], found["name"]) if found else None
    elif is_finetune(resource) or is_release(resource):
        named = (str(resource.at("input.base_model.registry", "")), str(resource.at("input.base_model.name", "")))
    else:
        return
    if named is None:
        return
    registry, name = named
    if registry not in config["registries"]:
        yield f"{resource.name} takes its model from the registry {registry or 'nobody named'}"
    elif config["models"] and name not in config["models"]:
        yield f"{resource.name} takes the model {name}; approved: {', '.join(config['models'])}"


@resource_rule(
    "component-pinned",
    "The component that trains is a fixed version from an approved registry.",
    types=(STAGE,),
    reason="`latest` is other code tomorrow, which reads the training data with the identity's roles",
    remedy="set version under component in finetune-phi:finetune to the one that was tried, as Pulumi.prod.yaml does",
    severity=HIGH,
    level=DISABLED,
    framework=benchmark_v2("AI-1"),
    options={"registries": _REGISTRIES},
    covers=(
        "Azure Policy 5853517a (approved registries of a compute's jobs, per compute)",
        "Azure Policy 53c70b02 (approved authors of a compute's modules, per compute)",
    ),
    examples=(
        Example(
            passes=(
                samples.finetune("pinned").but(
                    input__component={"registry": "azureml", "name": "chat_completion_pipeline", "version": "0.0.82"}
                ),
            ),
            fails=(
                samples.finetune("component-pinned").but(
                    input__cluster="another-cluster",
                    input__component={"registry": "azureml", "name": "chat_completion_pipeline", "version": "latest"},
                ),
            ),
            on="component-pinned",
        ),
        Example(
            passes=(),
            fails=(
                samples.finetune("component-of-another").but(
                    input__cluster="another-cluster",
                    input__component={"registry": "somebody", "name": "chat_completion_pipeline", "version": "1"},
                ),
            ),
            on="component-of-another",
        ),
    ),
)
def component_pinned(resource: Resource, config: Config) -> Iterator[str]:
    if not is_finetune(resource) or resource.peek("input.component") is None:
        return
    registry, version = (str(resource.at(f"input.component.{key}", "")) for key in ("registry", "version"))
    if registry not in config["registries"]:
        yield f"{resource.name} trains with a component of the registry {registry or 'nobody named'}"
    if version.lower() in ("", "latest"):
        yield f"{resource.name} trains with whatever version of its component is the newest then"


_HOSTS = Option(
    "array",
    [
        ".inference.ml.azure.com",
        ".cognitiveservices.azure.com",
        ".openai.azure.com",
        ".services.ai.azure.com",
    ],
    "endings of the hosts that connections may lead to",
)


@resource_rule(
    "connection-target",
    "Connections lead to known hosts, by HTTPS.",
    types=(CONNECTION,),
    reason="whoever uses a connection sends it questions and credentials without seeing where to",
    remedy="take the address of the endpoint or account itself, or add its host in the configuration",
    severity=HIGH,
    framework=benchmark("NS-2"),
    options={"hosts": _HOSTS},
    examples=(
        but(samples.connection, properties__target="https://elsewhere.example.com/score"),
        Example(
            passes=(),
            fails=(samples.connection("plain-http").but(properties__target="http://phi.inference.ml.azure.com/score"),),
            on="plain-http",
        ),
    ),
)
def connection_target(resource: Resource, config: Config) -> Iterator[str]:
    for path in ("properties.target", "properties.metadata.endpoint"):
        target = resource.peek(path)
        if target is UNKNOWN or not isinstance(target, str):
            continue  # an output of a resource of this program, which the update makes known
        found = re.fullmatch(r"https://([^/:@?#]+)(:443)?([/?#].*)?", target, re.IGNORECASE)
        if not found or not found[1].lower().endswith(tuple(config["hosts"])):
            yield f"{resource.name} leads to {target}"
