"""What a stage would cost, from its inputs and the prices in the configuration: a limit, not an offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cloud.catalogue import CLUSTER, STAGE
from cloud.services.prices import HOURS_A_MONTH
from policy import samples
from policy.example import Example, but
from policy.frameworks import well_architected
from policy.inputs import is_finetune, is_release, trained_on, vm_size
from policy.rule import HIGH, Config, Option, resource_rule, stack_rule
from policy.subject import Member, Problem, Resource, Stack, each
from settings.machines import HOURLY_DOLLARS
from settings.models import WAITS
from settings.sections.hours import share_of

_PRICES = Option(
    "object",
    HOURLY_DOLLARS,
    "US dollars an hour for one machine, by VM size; one that is not in it costs an unknown amount, which is over "
    "every limit. Empty: machines cost nothing here",
)


def _hourly(prices: Mapping[str, float], vm_size: str) -> float | None:
    """None where nobody knows."""
    if not prices:
        return 0.0
    return {name.lower(): float(price) for name, price in prices.items()}.get(vm_size.lower())


@stack_rule(
    "finetune-spending",
    "A fine-tune stays under its spending limit.",
    reason="epochs, attempts and nodes multiply, and each attempt waits seven minutes beside its training: a typed "
    "zero too many is found on the bill",
    remedy="lower num_train_epochs or max_steps in finetune-phi:recipe or finetune-phi:finetune's maxAttempts, "
    "or raise the limit in this policy's configuration",
    severity=HIGH,
    framework=well_architected("CO:04"),
    options={
        "maximumDollars": Option("number", 100, "most US dollars, all attempts and all recipes together"),
        "dollarsPerHour": _PRICES,
        "hoursPerEpoch": Option(
            "number",
            1.0,
            "hours one pass over the training data takes at least, an assumption to be set; where the data card beside "
            "the data reckons more, from their tokens, that counts",
        ),
        "secondsPerStep": Option("number", 2.0, "seconds one step takes, for recipes with max_steps"),
    },
    examples=(
        Example(
            passes=(samples.cluster("affordable"), samples.finetune("affordable-stage")),
            fails=(
                samples.cluster("finetune-spending-cluster"),
                samples.finetune("finetune-spending").but(input__recipe__num_train_epochs=100),
            ),
            on="finetune-spending",
        ),
    ),
)
def finetune_spending(stack: Stack, config: Config) -> Iterator[Problem]:
    costs: dict[str, float] = {}
    too_much: set[str] = set()

    def look(stage: Member) -> Iterator[Problem]:
        name = stage.at("input.cluster")
        for cluster in (one for one in stack.of(CLUSTER) if one.peek("computeName") == name):
            size = str(cluster.peek("properties.properties.vmSize"))
            told, costs[stage.name] = _finetune(stage, size, config, trained_on(stack, stage, size))
            if told:
                too_much.add(stage.name)
                yield told, stage

    yield from each(filter(is_finetune, stack.of(STAGE)), look)
    # Where one is too much by itself, all together are so as well, which says nothing more.
    if len(costs) > 1 and not too_much and sum(costs.values()) > config["maximumDollars"]:
        yield (
            f"{len(costs)} fine-tunes together may cost {sum(costs.values()):,.0f} US dollars; "
            f"allowed: {config['maximumDollars']:,.0f}",
            None,
        )


def _finetune(stage: Member, size: str, config: Config, data: float | None) -> tuple[str, float]:
    """What is too much, or unknown, of a fine-tune on machines of that size, "" where nothing is; and what it may cost.

    ``data`` are the hours that a pass over the data takes by their card: more than the assumed ones count.
    """
    hourly = _hourly(config["dollarsPerHour"], size)
    if hourly is None:
        return f"what {size} costs an hour is unknown; name it in dollarsPerHour", 0.0
    steps, epochs = stage.at("input.recipe.max_steps", -1), stage.at("input.recipe.num_train_epochs", 1)
    an_epoch = max(config["hoursPerEpoch"], data or 0.0)
    hours = steps * config["secondsPerStep"] / 3600 if steps > 0 else epochs * an_epoch
    hours += WAITS / 3600
    if longest := stage.at("input.max_hours", 0):
        hours = min(hours, longest)  # an attempt that reaches it is cancelled, as one does that reaches its cost
    attempts, nodes = stage.at("input.max_attempts", 1), stage.at("input.recipe.num_nodes_finetune", 1)
    dollars = hours * attempts * nodes * hourly
    if most := stage.at("input.max_cost", 0):
        dollars = min(dollars, most * attempts)
    if dollars <= config["maximumDollars"]:
        return "", dollars
    much = f"{steps:g} steps" if steps > 0 else f"{epochs:g} epoch(s)"
    by = f" of {an_epoch:.1f} h, by the data card," if steps <= 0 and an_epoch > config["hoursPerEpoch"] else ""
    return (
        f"{much}{by} on {nodes:g} x {size}, {attempts:g} attempt(s) at most, may cost {dollars:,.0f} US dollars; "
        f"allowed: {config['maximumDollars']:,.0f}",
        dollars,
    )


@resource_rule(
    "serving-spending",
    "What answers stays under its monthly spending limit.",
    types=(STAGE,),
    reason="an instance costs its machine's price every hour, whether somebody chats or not",
    remedy="lower instances, choose a smaller vmSize or set hours under finetune-phi:serving, or raise the limit",
    severity=HIGH,
    framework=well_architected("CO:04"),
    options={
        "maximumDollarsPerMonth": Option("number", 3000, "most US dollars a month"),
        "dollarsPerHour": _PRICES,
    },
    examples=(but(samples.release, input__compare_with_base=True),),
)
def serving_spending(resource: Resource, config: Config) -> Iterator[str]:
    if not is_release(resource):
        return
    size = str(vm_size(resource))
    # The untuned model beside it runs on as many instances as a new deployment begins with; it is not scaled.
    base = resource.at("input.instance_count") if resource.at("input.compare_with_base") else 0
    count = max(resource.at("input.instance_count"), resource.at("input.scale.max", 0)) + base
    hourly = _hourly(config["dollarsPerHour"], size)
    if hourly is None:
        yield f"what {size} costs an hour is unknown; name it in dollarsPerHour"
        return
    hours = resource.at("input.hours", "")
    dollars = count * hourly * HOURS_A_MONTH * share_of(hours)
    if dollars > config["maximumDollarsPerMonth"]:
        yield (
            f"{count:g} instance(s) of {size} cost {dollars:,.0f} US dollars a month{f' in {hours}' if hours else ''}; "
            f"allowed: {config['maximumDollarsPerMonth']:,.0f}"
        )
