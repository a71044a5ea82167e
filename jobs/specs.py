"""From settings and names to what each stage works on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cloud.place import Place, described
from cloud.target import RegistryAsset
from data_prep import DataError, fingerprint
from data_prep.asked import request_fingerprint
from data_prep.card.card import read as read_card
from data_prep.stack import request_of
from jobs.choosing.spec import ChoiceSpec
from jobs.dataset.asked import dataset as dataset_of
from jobs.dataset.asked import validates
from jobs.golden.questions import load
from jobs.preflight.grants import grants, team
from jobs.preflight.locked.declared import declared
from jobs.preflight.locked.network import private
from jobs.preflight.locked.own_key import own_key
from jobs.preflight.names import unique
from jobs.preflight.spec import (
    BASE,
    CLUSTER,
    CLUSTERS,
    DATA_CLUSTER,
    ENDPOINT,
    GrantsSpec,
    Machines,
    PreflightSpec,
    TrainingData,
)
from jobs.promotion.spec import PromotionSpec, ShareSpec
from jobs.publishing import bundle
from jobs.publishing.spec import FlowSpec
from jobs.release.spec import ReleaseSpec
from jobs.stage_specs import StageSpecs
from jobs.training.spec import FinetuneSpec
from settings.machines import VmSize
from settings.models import model as known_model
from settings.recipes.named import BEST
from settings.recipes.recipe import Recipe
from settings.stack import Settings


def specs(settings: Settings, place: Place, dataset: str, promoted: PromotionSpec | None = None) -> StageSpecs:
    """`dataset` is the fingerprint of the prepared data. Plain values only: a preview shows them all.

    With a `promoted` model nothing is prepared or trained.
    """
    if promoted is not None:
        taken = release(settings, place, promoted.model_version, promoted.model_fingerprint)
        return StageSpecs(dataset=None, finetunes=(), releases={"": taken}, promotion=promoted)
    alone = [_finetune(settings, place, dataset, name, recipe) for name, recipe in settings.trained.items()]
    every = [each.fingerprint for each in alone]
    finetunes = tuple(
        replace(each, beside=tuple(other for other in every if other != each.fingerprint)) for each in alone
    )
    best, registry = settings.released == BEST, settings.model.share.registry
    releases = {
        each.recipe_name: release(settings, place, each.model_version, each.fingerprint)
        for each in finetunes
        if best or each.recipe_name == settings.released or len(finetunes) == 1
    }
    return StageSpecs(
        dataset=dataset_of(settings, place, dataset),
        finetunes=finetunes,
        releases=releases,
        choice=_choice(settings, place, finetunes) if best else None,
        shares={name: ShareSpec.of(each, place.stack, registry) for name, each in releases.items()} if registry else {},
    )


def _finetune(settings: Settings, place: Place, dataset: str, name: str, recipe: Recipe) -> FinetuneSpec:
    model, finetune = settings.model, settings.finetune_of(name)
    return FinetuneSpec(
        target=place.workspace,
        dataset_name=settings.data.name,
        dataset_fingerprint=dataset,
        base_model=RegistryAsset(model.registry, model.name, model.version),
        recipe=recipe.inputs(),
        cluster=place.names.cluster,
        gpus_per_node=settings.compute.size.gpus,
        finetune=finetune,
        stack=place.stack,
        finetune_config=recipe.finetune_config(),
        hourly_price=settings.compute.hourly_price if finetune.max_cost else 0,
        recipe_name=name,
        validation=validates(settings),
    )


def _choice(settings: Settings, place: Place, finetunes: tuple[FinetuneSpec, ...]) -> ChoiceSpec:
    lengths = {name: recipe.max_seq_length for name, recipe in settings.trained.items()}
    return ChoiceSpec(
        target=place.workspace,
        model_name=settings.finetune.model_name,
        metric=settings.evaluation.best_by,
        candidates={each.recipe_name: each.fingerprint for each in finetunes},
        lengths=lengths if len(set(lengths.values())) > 1 else {},
    )


def release(settings: Settings, place: Place, model_version: str, model_fingerprint: str) -> ReleaseSpec:
    """How any version of the stack's model goes into service; the fingerprint is empty for a model of other origin."""
    model = settings.model
    return ReleaseSpec(
        target=place.workspace,
        endpoint=place.names.endpoint,
        model_name=settings.finetune.model_name,
        model_version=model_version,
        model_fingerprint=model_fingerprint,
        base_model=RegistryAsset(model.registry, model.name, model.version),
        serving=settings.serving,
        evaluation=settings.evaluation,
        system_prompt=settings.flow.system_prompt,
        registry=model.promote.registry,
        tags=dict(place.tags),
    )


def flow(place: Place) -> FlowSpec:
    """The prompt flow as this checkout has it, for the Foundry project."""
    names = place.names
    return FlowSpec(
        target=place.project,
        name=names.flow,
        connection=names.connection,
        content=bundle.fingerprint(bundle.files(names.connection)),
    )


def dataset_version(settings: Settings) -> str:
    """The fingerprint of the prepared data, or of the request where a cluster prepares them. Raises DataError.

    "" for a stack that takes another one's model.
    """
    if settings.model.promote.stack:
        return ""
    if settings.data.run_on == "cluster":
        return request_fingerprint(request_of(settings))
    return fingerprint(Path(settings.data.directory))


def training_size(settings: Settings) -> dict[str, str | int] | None:
    """Rows and tokens of the training data as their card counts them, and of which data; None without a card.

    Reviews scale the time and cost of a fine-tune by them. It is no part of any stage: a number retrains nobody.
    """
    try:
        version = dataset_version(settings) if settings.data.run_on == "local" else ""
    except DataError:
        return None
    card = read_card(Path(settings.data.directory)) if version else None
    if card is None:
        return None
    counts = {"rows": int(card.rows.get("train") or 0), "tokens": int(card.tokens.get("train") or 0)}
    return {"fingerprint": version, **counts}


def golden_questions(settings: Settings) -> int:
    """How many questions a release will ask: hours before it does, as a bad file should be known at once.

    Raises StageError.
    """
    return len(load(settings.evaluation.questions, settings.evaluation.judge)) if settings.evaluation.questions else 0


def preflight_of(stack: str) -> PreflightSpec:
    """What a stack's file asks of Azure, by the same way the program takes; without Pulumi, so before any `up`."""
    return preflight(*described(stack))


def preflight(settings: Settings, place: Place) -> PreflightSpec:
    """What the stack will ask of Azure; the base model to compare with is a deployment of its own."""
    compute, serving, names = settings.compute, settings.serving, place.names
    most = max(serving.instances, serving.scale.max)
    trains = [] if settings.model.promote.stack else [(CLUSTER, compute.size, compute.max_nodes)]
    wanted = [*trains, (ENDPOINT, serving.size, most)]
    if settings.data.run_on == "cluster":
        wanted.append((DATA_CLUSTER, settings.data.cluster.size, settings.data.cluster.max_nodes))
    if serving.compare_with_base:
        wanted.append((BASE, serving.size, serving.instances))
    model, component = settings.model, settings.finetune.component
    in_turn = serving.strategy == "recreate"
    return PreflightSpec(
        stack=place.stack,
        subscription_id=place.subscription_id,
        location=place.location,
        resource_group=names.resource_group,
        workspace=names.workspace,
        cluster_name=names.cluster,
        data_cluster_name=names.data_cluster,
        endpoint=names.endpoint,
        vault=names.key_vault,
        ai_services=names.ai_services,
        machines=tuple(_machines(use, size, count) for use, size, count in wanted),
        releasing=0 if in_turn else serving.instances,
        base_model=RegistryAsset(model.registry, model.name, model.version),
        base_model_successor=known_model(model.name).successor,
        component=RegistryAsset(component.registry, component.name, component.version),
        namespaces=_namespaces(settings),
        data=_training_data(settings),
        origin=place.renamed,
        unique_names=unique(place) if settings.names.chosen() else {},
        in_turn=in_turn,
        existing=place.existing,
        isolated="workspace" in place.existing and settings.network != "public",
        connection=names.connection if "project" in place.existing else "",
        shared_access="storage" in place.existing and settings.storage.shared_keys,
        grants=() if settings.identity.assign_roles else grants(settings, place),
        team=() if settings.identity.assign_roles else team(settings, place),
        own_key=own_key(settings, place),
        private=private(settings),
        loosened=tuple(settings.loosened),
        planned=declared(settings, place),
    )


def granted_by_others(settings: Settings, place: Place) -> GrantsSpec | None:
    """What is to be granted before the first stage that needs it; None where the program does that itself."""
    if settings.identity.assign_roles:
        return None
    return GrantsSpec(stack=place.stack, subscription_id=place.subscription_id, grants=grants(settings, place))


def _training_data(settings: Settings) -> TrainingData | None:
    """None where the data are prepared elsewhere, or not yet."""
    try:
        version = dataset_version(settings) if settings.data.run_on == "local" else ""
    except DataError:
        version = ""
    if not version:
        return None
    lengths = [recipe.max_seq_length for recipe in settings.trained.values()]
    return TrainingData(
        directory=settings.data.directory,
        fingerprint=version,
        # What fits the shortest fits the others.
        max_seq_length=min((each for each in lengths if each > 0), default=-1),
        model=settings.model.name,
    )


def _namespaces(settings: Settings) -> tuple[str, ...]:
    """Resource providers that only some stacks use."""
    wanted = {
        "Microsoft.Consumption": settings.monitoring.budget.amount > 0,
        "Microsoft.Network": settings.network != "public",
    }
    return tuple(name for name, used in wanted.items() if used)


def _machines(use: str, size: VmSize, count: int) -> Machines:
    return Machines(
        use=use,
        vm_size=size.name,
        family=size.family,
        cores=size.cores,
        count=count,
        # Only endpoints set instances aside.
        reserve=0 if use in CLUSTERS else size.reserve,
        retired=size.retired,
        successor=size.successor,
    )
