"""What a stage would cost, from its inputs and the prices in the configuration: a limit, not an offer."""

from __future__ import annotations

from collections.abc import Iterator

from data_prep.models import WAITS
from infra.catalogue import VM_SIZES
from policy import kinds
from policy.frameworks import well_architected
from policy.rules import HIGH, Config, Option, Resource, resource_rule

HOURS_A_MONTH = 730
"""As Azure's price pages count."""

_GPUS = {size.name.lower(): size.gpus for size in VM_SIZES.values()}
_PRICE = Option("number", 4.0, "US dollars an hour for one GPU of the machines in use, an assumption to be set")


@resource_rule(
    "finetune-spending",
    "A fine-tune stays under its spending limit.",
    types=(kinds.STAGE,),
    reason="epochs, attempts and nodes multiply, and each attempt waits seven minutes beside its training: a typed "
    "zero too many is found on the bill",
    remedy="lower num_train_epochs or max_steps in finetune-phi:recipe or finetune-phi:finetune's maxAttempts, "
    "or raise the limit in this policy's configuration",
    severity=HIGH,
    framework=well_architected("CO:04"),
    options={
        "maximumDollars": Option("number", 100, "most US dollars, all attempts together"),
        "dollarsPerGpuHour": _PRICE,
        "hoursPerEpoch": Option("number", 1.0, "hours one pass over the training data takes, an assumption to be set"),
        "secondsPerStep": Option("number", 2.0, "seconds one step takes, for recipes with max_steps"),
    },
)
def finetune_spending(resource: Resource, config: Config) -> Iterator[str]:
    if not kinds.finetune(resource):
        return
    steps = resource.at("input.recipe.max_steps", -1)
    epochs = resource.at("input.recipe.num_train_epochs", 1)
    hours = steps * config["secondsPerStep"] / 3600 if steps > 0 else epochs * config["hoursPerEpoch"]
    hours += WAITS / 3600
    nodes = resource.at("input.recipe.num_nodes_finetune", 1)
    attempts, gpus = resource.at("input.max_attempts", 1), resource.at("input.gpus_per_node", 1) * nodes
    dollars = hours * attempts * gpus * config["dollarsPerGpuHour"]
    if dollars > config["maximumDollars"]:
        much = f"{steps:g} steps" if steps > 0 else f"{epochs:g} epoch(s)"
        yield (
            f"{much} on {gpus:g} GPU(s), {attempts:g} attempt(s) at most, may cost {dollars:,.0f} US dollars; "
            f"allowed: {config['maximumDollars']:,.0f}"
        )


@resource_rule(
    "serving-spending",
    "What answers stays under its monthly spending limit.",
    types=(kinds.STAGE,),
    reason="an instance costs its machine's price every hour, whether somebody chats or not",
    remedy="lower instances or choose a smaller vmSize under finetune-phi:serving, or raise the limit",
    severity=HIGH,
    framework=well_architected("CO:04"),
    options={
        "maximumDollarsPerMonth": Option("number", 3000, "most US dollars a month"),
        "dollarsPerGpuHour": _PRICE,
    },
)
def serving_spending(resource: Resource, config: Config) -> Iterator[str]:
    gpus = _GPUS.get(str(kinds.vm_size(resource)).lower()) if kinds.release(resource) else None
    if gpus is None:
        return
    # The untuned model beside it runs on as many instances.
    count = resource.at("input.instance_count") * (2 if resource.at("input.compare_with_base", False) else 1)
    dollars = count * gpus * config["dollarsPerGpuHour"] * HOURS_A_MONTH
    if dollars > config["maximumDollarsPerMonth"]:
        yield (
            f"{count:g} instance(s) of {kinds.vm_size(resource)} cost {dollars:,.0f} US dollars a month; "
            f"allowed: {config['maximumDollarsPerMonth']:,.0f}"
        )
