"""What the stages work on: their specs, as the program records them."""

from __future__ import annotations

from collections.abc import Mapping

from cloud.catalogue import CHOICE, CLUSTER_SIZE, PURGE, STAGE
from review.known.judge import (
    HARMLESS,
    NEW,
    NOTHING,
    UNHEARD,
    Finding,
    Level,
    Property,
    harmless,
    matters,
    naming,
    number,
    one_of,
    prop,
)
from settings.sections.data import PREPARATION_HOURS
from settings.sections.finetune import FINETUNING_HOURS
from settings.sections.hours import WrongHours, hours_of, share_of

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW


def _stack(was: object, will: object) -> Finding:
    """The stack whose jobs they are; none, where there was no job before."""
    return HARMLESS if was in (NEW, None) and will else (MEDIUM, "its jobs are taken for another stack's")


_PLACE = (
    prop("input.target.**", matters("it works in another workspace", HIGH)),
    prop("input.workspace_id", matters("it works in another workspace of that name")),
    prop("input.stack", _stack),
    *harmless("input.experiment"),
)
_LEARNT = matters("a fine-tune is paid for, and another model answers")
_JUDGED: Finding = (MEDIUM, "a worse model may be released")
_WATCHED: Finding = (MEDIUM, "a failing model is taken back later")
MOST_ATTEMPTS = 10
_SUDDEN = (MEDIUM, "a new model meets callers sooner")


def _hours(was: object, will: object) -> Finding:
    """When somebody is answered: fewer hours leave callers without an answer, more are paid for."""
    try:
        hours_of(str(will or ""))
    except WrongHours:
        return UNHEARD
    before, after = share_of("" if was is NEW else was), share_of(will)
    if before == after:
        return (LOW, "callers are answered at other hours") if was not in (NEW, will) and will else NOTHING
    if after < before:
        return MEDIUM, f"callers get no answer outside of {will}"
    return MEDIUM, f"more machine hours are paid for: {will or 'around the clock'}"


def _steps(was: object, will: object) -> Finding:
    """Shares of the traffic, per cent."""
    shares = [steps for steps in (was, will) if isinstance(steps, list) and steps]
    if was is NEW:
        return NOTHING
    if len(shares) < 2 or not all(isinstance(share, int | float) for steps in shares for share in steps):
        return UNHEARD
    careful = shares[1][0] <= shares[0][0] and len(shares[1]) >= len(shares[0])
    return (LOW, "a new model meets callers more slowly") if careful else _SUDDEN


def _attempts(_was: object, will: object) -> Finding:
    """As many as the settings allow a job to fail; each is paid for."""
    if isinstance(will, int | float) and 1 <= will <= MOST_ATTEMPTS:
        return HARMLESS
    return (MEDIUM, "each attempt is paid for") if isinstance(will, int | float) else UNHEARD


_DEPLOYED = ("model_name", "model_fingerprint", "instance_type", "endpoint", "target")


def makes_deployment(was: Mapping[str, object], will: Mapping[str, object]) -> bool:
    """Whether a release of these inputs makes another deployment; else it changes what stands in place, or nothing."""
    # The fingerprint of a model says what made it, whatever its number; a model of other origin has none.
    number = () if will.get("model_fingerprint") else ("model_version",)
    anew = bool(was.get("endpoint_created")) and was.get("endpoint_created") != will.get("endpoint_created")
    return anew or any(was.get(key) != will.get(key) for key in (*_DEPLOYED, *number))


STAGES: dict[str, tuple[Property, ...]] = {
    # It asks Azure, and changes nothing there; what it asks about is told where it is used.
    "preflight": (
        *(
            prop(f"input.{key}", matters("Azure is asked about something else before the update"))
            for key in ("subscription_id", "resource_group", "workspace", "vault", "ai_services", "endpoint")
        ),
        *harmless("input.**"),
    ),
    # It looks, and grants nothing.
    "roles": (
        prop("input.grants**", matters("other roles are asked of those who grant them")),
        prop("input.subscription_id", matters("roles are looked for in another subscription")),
        *harmless("input.stack", "input.fingerprint"),
    ),
    # These ask for a network that the workspace says itself, and look whether this machine is in there.
    **dict.fromkeys(
        ("workspace-network", "hub-network", "reach"),
        (
            *_PLACE,
            prop("input.grants**", matters("other roles are looked for before the network is made")),
            prop("input.subnet", matters("the stack answers in another network", HIGH)),
            *harmless("input.fingerprint"),
        ),
    ),
    "dataset": (
        *_PLACE,
        prop("input.name", matters("other data is learned from")),
        prop("input.fingerprint", matters("other data is learned from")),
        prop("input.directory", matters("other data is learned from")),
        prop("input.source", matters("other data is learned from")),
        prop("input.options.mask", one_of({True: None, False: (HIGH, "what tells who somebody is stays in the data")},
             created=LOW, leaving=(LOW, "what tells who somebody is is taken out of the data")), False),
        prop("input.options.**", matters("the data is prepared in another way")),
        prop("input.cluster", matters("a job on another cluster prepares the data")),
        prop("input.vm_size", matters("a job on other machines prepares the data, at another price")),
        prop("input.max_attempts", _attempts),
        prop("input.max_hours", matters("the job that prepares the data may run for another time"), PREPARATION_HOURS),
        prop("input.nodes", matters("other machines prepare the data, at another price"), 1),
        prop("input.validation", matters("another file of the data decides which model is taken"), False),
        prop("input.own**", matters("other conversations judge the model, or decide which is taken")),
    ),
    "finetune": (
        *_PLACE,
        prop("input.fingerprint", _LEARNT),
        prop("input.base_model.**", matters("another base model may answer in another format and need other memory")),
        prop("input.component.**", matters("other code trains")),
        prop("input.recipe.**", _LEARNT),
        prop("input.finetune_config", _LEARNT, ""),
        prop("input.dataset_name", matters("other data is learned from")),
        prop("input.dataset_fingerprint", matters("other data is learned from")),
        prop("input.cluster", matters("it trains on another cluster")),
        prop("input.gpus_per_node", matters("it trains on another number of GPUs")),
        prop("input.model_name", matters("the model is registered under another name")),
        prop("input.max_attempts", _attempts),
        prop("input.max_hours", matters("a job may run, and bill, for another time"), FINETUNING_HOURS),
        prop("input.max_cost", matters("a job may cost another amount"), 0),
        *harmless("input.adapt"),
        prop("input.validation", matters("the loss is measured by another file of the data"), False),
        prop("input.hourly_price", matters("what a job may cost is reckoned by another price"), 0),
        prop("input.supersede", one_of({"cancel": None, "keep": (LOW, "a job that is not needed any more goes on")},
             leaving=(LOW, "a job that is not needed any more is cancelled")), "cancel"),
        *harmless("input.wait", "input.cancel_on_interrupt", "input.data**", "input.recipe_name"),
    ),
    "promotion": (
        prop("input.registry", matters("a model of another registry answers", HIGH)),
        prop("input.stack", matters("a model that another stack has proved answers", HIGH)),
        *_PLACE,
        prop("input.evidence.proved_gate", matters("the model rests on other evidence", LOW)),
        prop("input.evidence.proved_score", matters("the model rests on another score", LOW)),
        prop("input.evidence.base_model", matters("another base model may answer in another format")),
        *harmless("input.evidence.**"),
        *(prop(f"input.{key}", matters("another model answers"))
          for key in ("fingerprint", "model_fingerprint", "model_name")),
        *harmless("input.model_version"),
    ),
    "share": (
        *_PLACE,
        prop("input.registry", matters("other people can take the model", MEDIUM, at_first=LOW)),
        prop("input.evaluation.minimum_score", number(NOTHING, _JUDGED)),
        prop("input.evaluation.questions", matters("other questions decide whether a model is shared", LOW)),
        *harmless("input.**"),
    ),
    "release": (
        *_PLACE,
        prop("input.registry", matters("a model from another place answers", HIGH, at_first=MEDIUM), ""),
        prop("input.fingerprint", matters("another deployment answers")),
        prop("input.model_fingerprint", matters("another model answers")),
        *harmless("input.question", "input.drain_seconds", "input.model_version"),
        prop("input.endpoint", matters("it is released behind another endpoint")),
        prop("input.endpoint_created", matters("it is released behind another endpoint of that name")),
        prop("input.model_name", matters("another model answers")),
        prop("input.base_model.**", matters("another base model may answer in another format and need other memory")),
        prop("input.instance_type", matters("the model answers from other machines")),
        prop("input.instance_count", number((MEDIUM, "more machines are paid for, day and night"),
             (MEDIUM, "fewer machines answer"))),
        prop("input.request_timeout_seconds", matters("a question may take another time to be answered")),
        prop("input.max_concurrent_requests", matters("a machine answers more callers at once, or fewer")),
        prop("input.compare_with_base", one_of({True: (MEDIUM, "the untuned model's machines are paid for, too"),
             False: None}, leaving=(LOW, "nobody compares with the untuned model any more"), created=LOW), False),
        prop("input.hours", _hours, ""),
        prop("input.scale.max", number((MEDIUM, "more machines may be paid for, by load"),
             (MEDIUM, "fewer machines answer under load, or none more than there are")), 0),
        prop("input.scale.min", number((MEDIUM, "more machines are paid for, day and night"),
             (MEDIUM, "fewer machines answer")), 1),
        prop("input.scale.target", matters("machines are added, and paid for, at another load"), 70),
        prop("input.strategy", one_of({"beside": None, "recreate":
             (MEDIUM, "nobody is answered for some twenty minutes at each release")}, created=MEDIUM,
             leaving=(LOW, "a release takes machines beside those in service")), "beside"),
        prop("input.keep_previous_hours", number((LOW, "the deployment before is paid for longer after a release"),
             (LOW, "one can go back at once for a shorter time")), 0),
        prop("input.traffic_steps", _steps, [100]),
        prop("input.mirror_percent", number((LOW, "more of what callers ask is sent to a new model, too"),
             (MEDIUM, "a new model meets fewer copies of what callers ask before it answers them")), 0),
        prop("input.soak_seconds", number((LOW, "a new model is watched for longer"), _SUDDEN), 0),
        prop("input.health.failed_percent", number(_WATCHED, (LOW, "a failing model is taken back sooner"))),
        prop("input.health.latency_seconds", number(_WATCHED, (LOW, "a slow model is taken back sooner"))),
        prop("input.health.minimum_requests", number(_WATCHED, (LOW, "a failing model is taken back sooner"))),
        prop("input.health.no_data", one_of({"pass": _WATCHED, "wait": None, "fail": None}, created=LOW,
             leaving=(LOW, "a model that nobody asks is not released")), "pass"),
        prop("input.probe", one_of({True: None, False: (LOW, "a model that few ask is not asked before it goes on")},
             leaving=(LOW, "a model that few ask is asked questions of our own"), created=LOW), False),
        *harmless("input.health.wait_seconds"),
        prop("input.evaluation.questions", matters("other questions decide whether a model is released")),
        prop("input.evaluation.minimum_score", number((LOW, "a model has to be better to be released"), _JUDGED)),
        prop("input.evaluation.maximum_drop", number(_JUDGED, (LOW, "a model has to be better to be released"))),
        prop("input.evaluation.confidence_percent",
             matters("another certainty decides whether a model is worse", LOW), 95),
        prop("input.evaluation.unclear", one_of({"pass": _JUDGED, "fail": None}, created=LOW,
             leaving=(LOW, "a model has to be better to be released")), "pass"),
        prop("input.evaluation.samples", matters("a model is judged by another number of answers", LOW), 1),
        prop("input.evaluation.best_by", matters("another metric tells which recipe is the best"), "eval_loss"),
        prop("input.evaluation.judge", matters("another model judges the answers", MEDIUM), ""),
        *harmless("input.evaluation.test_rows"),
        prop("input.evaluation.latency_percent",
             number((LOW, "a model has to be quicker to be released"), _JUDGED), 95),
        prop("input.evaluation.latency_seconds", number(_JUDGED, (LOW, "a model has to be quicker to be released"))),
        prop("input.liveness.**", matters("Azure restarts the deployment by other signs")),
        prop("input.readiness.**", matters("Azure gives the deployment traffic by other signs")),
    ),
    "flow": (
        *_PLACE,
        prop("input.name", matters("the flow has another name, and its old one stays")),
        prop("input.fingerprint", matters("the flow is published again")),
        prop("input.content", matters("other code stands between people and the model")),
        prop("input.connection", matters("the flow asks through another connection")),
    ),
}  # fmt: skip
"""By the name of the stage in the program."""

WORK: dict[str, tuple[Property, ...]] = {
    STAGE.type: (),
    PURGE.type: (
        *naming("subscriptionId", "resourceGroup", "target"),
        prop("names**", matters("other names are freed for good at a destroy")),
        prop("holds**", matters("other things are waited for at a destroy", LOW)),
        *harmless("earlier**"),
    ),
    CHOICE.type: (
        *naming("subscriptionId", "resourceGroup", "workspace", "modelName"),
        prop("metric", matters("another metric tells which recipe is the best")),
        prop("candidates**", matters("the best is chosen among other recipes, and another model may answer")),
        *harmless("lengths**"),
    ),
    # Told with its cluster.
    CLUSTER_SIZE.type: (*naming("subscriptionId", "cluster"), *harmless("vmSize", "tags**")),
}
"""By type: what the program does beside its resources."""
