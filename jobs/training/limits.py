"""How long a job may run, by time and by money, and what is said of one that has reached that.

Azure ML keeps a limit itself for a command job (`limits.timeout`) and knows none for a pipeline, whose body has no such
member; and the fine-tune component takes none. So a fine-tuning is watched: `pulumi up` cancels it while it follows it,
and otherwise whoever looks next, another `pulumi up` or `python -m jobs cancel --past-limit`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cloud.arm import Arm
from cloud.catalogue import CLUSTER
from cloud.errors import StageError, azure_errors
from cloud.services.prices import MACHINES, Meter, PriceBook
from cloud.states import CANCELLED
from cloud.waiting import in_words
from jobs.training.joblog import JobLog
from jobs.training.spec import FinetuneSpec
from settings.recipes.sweep import PREFIX


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Seconds of running, without those of waiting for a machine; `setting` is the key that says so, and `by` how.

    `otherwise` is what can be done beside raising it.
    """

    seconds: float
    setting: str
    by: str
    otherwise: str = ""

    @classmethod
    def of_hours(cls, hours: float, setting: str) -> Limit:
        """A limit by time."""
        return cls(seconds=hours * 3600, setting=setting, by=f"{setting} is {hours:g}")

    def __str__(self) -> str:
        return f"{in_words(self.seconds)} ({self.by})"

    def reached(self, work: str, job: str, log: JobLog, logs: str) -> StageError:
        """What is said of a job that was cancelled for it; ``logs`` is the command that shows all of its log."""
        runs = log.children()
        last = log.tail(runs[-1].name if runs else job, 1)
        said = f" The last it said: {last[0].strip()}" if last else ""
        return StageError(
            f"the {work} reached its limit and was cancelled",
            on=f"job {job}",
            why=f"it ran for {in_words(log.ran())}, and it may for {self}; as it is, it would reach that again",
            todo=f"`{logs}` shows whether it went on until then or hung.{said} If it needs longer, raise "
            f"{self.setting}, or give it less to do or a faster machine; if it hung, mend that, and raise "
            f"{self.setting} a little to try the same again{self.otherwise}. What its steps had saved by then is still "
            "in their outputs in the studio; the next attempt begins anew.",
        )


def at_end(limit: Limit | None, status: str, log: JobLog) -> bool:
    """Whether a job that ended so did for having run as long as it may."""
    # Azure counts its own limit from a little later than the run's start.
    return limit is not None and status in CANCELLED and log.ran() >= 0.99 * limit.seconds


def of_finetuning(spec: FinetuneSpec, arm: Arm) -> Limit:
    """The stricter of `finetune.maxHours` and `finetune.maxCost`.

    Raises StageError where the cost cannot be kept to, as nobody knows the price of the cluster's machines.
    """
    # A run of a sweep has its part of what all runs may take together, where that is less.
    also = "" if not spec.recipe_name.startswith(PREFIX) else " or its part of sweep.max{}"
    by_time = Limit.of_hours(spec.finetune.max_hours, "finetune.maxHours" + also.format("Hours"))
    if not spec.finetune.max_cost:
        return replace(by_time, otherwise=leave_out(spec.recipe_name))
    cost, (hourly, size) = spec.finetune.max_cost, _price(spec, arm)
    nodes = int(spec.recipe.get("num_nodes_finetune", 1))
    each = f"{nodes} x {size}" if nodes > 1 else size
    by_cost = Limit(
        seconds=cost / (hourly * nodes) * 3600,
        setting=(key := "finetune.maxCost" + also.format("Cost")),
        by=f"{key} is {cost:g} USD, and {each} costs {hourly * nodes:.2f} an hour",
    )
    found = min(by_time, by_cost, key=lambda limit: limit.seconds)
    return replace(found, otherwise=leave_out(spec.recipe_name))


def leave_out(recipe: str) -> str:
    """What can be done of a recipe that a sweep has made, "" of others."""
    return f"; or go on without this run, by sweep.leaveOut: [{recipe}]" if recipe.startswith(PREFIX) else ""


def _price(spec: FinetuneSpec, arm: Arm) -> tuple[float, str]:
    """US dollars an hour of one machine of the cluster, and their size."""
    on = f"cluster {spec.cluster}"
    with azure_errors("the price of the cluster's machines could not be looked up", on):
        found = arm.find(f"{spec.target.path}/computes/{spec.cluster}", CLUSTER.version) or {}
    properties = found.get("properties") or {}
    region = str(properties.get("computeLocation") or found.get("location") or "")
    meter = Meter(MACHINES, region, str((properties.get("properties") or {}).get("vmSize") or ""))
    if spec.hourly_price:
        return spec.hourly_price, meter.sku
    book = PriceBook.of_stack(spec.stack)
    price = book.price(meter) if meter.sku else None
    book.close()
    if price is None or not price.hourly:
        raise StageError(
            "finetune.maxCost cannot be kept",
            on=on,
            why=f"nobody knows what a {meter.sku or 'machine of it'} costs in {region or 'its region'}: Azure's price "
            "list has no such machine, or could not be reached",
            todo="Say the price in compute.hourlyPrice, or set finetune.maxCost to 0 and keep to finetune.maxHours; "
            "then run `pulumi up` again. Nothing was begun.",
        )
    return price.hourly, meter.sku
