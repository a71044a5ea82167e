"""What an update will do, in words: the resources, and the stages that no resource stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cloud.catalogue import ENDPOINT, STAGE
from review.difference import PropertyChange, difference, text_of
from review.durations import Past, in_words
from review.events import Preview, Step
from review.known.stages import makes_deployment
from review.training import around, finetunes, promoted
from review.training.finetunes import training_cluster
from review.words import gpus, is_work, shown, type_of

_MOST = 4  # resources of one fate that are named before they are counted
_DOES = {"create": "creates", "update": "changes", "replace": "replaces", "delete": "deletes", "import": "adopts"}
_LIFETIMES = ("workspace_id", "endpoint_created")
_RECIPE_IN_WORDS = {
    "learning_rate": "learning rate",
    "lr_scheduler_type": "schedule",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch size",
    "max_seq_length": "longest conversation",
    "apply_lora": "adapters (LoRA)",
}


def is_resource(step: Step) -> bool:
    """Whether it is a thing on Azure, not a stage, a component or a provider."""
    return not step.type.startswith(("finetune-phi:", "pulumi:")) and not is_work(step)


def stage_inputs(step: Step | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stage's spec before and after."""
    old, new = (step.old, step.new) if step else (None, None)
    return (old.inputs.get("input") or {} if old else {}), (new.inputs.get("input") or {} if new else {})


def sentences(preview: Preview, past: Past) -> list[str]:
    """In the order in which it happens."""
    asked = preview.step("preflight", STAGE.type)
    told = (
        ["asks Azure first whether quota, sizes, names and the base model allow it"] if asked and asked.changes else []
    )
    told += _used(preview)
    told += _resources(preview)
    for step in _stages(preview):
        told += _STAGES.get(finetunes.kind(step.name), _another)(step, preview, past)
    return told


def _stages(preview: Preview) -> list[Step]:
    """The stages that change: those of the table in its order, then others as they come."""
    changed = {step.name: step for step in preview.changed if step.type == STAGE.type and step.name != "preflight"}
    order = [*_STAGES, *(finetunes.kind(name) for name in changed)]
    return sorted(changed.values(), key=lambda step: (order.index(finetunes.kind(step.name)), step.name))


def _used(preview: Preview) -> Iterator[str]:
    """What somebody else has made: `existing` of the stack's file, as the preflight has it."""
    given = stage_inputs(preview.step("preflight", STAGE.type))[1].get("existing")
    if isinstance(given, Mapping) and given:
        used = _listed([f"{key} {str(id_).rsplit('/', 1)[-1]}" for key, id_ in given.items()])
        yield f"uses {used}, which somebody else has made, and neither changes nor deletes it"


def _resources(preview: Preview) -> Iterator[str]:
    changed = [step for step in preview.changed if is_resource(step)]
    for op, does in _DOES.items():
        some = [step for step in changed if step.op == op]
        if not some:
            continue
        if len(some) <= _MOST:
            yield f"{does} {_listed([_with_what(step) for step in some])}"
        else:
            kinds = Counter(type_of(step).label for step in some)
            named = [f"{count} {_plural(label)}" if count > 1 else label for label, count in kinds.most_common(_MOST)]
            rest = len(some) - sum(count for _, count in kinds.most_common(_MOST))
            yield f"{does} {len(some)} resources: {_listed([*named, *([f'{rest} more'] if rest else [])])}"


def _plural(label: str) -> str:
    return f"{label[:-1]}ies" if label.endswith("y") and label[-2] not in "aeiou" else f"{label}s"


def _with_what(step: Step) -> str:
    if step.op not in ("update", "replace") or not step.old or not step.new:
        return shown(step)
    changes = [c for c in difference(step.old.inputs, step.new.inputs) if not c.noise]
    if not changes:
        return shown(step)
    few = [_short(change) for change in changes[:2]]
    more = f" and {len(changes) - 2} more" if len(changes) > 2 else ""
    return f"{shown(step)} ({', '.join(few)}{more})"


def _short(change: PropertyChange) -> str:
    last = change.path if change.path.startswith("tags.") else change.path.rsplit(".", 1)[-1]
    return f"{last} {change.before} → {change.after}"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _how(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(_short(change) for change in difference(old, new) if not change.noise)


def _anew(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether what the stage had filled, a workspace, a project or an endpoint, is made anew under the same name."""
    return any(old.get(key) and old[key] != new.get(key) for key in _LIFETIMES)


def _dataset(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    del preview, past
    old, new = stage_inputs(step)
    if step.op == "delete":
        yield "forgets the data set; the uploaded data stays with the workspace"
    elif new.get("source") and (
        step.op == "create" or old.get("fingerprint") != new.get("fingerprint") or _anew(old, new)
    ):
        yield f"prepares the data set {new.get('name')} on {new.get('cluster')} ({new.get('fingerprint')})"
    elif step.op == "create":
        yield f"uploads the data set {new.get('name')} ({new.get('fingerprint')})"
    elif old.get("fingerprint") != new.get("fingerprint") or old.get("name") != new.get("name"):
        yield (
            f"uploads other data: {old.get('name')} ({old.get('fingerprint')}) → "
            f"{new.get('name')} ({new.get('fingerprint')})"
        )
    elif old.get("target") != new.get("target"):
        yield f"uploads the data set {new.get('name')} again, to another workspace"
    elif _anew(old, new):
        yield f"uploads the data set {new.get('name')} again, to the new workspace"
    else:
        yield "looks at the uploaded data again, which stays as it is"


def _flow(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    del preview, past
    old, new = stage_inputs(step)
    if step.op == "delete":
        yield "forgets the prompt flow, which stays in the Foundry project until that goes"
    elif step.op == "create":
        yield f"publishes the prompt flow {new.get('name')} to the Foundry project"
    elif _anew(old, new):
        yield f"publishes the prompt flow {new.get('name')} to the new Foundry project"
    else:
        yield f"publishes the prompt flow {new.get('name')} again ({_how(old, new)}); it keeps its address"


def _finetune(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    old, new = stage_inputs(step)
    name = (new or old).get("recipe_name")
    by = f" by the recipe {name}" if name else ""
    if step.op == "delete":
        yield f"forgets the fine-tune{by}; its model stays registered until the workspace goes"
        return
    if step.op == "create" and not next(one.starts for one in finetunes.of(preview, past) if one.step is step):
        yield f"starts no fine-tune{by}: the same recipe was trained under another name, and its model stays"
        return
    if step.op != "create" and old.get("fingerprint") == new.get("fingerprint") and not _anew(old, new):
        if how := _how(old, new):
            yield f"starts no fine-tune{by}: only how it is run changes ({how})"
        else:
            yield "looks at the fine-tune again: registers its model if that is gone, runs a job only if there is none"
        return
    seconds = next(one.seconds[1] for one in finetunes.of(preview, past) if one.step is step)
    cluster = training_cluster(preview)
    size = ""
    if cluster:
        size = str((cluster.state.inputs.get("properties") or {}).get("properties", {}).get("vmSize", ""))
    machine = gpus(size, int(new.get("gpus_per_node") or 1)) if size else "the cluster"
    what = _why_again(old, new) if step.op != "create" else _first_recipe(new)
    wait = "" if new.get("wait", True) else "; the update does not wait for it, a later one goes on"
    lasts = f"about {in_words(seconds)} on {machine}" if seconds is not None else f"on {machine}, for a time unknown"
    yield f"starts a fine-tune{by} ({what}, {lasts}){wait}"


def _first_recipe(new: dict[str, Any]) -> str:
    recipe = new.get("recipe") or {}
    return f"{_asset(new.get('base_model'))}, learning rate {text_of('', recipe.get('learning_rate'))}, " + (
        f"{text_of('', recipe.get('num_train_epochs'))} epochs"
    )


def _why_again(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The recipe old → new, and whatever else makes it another fine-tune."""
    told = [
        f"{_RECIPE_IN_WORDS.get(change.path, change.path.replace('_', ' '))} {change.before} → {change.after}"
        for change in difference(old.get("recipe") or {}, new.get("recipe") or {})
    ]
    for key, words in (("base_model", "base model"), ("component", "component")):
        if old.get(key) != new.get(key):
            told.append(f"{words} {_asset(old.get(key))} → {_asset(new.get(key))}")
    if old.get("dataset_fingerprint") != new.get("dataset_fingerprint"):
        told.append("on the new data")
    for key, words in (("model_name", "model name"), ("cluster", "cluster"), ("gpus_per_node", "GPUs a node"),
                       ("dataset_name", "data set"), ("target", "workspace")):  # fmt: skip
        if old.get(key) != new.get(key):
            told.append(
                words if key == "target" else f"{words} {text_of('', old.get(key))} → {text_of('', new.get(key))}"
            )
    if _anew(old, new) and old.get("target") == new.get("target"):
        told.append("again, in the new workspace")
    return ", ".join(told) or "the same recipe"


def _asset(asset: Any) -> str:
    return f"{asset.get('name')}:{asset.get('version')}" if isinstance(asset, dict) else str(asset)


def _release(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    old, new = stage_inputs(step)
    if step.op == "delete":
        yield "forgets the release; its deployment goes with the endpoint"
        return
    endpoint = next((one for one in preview.steps if one.type == ENDPOINT.type), None)
    steady = endpoint is None or endpoint.op in ("same", "update")
    if step.op == "create":
        yield f"puts the model behind the endpoint, {_instances(new)}"
    elif old.get("fingerprint") != new.get("fingerprint") and not makes_deployment(old, new):
        parts = ", ".join(_short(c) for c in _kept_parts(old, new))
        yield f"then changes the deployment in place ({parts}); it goes on answering, and is not tested again"
    elif old.get("fingerprint") != new.get("fingerprint"):
        keeps = "; the endpoint keeps its URL and keys" if steady else "; the endpoint is a new one, with new keys"
        changed = [_short(c) for c in _kept_parts(old, new)]
        parts = f" ({', '.join(changed)})" if changed else ""
        length = past.seconds.get("release")
        lasts = f", about {in_words(length)}" if length is not None else ""
        yield f"then replaces the deployment {_traffic(new)}{parts}{lasts}{keeps}"
    elif _anew(old, new):
        yield f"puts the model behind the new endpoint, {_instances(new)}"
    else:
        # The fingerprint holds the model: a version that differs beside it is only another number for the same one.
        beside = ("compare_with_base", "model_version", *_LIFETIMES)
        rest = [c for c in difference(old, new) if not c.noise and c.path not in beside]
        if rest:
            yield f"keeps the deployment; later releases differ ({', '.join(_short(c) for c in rest)})"
        elif step.op == "replace" or "endpoint_created" in new.keys() - old.keys():
            yield "looks at the release again, and makes what is missing of it"
        elif old.get("model_version") != new.get("model_version"):
            yield "keeps the deployment: the same model, under another version number"
    if step.op != "create" and old.get("compare_with_base") != new.get("compare_with_base"):
        on = new.get("compare_with_base")
        yield (
            f"{'starts' if on else 'removes'} a deployment of the base model at 0 % of the traffic, {_instances(new)}"
        )


def _kept_parts(old: dict[str, Any], new: dict[str, Any]) -> list[PropertyChange]:
    """What changes of a release beside the model it serves."""
    beside = {"model_version", "model_fingerprint", "fingerprint", "compare_with_base", *_LIFETIMES}
    return [c for c in difference(old, new) if c.path not in beside and not c.path.startswith("target")]


def _instances(release: dict[str, Any]) -> str:
    return f"{text_of('', release.get('instance_count'))} × {release.get('instance_type')}"


def _traffic(release: dict[str, Any]) -> str:
    steps = release.get("traffic_steps") or [100]
    if len(steps) == 1:
        return "at 100 % traffic"
    soak = release.get("soak_seconds") or 0
    shares = " → ".join(f"{text_of('', step)} %" for step in steps)
    return f"in steps of {shares}" + (f", each watched for {in_words(soak)}" if soak else "")


def _another(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """A stage that the table has no words for."""
    del preview
    old, new = stage_inputs(step)
    length = past.seconds.get(step.name)
    lasts = f"about {in_words(length)}" if length is not None else ""
    if step.op == "delete":
        yield f"forgets the stage {step.name}"
    elif step.op == "create":
        yield f"runs the stage {step.name}" + (f" ({lasts})" if lasts else "")
    else:
        yield f"runs the stage {step.name} again ({', '.join(part for part in (_how(old, new), lasts) if part)})"


_Words = Callable[[Step, Preview, Past], Iterator[str]]
_WORK: dict[str, _Words] = {"dataset": _dataset, "finetune": _finetune, "release": _release, "flow": _flow}
_STAGES = {**around.STAGES, "promotion": promoted.taken, **_WORK, "share": promoted.shared}
"""What a changed stage means, by its name in the program and in the order in which they run."""
