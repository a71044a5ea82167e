"""Where resources are, what they are called and how they are tagged."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from pulumi_policy.deserialize import SPECIAL_SIG_KEY

from cloud.catalogue import AZURES, WORKSPACE, find
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, well_architected
from policy.inputs import LOCATED, workspace_kind
from policy.rule import HIGH, LOW, MEDIUM, REMEDIATE, Config, Inputs, Option, resource_rule
from policy.subject import Resource
from settings import untrusted_yaml
from settings.commandline import STACKS
from settings.naming import patterns, patterns_of


@resource_rule(
    "allowed-locations",
    "Resources are in allowed regions.",
    types=LOCATED,
    reason="data must stay where it may be, and traffic between regions is slow and billed",
    remedy="set azure-native:location to an allowed region, or add the region to this policy's configuration",
    severity=HIGH,
    framework=benchmark("AM-2"),
    options={"locations": Option("array", ["eastus2"], "allowed regions, by short name")},
    covers=(
        "Azure.Resource.AllowedRegions",
        "Azure Policy e56962a6-4747-49cd-b67b-bf8b01975c4c",
    ),
    examples=(but(samples.storage, location="westeurope"),),
)
def allowed_locations(resource: Resource, config: Config) -> Iterator[str]:
    location = str(resource.at("location", ""))
    allowed = [str(name) for name in config["locations"]]
    if location and location.lower().replace(" ", "") not in allowed:
        yield f"{resource.name} is in {location}; allowed: {', '.join(allowed)}"


_CALLED = {"storage_account": "storage", "ai_services": "AI services"}
"""What configurations call a name, where that is not what settings/naming.py calls it."""
_NAMED = [row for row in AZURES if row.region and patterns().keys() & set(row.names)]


def _called(name: str) -> str:
    return _CALLED.get(name, name.replace("_", " "))


PATTERNS = {_called(name): patterns()[name] for row in _NAMED for name in row.names}
"""The names settings/naming.py makes, as regular expressions over the whole name."""


@functools.cache
def _chosen(stack: str) -> dict[str, str]:
    """Patterns of the names that a stack's own file chooses, by what configurations call them.

    Read in the file as it is: the settings' models would take longer to load than all policies to run.
    """
    try:
        document = untrusted_yaml.read((STACKS / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        names = document["config"]["finetune-phi:names"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not isinstance(names, dict):
        return {}
    chosen = {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", str(key)): str(its) for key, its in names.items()}
    return {_called(name): pattern for name, pattern in patterns_of(chosen).items()}


@resource_rule(
    "names-by-convention",
    "Names follow the project's convention.",
    types=_NAMED,
    reason="a name tells kind, project and stack, and the same program finds its resources by name again",
    remedy="take the name from settings/naming.py, give it under finetune-phi:names, or change the pattern in this "
    "policy's configuration",
    severity=LOW,
    options={"patterns": Option("object", PATTERNS, "regular expression over the whole name, by kind")},
    examples=(but(samples.storage, accountName="mystorage"),),
)
def names_by_convention(resource: Resource, config: Config) -> Iterator[str]:
    row = find(resource.type, {"kind": resource.at("kind", "")})
    if row is None:
        return
    kind = _called(row.names[0])
    # Of a pattern that is not configured otherwise, the stack's own names are as good.
    configured = {kind: pattern for kind, pattern in config["patterns"].items() if pattern != PATTERNS.get(kind)}
    name, pattern = resource.at(row.name_input), {**PATTERNS, **_chosen(resource.stack), **configured}[kind]
    if name is not None and not re.fullmatch(pattern, str(name)):
        yield f"the {kind} is called {name}, which does not match {pattern}"


def _known_tags(inputs: Inputs) -> Inputs | None:
    """None for tags that are not known yet, or are a secret."""
    tags = inputs.get("tags") or {}
    return tags if isinstance(tags, dict) and SPECIAL_SIG_KEY not in tags else None


def _add_missing(resource: Resource, config: Config, inputs: Inputs) -> bool:
    known = {"project": resource.project, "stack": resource.stack, **config["values"]}
    present = _known_tags(inputs)
    if present is None:
        return False
    added = {tag: str(known[tag]) for tag in config["required"] if tag in known and not present.get(tag)}
    inputs["tags"] = {**present, **added}
    return bool(added)


@resource_rule(
    "tags-present",
    "Every resource has the required tags; those whose value is known are added.",
    types=LOCATED,
    reason="bills, owners and clean-up are found by tag",
    remedy="give the tag under finetune-phi:tags, or its value in this policy's configuration",
    severity=MEDIUM,
    level=REMEDIATE,
    options={
        "required": Option("array", ["project", "stack"], "names of the tags"),
        "values": Option("object", {}, "values to add, by tag; project and stack are known"),
    },
    mending=_add_missing,
    covers=("Azure.Resource.UseTags",),
    examples=(
        Example(
            passes=(samples.group("tagged"),),
            fails=(samples.without_tag(samples.group, "tags-present", "owner"),),
            on="tags-present",
        ),
        Example(
            passes=(samples.group("tagged-too"),),
            fails=(samples.without_tag(samples.group, "tags-added", "stack"),),
            on="tags-added",
            mended=True,
        ),
    ),
)
def tags_present(resource: Resource, config: Config) -> Iterator[str]:
    missing = [tag for tag in config["required"] if not resource.peek("tags") or not resource.peek(f"tags.{tag}")]
    if missing:
        yield f"{resource.name} has no tag {', '.join(missing)}"


def _identity_tags(resource: Resource) -> dict[str, str]:
    return {"project": resource.project, "stack": resource.stack}


def _correct(resource: Resource, _config: Config, inputs: Inputs) -> bool:
    present = _known_tags(inputs)
    if present is None:
        return False
    wrong = {tag: value for tag, value in _identity_tags(resource).items() if present.get(tag, value) != value}
    inputs["tags"] = {**present, **wrong}
    return bool(wrong)


@resource_rule(
    "tags-true",
    "The tags project and stack say which project and stack a resource belongs to; wrong ones are corrected.",
    types=LOCATED,
    reason="a copied tag sends the bill, and the clean-up, to the wrong stack",
    remedy="take the tags from pulumi.get_project() and pulumi.get_stack()",
    severity=MEDIUM,
    level=REMEDIATE,
    mending=_correct,
    examples=(
        Example(
            passes=(samples.group("tagged-truly"),),
            fails=(samples.group("tags-true").but(tags__stack="another"),),
            on="tags-true",
            mended=True,
        ),
    ),
)
def tags_true(resource: Resource, _config: Config) -> Iterator[str]:
    for tag, value in _identity_tags(resource).items():
        found = resource.at(f"tags.{tag}", value)
        if found != value:
            yield f"{resource.name} has the tag {tag}={found}; it belongs to {value}"


@resource_rule(
    "workspace-customer-tags",
    "Workspaces and hubs say who answers for them and what they cost.",
    types=(WORKSPACE,),
    reason="a workspace holds people's data and starts machines: somebody has to be reachable for both",
    remedy="set the tags under finetune-phi:tags, for example owner: team-chat",
    severity=LOW,
    framework=well_architected("SE:03"),
    options={"tags": Option("array", ["owner"], "names of the tags")},
    examples=(
        Example(
            passes=(samples.workspace("workspace-customer-tags-clean"),),
            fails=(samples.without_tag(samples.workspace, "workspace-customer-tags", "cost-center"),),
            on="workspace-customer-tags",
        ),
    ),
)
def workspace_customer_tags(resource: Resource, config: Config) -> Iterator[str]:
    missing = [tag for tag in config["tags"] if not resource.peek("tags") or not resource.peek(f"tags.{tag}")]
    if missing:
        yield f"the {workspace_kind(resource).lower()} workspace {resource.name} has no tag {', '.join(missing)}"
