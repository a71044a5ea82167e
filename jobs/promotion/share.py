"""Stage share: the version in service is asked once more, and goes with what is known of it to a registry."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from cloud import client as azure
from cloud.arm import ML_SCOPE, Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.services import modelfiles, models, registry
from cloud.services.mlflow import RunHistory
from cloud.states import HEALTHY
from cloud.target import RegistryAsset
from jobs.golden import golden, judge
from jobs.golden.golden import Asking, Scores
from jobs.golden.questions import load
from jobs.keys import address
from jobs.promotion import evidence
from jobs.promotion.spec import ShareSpec
from jobs.traffic import shares
from jobs.training import registering
from jobs.training.registering import FINGERPRINT

_HAIR = 1e-9


def run(spec: ShareSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the version in the registry, with its evidence as tags; one that is there with it is left alone.

    Raises StageError where it is not in service, answers badly, or the registry has another one of its number;
    NotFinished when ``stop`` was set.
    """
    arm, on = Arm(), f"model {spec.model_name}:{spec.model_version}"
    client = azure.ml_client(spec.target)
    with azure_errors("the model could not be looked up", on):
        version = registering.find(client, spec.model_name, spec.model_version, spec.model_fingerprint)
    asset = RegistryAsset(spec.registry, spec.model_name, version or spec.model_version)
    with azure_errors("the model could not be shared", f"registry {spec.registry}"):
        shelf = registry.shelf(asset, registry.MODELS, Arm(ML_SCOPE))
        if shelf is None:
            raise StageError(
                "the model could not be shared",
                on=f"registry {spec.registry}",
                why="there is no such registry, or you may not see it",
                todo="Name one that is there in model.share.registry. Whoever runs this needs the role AzureML "
                "Registry User on it.",
            )
        there = shelf.version()
        if there is not None:
            tags = registry.tags_of(there)
            if tags.get(FINGERPRINT) != spec.model_fingerprint:
                raise _taken(asset, str(tags.get(FINGERPRINT) or ""))
            if tags.get(evidence.BY) == spec.stack:
                report(f"{asset.model_uri} is there already")
                return
        told = _evidence(spec, arm, asset.version, report, stop)
        path = f"{spec.target.path}/models/{spec.model_name}/versions/{asset.version}"
        models.tag(arm, path, arm.get(path, ML_VERSION)["properties"], told)
        if there is None:
            report(f"{on} goes to registry {spec.registry}")
            client.models.share(
                spec.model_name,
                asset.version,
                share_with_name=spec.model_name,
                share_with_version=asset.version,
                registry_name=spec.registry,
            )
            there = shelf.version()
            if there is None:
                why = "the registry does not show it after it took it, so its evidence could not be written on it"
                raise StageError("the model could not be shared", on=asset.model_uri, why=why, todo=AGAIN)
        # A registry need not take the tags over.
        if any(registry.tags_of(there).get(key) != value for key, value in told.items()):
            own = arm.get(path, ML_VERSION)["properties"].get("tags") or {}
            shelf.tag(there["properties"], {str(key): str(value) for key, value in own.items()})
    report(f"{asset.model_uri} is shared, for other stacks to take: {told[evidence.GATE]}")


def _taken(asset: RegistryAsset, other: str) -> StageError:
    return StageError(
        "the version is taken by another model",
        on=asset.model_uri,
        why=f"it has the fingerprint {other or 'of nobody'}, and a version's content cannot be exchanged",
        todo="Choose another finetune.modelName, or another registry.",
    )


def _evidence(spec: ShareSpec, arm: Arm, version: str, report: Report, stop: threading.Event) -> dict[str, str]:
    """What is written on the version: which release let it through, what it scores, what it is."""
    deployment = _in_service(spec, arm, version)
    scores = _asked(spec, arm, deployment, report, stop)
    found = {
        evidence.BY: spec.stack,
        evidence.AT: datetime.now(UTC).isoformat(timespec="seconds"),
        evidence.DEPLOYMENT: deployment,
        evidence.GATE: _gate(spec, scores),
    }
    if scores is not None:
        report(f"golden questions: {deployment}, in service, scores {scores}")
        found |= {evidence.SCORE: f"{scores.score:.4f}", evidence.QUESTIONS: str(len(scores.results))}
    if (loss := _loss(spec, arm, version)) is not None:
        found[evidence.LOSS] = f"{loss:.6g}"
    with modelfiles.of_workspace(arm, spec.target, spec.model_name, version) as folder:
        found[evidence.FILES] = modelfiles.digest(folder.files())
    return found


def _in_service(spec: ShareSpec, arm: Arm, version: str) -> str:
    """The deployment that has the version, and all of the traffic. Raises NotFinished where none has."""
    path = f"{spec.target.path}/onlineEndpoints/{spec.endpoint}"
    traffic = shares(arm.get(path, ML_VERSION)["properties"].get("traffic"))
    for name, share in traffic.items():
        found = arm.get(f"{path}/deployments/{name}", ML_VERSION)
        model, state = (found.get("tags") or {}).get("model"), found["properties"].get("provisioningState")
        if share == 100 and state == HEALTHY and model == f"{spec.model_name}:{version}":
            return name
    raise NotFinished(
        "the model was not shared",
        on=f"model {spec.model_name}:{version}",
        why=f"it is not in service behind endpoint {spec.endpoint} with all of the traffic, so nothing has proved it",
        todo=f"End a pause with `python -m jobs resume`. {AGAIN}",
    )


def _asked(spec: ShareSpec, arm: Arm, deployment: str, report: Report, stop: threading.Event) -> Scores | None:
    """The golden questions put to it; None where there are none. Raises StageError where it answers badly."""
    if not spec.evaluation.questions:
        return None
    path = f"{spec.target.path}/onlineEndpoints/{spec.endpoint}"
    url, key = address(arm, path, arm.get(path, ML_VERSION)["properties"])
    asking = Asking(
        timeout=spec.request_timeout_seconds,
        system=spec.system_prompt,
        samples=spec.evaluation.samples,
        judge=judge.of(spec.evaluation.judge),
    )
    questions = load(spec.evaluation.questions, spec.evaluation.judge)
    scores = golden.ask_all(url, key, deployment, questions, asking, report, stop)
    on = f"deployment {deployment}"
    if stop.is_set():
        raise NotFinished("the model was not shared", on=on, why="you asked to stop", todo=AGAIN)
    if away := [each for each in scores.results if each.unreachable]:
        why = f"{len(away)} of {len(scores.results)} golden questions did not reach it: {away[0].error}"
        raise StageError("the model was not shared", on=on, why=why, todo=AGAIN)
    if scores.score < spec.evaluation.minimum_score - _HAIR:
        why = f"it scores {scores.score:.2f}, and evaluation.minimumScore is {spec.evaluation.minimum_score:g}"
        todo = "Look into the model (data, recipe); it stays in service."
        raise StageError("the model was not shared", on=on, why=why, todo=todo)
    return scores


def _gate(spec: ShareSpec, scores: Scores | None) -> str:
    if scores is None:
        return "released after a smoke test; no golden questions"
    least = spec.evaluation.minimum_score
    return f"released, then asked {len(scores.results)} golden questions: {scores}, at least {least:g} wanted"[:256]


def _loss(spec: ShareSpec, arm: Arm, version: str) -> float | None:
    """The held-out loss that the model's job has logged at its end; None where it is not known."""
    path = f"{spec.target.path}/models/{spec.model_name}/versions/{version}"
    tags = arm.get(path, ML_VERSION)["properties"].get("tags") or {}
    job = str(tags.get("job") or "")
    logged = RunHistory(spec.target, arm).history(job, "eval_loss") if job else []
    return logged[-1].value if logged else None
