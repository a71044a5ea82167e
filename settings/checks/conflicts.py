"""Keys that are each fine and cannot go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from settings.checks import estate, locked, recipes
from settings.checks.conflict import Conflict
from settings.checks.promotion import promotion
from settings.models import model as known
from settings.sections.data import RowsSettings
from settings.sections.sources import of_the_hub
from settings.tree import Settings


def conflicts(settings: Settings, stack: str) -> Iterator[Conflict]:
    """All of them."""
    for rule in _RULES:
        yield from rule(settings)
    yield from _trust(settings, stack)
    yield from promotion(settings, stack)
    yield from estate.names(settings, stack)
    yield from estate.existing(settings)
    yield from estate.roles(settings)


def _serving_memory(settings: Settings) -> Iterator[Conflict]:
    model, size = known(settings.model.name), settings.serving.size
    if model.serving_memory and size.memory_per_gpu < model.serving_memory:
        rule = f"has {recipes.has(size)}; {model.name} needs {model.serving_memory} GB"
        yield Conflict("serving.vmSize", size.name, rule, "take Standard_NC24ads_A100_v4", ("model.name", "model.id"))


def _tokenizer_file(settings: Settings) -> Iterator[Conflict]:
    data = settings.data
    if data.run_on == "cluster" and data.tokenizer.endswith(".json"):
        rule = "is a file of this machine, which the cluster does not have"
        yield Conflict("data.tokenizer", data.tokenizer, rule, "name a repository of the hub", ("data.runOn",))


def _mixture(settings: Settings) -> Iterator[Conflict]:
    data = settings.data
    if not data.sources:
        return
    total = sum(float(each.share.removesuffix("%")) for each in data.sources)
    if abs(total - 100) > 0.01 or any(float(each.share.removesuffix("%")) == 0 for each in data.sources):
        shares = ", ".join(each.share for each in data.sources)
        yield Conflict("data.sources", shares, "are no shares above 0 % that add up to 100 %", "mend the shares", ())
    read = [each.model_dump(exclude={"share"}) for each in data.sources]
    if twice := sorted({each["source"] for at, each in enumerate(read) if each in read[:at]}):
        rule = "is there twice, and its rows would be taken once"
        yield Conflict("data.sources", ", ".join(twice), rule, "give it one line with both shares", ())
    if data.run_on == "cluster":
        rule = "are mixed on this machine, and data.runOn is cluster"
        yield Conflict("data.sources", len(data.sources), rule, "set runOn to local", ("data.runOn",))
    for name in sorted(set(RowsSettings.model_fields) & data.model_fields_set):
        rule = "has no effect beside data.sources, each of which has its own"
        yield Conflict(f"data.{name}", getattr(data, name), rule, "move it into sources", ("data.sources",))


def _nodes(settings: Settings) -> Iterator[Conflict]:
    data, wanted, most = settings.data, settings.data.cluster.nodes, settings.data.cluster.max_nodes
    if wanted == 1 or data.run_on != "cluster":
        return
    if wanted > most:
        rule = f"is more than the cluster ever has: data.cluster.maxNodes is {most}"
        remedy = f"set it to {most} or less, or raise maxNodes"
        yield Conflict("data.cluster.nodes", wanted, rule, remedy, ("data.cluster.maxNodes",))
    one = "set it to 1"
    if of_the_hub(data.source):
        rule = f"divides files, and {data.source} is streamed from the hub, which one node does"
        yield Conflict("data.cluster.nodes", wanted, rule, one, ("data.source",))
    elif not data.rows.endswith("%") and data.rows != "all":
        rule = f"divides all rows, and data.rows counts {data.rows} off from the beginning, which one node does"
        yield Conflict("data.cluster.nodes", wanted, rule, f"{one}, or rows to a share", ("data.rows",))
    elif "[" in data.split and data.split != RowsSettings.model_fields["split"].default:
        rule = f"divides all rows, and data.split is {data.split}, which one node counts off"
        yield Conflict("data.cluster.nodes", wanted, rule, one, ("data.split",))


def _three_files(settings: Settings) -> Iterator[Conflict]:
    data = settings.data
    if data.test_ratio + data.validation_ratio >= 1:
        rule = f"leaves no row to train on beside testRatio, which is {data.test_ratio:g}"
        remedy = f"set it to {min(0.1, (1 - data.test_ratio) / 2):g}"
        yield Conflict("data.validationRatio", data.validation_ratio, rule, remedy, ("data.testRatio",))
    if data.validation and data.validation_ratio:
        rule = "has no effect beside data.validation, which is a file of such rows"
        yield Conflict("data.validationRatio", data.validation_ratio, rule, "set it to 0", ("data.validation",))
    for name in ("test", "validation"):
        if data.sources and (own := getattr(data, name)):
            rule = "goes beside one source, not beside data.sources, each of which is divided by itself"
            yield Conflict(f"data.{name}", own, rule, f"use {name}Ratio", ("data.sources",))


def _purge(settings: Settings) -> Iterator[Conflict]:
    if settings.purge_on_destroy and settings.vault.purge_protection:
        yield Conflict(
            "purgeOnDestroy",
            True,
            "cannot be kept with vault.purgeProtection: true, as Azure then lets nobody purge the vault",
            "set purgeOnDestroy to false, or vault.purgeProtection to false before the vault is made",
            ("vault.purgeProtection",),
        )


def _recipients(settings: Settings) -> Iterator[Conflict]:
    monitoring = settings.monitoring
    reasons = [
        name
        for name, on in (("monitoring.alerts", monitoring.alerts), ("monitoring.budget", monitoring.budget.amount))
        if on
    ]
    if reasons and not monitoring.email:
        yield Conflict(
            "monitoring.email",
            monitoring.email,
            f"is needed, as {' and '.join(reasons)} {'send' if len(reasons) > 1 else 'sends'} e-mail",
            "give an address, or switch off " + " and ".join(reasons),
            ("monitoring.alerts", "monitoring.budget.amount"),
        )


def _late_alert(settings: Settings) -> Iterator[Conflict]:
    latency, limit = settings.monitoring.latency_seconds, settings.serving.request_timeout_seconds
    if settings.monitoring.alerts and latency >= limit:
        yield Conflict(
            "monitoring.latencySeconds",
            latency,
            f"is never reached: requests end after serving.requestTimeoutSeconds, which is {limit}",
            f"set it below {limit}",
            ("monitoring.alerts", "serving.requestTimeoutSeconds"),
        )


def _tags_of_two(settings: Settings) -> Iterator[Conflict]:
    ours = {name.lower() for name in settings.tags}
    both = [name for name in settings.tags_from_elsewhere if name.lower() in ours]
    if both:
        yield Conflict(
            "tagsFromElsewhere",
            ", ".join(both),
            "says that something else sets a tag that is also in tags",
            "keep the one or the other",
            ("tags",),
        )


def _network(settings: Settings) -> Iterator[Conflict]:
    if settings.network != "public" and settings.compute.min_nodes:
        yield Conflict(
            "compute.minNodes",
            settings.compute.min_nodes,
            f"must be 0 with network: {settings.network}: Azure makes no change to a managed network while machines "
            "are running",
            "set it to 0, or network to public",
            ("network",),
        )


def _mirror(settings: Settings) -> Iterator[Conflict]:
    serving = settings.serving
    if serving.mirror_percent and not serving.soak_seconds:
        rule = "has no effect without serving.soakSeconds: so long copies are sent, and watched"
        remedy = "set soakSeconds to 300 or more, as Azure's figures are minutes late"
        yield Conflict("serving.mirrorPercent", serving.mirror_percent, rule, remedy, ("serving.soakSeconds",))


def _scale(settings: Settings) -> Iterator[Conflict]:
    serving, scale = settings.serving, settings.serving.scale
    if not scale.wanted:
        return
    if scale.max < scale.min:
        rule = f"must not be less than min, which is {scale.min}"
        yield Conflict("serving.scale.max", scale.max, rule, f"set it to {scale.min} or more", ("serving.scale.min",))
    elif not scale.min <= serving.instances <= scale.max:
        rule = f"must be within serving.scale, which is {scale.min} to {scale.max}: a new deployment begins with it"
        remedy = f"set it to {scale.within(serving.instances)}"
        yield Conflict("serving.instances", serving.instances, rule, remedy, ("serving.scale.min", "serving.scale.max"))


def _recreate(settings: Settings) -> Iterator[Conflict]:
    """What needs the old deployment beside the new one, where it goes before the new one is made."""
    serving, compute = settings.serving, settings.compute
    if serving.strategy != "recreate":
        return
    rule = "cannot be with serving.strategy: recreate, as the old deployment is gone before the new one is made"
    wrong = (
        ("serving.trafficSteps", list(serving.traffic_steps), list(serving.traffic_steps) == [100], "[100]"),
        ("serving.mirrorPercent", serving.mirror_percent, not serving.mirror_percent, "0"),
        ("serving.keepPreviousHours", serving.keep_previous_hours, not serving.keep_previous_hours, "0"),
        ("serving.onFailure", serving.on_failure, serving.on_failure == "remove", "remove"),
    )
    for at, value, fits, wanted in wrong:
        if not fits:
            yield Conflict(at, value, rule, f"set it to {wanted}", ("serving.strategy",))
    if compute.min_nodes and compute.size.family == serving.size.family:
        rule = "keeps machines that the endpoint is to have in turn (serving.strategy: recreate)"
        beside = ("serving.strategy", "serving.vmSize", "compute.vmSize")
        yield Conflict("compute.minNodes", compute.min_nodes, rule, "set it to 0, or strategy to beside", beside)


def _deployers(settings: Settings) -> Iterator[Conflict]:
    storage = settings.storage
    if settings.github.repository and not storage.shared_keys and not storage.deployers:
        yield Conflict(
            "storage.deployers",
            storage.deployers,
            "must name who runs the program beside GitHub's workflows: a role that follows whoever runs it would be "
            "taken away from the one by the other each time",
            "give {object id: User}, which az ad signed-in-user show --query id prints, or a group's as Group",
            ("github.repository", "storage.sharedKeys"),
        )


_RULES: tuple[Callable[[Settings], Iterator[Conflict]], ...] = (
    _serving_memory,
    recipes.training_memory,
    recipes.context,
    recipes.nodes,
    recipes.swept,
    recipes.alike,
    recipes.released,
    _purge,
    locked.keys,
    locked.own_key,
    locked.sealed,
    locked.private,
    locked.outbound,
    _recipients,
    _late_alert,
    _recreate,
    _scale,
    _mirror,
    _network,
    _tags_of_two,
    _tokenizer_file,
    _mixture,
    _nodes,
    _three_files,
    _deployers,
)


def _trust(settings: Settings, stack: str) -> Iterator[Conflict]:
    github = settings.github
    if not github.repository:
        return
    if github.environment not in ("", stack):
        yield Conflict(
            "github.environment",
            github.environment,
            f"is not {stack}: jobs that another environment's rules let through would deploy this stack",
            f"remove the key, and call the environment on GitHub {stack}",
            ("github.repository",),
        )
    named = re.sub(r"@\d+", "", github.subject.removeprefix("repo:"))
    if named.lower() not in ("", github.repository.lower()):
        yield Conflict(
            "github.subject",
            github.subject,
            f"is that of another repository than {github.repository}",
            "`python -m jobs github-subject` asks GitHub for this one's",
            ("github.repository",),
        )
