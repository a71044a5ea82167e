"""Sharing a version: what it is asked before, what is written on it, and where it ends without having gone anywhere."""

from __future__ import annotations

import dataclasses
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from promotion_made import DISCOVERY, LINEAGE, NUMBER, SHELF, version
from sharing_fake import AGAIN, ENDPOINT, MODEL, URI, WORKSPACE, Two
from test_jobs_specs import RELEASE

from chat.phi_messages import Answer, ChatRequest, EndpointUnavailable
from cloud.errors import NotFinished, StageError
from jobs.golden import judge
from jobs.promotion.spec import ShareSpec

GATE = "released, then asked 2 golden questions: 1.00 (2 of 2 word for word, 95 % within 0.5 s), at least 0.75 wanted"


def proofs(two: Two, **changes: str) -> dict[str, str]:
    return {
        "proved_by": "dev",
        "proved_at": "2026-11-29T10:00:00+00:00",
        "proved_deployment": "m7",
        "proved_gate": GATE,
        "proved_score": "1.0000",
        "proved_questions": "2",
        "proved_loss": "1.23457",
        "proved_files": two.files.digest,
        **changes,
    }


def test_a_version_in_service_is_asked_and_goes_with_its_evidence(two: Two) -> None:
    assert two.run() == [
        "golden questions: m7, in service, scores 1.00 (2 of 2 word for word, 95 % within 0.5 s)",
        f"model phi-ultrachat:{NUMBER} goes to registry mlr-phi",
        f"{URI} is shared, for other stacks to take: {GATE}",
    ]
    assert two.told() == proofs(two)
    assert two.arm.bodies == [
        {"properties": {"description": "mine", "modelUri": "azureml://of/it", "tags": {**LINEAGE, **proofs(two)}}}
    ]
    assert two.written() == [MODEL]
    assert two.shared == [
        {
            "name": "phi-ultrachat",
            "version": NUMBER,
            "share_with_name": "phi-ultrachat",
            "share_with_version": NUMBER,
            "registry_name": "mlr-phi",
        }
    ]
    assert two.files.asked == [(two.spec.target, "phi-ultrachat", NUMBER)]
    assert [(each.question, each.deployment, each.system, seconds) for each, seconds in two.asked] == [
        (f"Question {at}?", "m7", "Be brief.", two.spec.request_timeout_seconds) for at in (1, 1, 2, 2)
    ]


def test_a_registry_that_drops_the_tags_is_given_them(two: Two) -> None:
    two.keeps_tags = False
    two.arm.then("GET", MODEL, *[(200, {}, version(LINEAGE))] * 2, (200, {}, version({**LINEAGE, "proved_by": "dev"})))
    two.run()
    assert two.written() == [MODEL, f"{SHELF}/{NUMBER}"]
    assert two.arm.bodies[-1]["properties"]["tags"] == {**LINEAGE, "proved_by": "dev"}


def test_a_version_that_is_there_and_unproved_is_given_its_evidence_alone(two: Two) -> None:
    two.arm.get(f"{SHELF}/{NUMBER}", version({**LINEAGE, "proved_by": "staging"}))
    assert two.run()[-1] == f"{URI} is shared, for other stacks to take: {GATE}"
    assert two.shared == [] and two.written() == [MODEL, f"{SHELF}/{NUMBER}"]


def test_a_version_that_is_there_with_its_evidence_is_left_alone(two: Two) -> None:
    two.arm.get(f"{SHELF}/{NUMBER}", version({**LINEAGE, "proved_by": "dev"}))
    assert two.run() == [f"{URI} is there already"]
    assert (two.asked, two.shared, two.written()) == ([], [], [])


def test_of_another_number_the_version_is_found_by_its_fingerprint(two: Two) -> None:
    two.run(dataclasses.replace(two.spec, model_version="1"))
    assert two.shared[0]["version"] == NUMBER


def told(two: Two, spec: ShareSpec | None = None, stop: threading.Event | None = None) -> str:
    with pytest.raises(StageError) as refused:
        two.run(spec, stop)
    assert two.shared == [] or not two.shows
    return f"{type(refused.value).__name__}: {refused.value}"


@pytest.mark.parametrize(
    ("there", "whose"), [({**LINEAGE, "fingerprint": "other"}, "other"), ({"job": "x"}, "of nobody")]
)
def test_a_number_of_another_model_is_refused(two: Two, there: dict[str, str], whose: str) -> None:
    two.arm.get(f"{SHELF}/{NUMBER}", version(there))
    assert told(two) == (
        f"StageError: the version is taken by another model ({URI}): it has the fingerprint {whose}, and a version's "
        "content cannot be exchanged. Choose another finetune.modelName, or another registry."
    )


def test_without_the_registry_it_says_what_is_needed(two: Two) -> None:
    two.arm.refuse("GET", DISCOVERY, 404, "NotFound")
    assert told(two) == (
        "StageError: the model could not be shared (registry mlr-phi): there is no such registry, or you may not see "
        "it. Name one that is there in model.share.registry. Whoever runs this needs the role AzureML Registry User on "
        "it."
    )


@pytest.mark.parametrize(
    ("traffic", "tags", "state"),
    [
        ({"m7": 90, "base": 10}, {"model": f"phi-ultrachat:{NUMBER}"}, "Succeeded"),
        ({"m7": 100}, {"model": "phi-ultrachat:1"}, "Succeeded"),
        ({"m7": 100}, {"model": f"phi-ultrachat:{NUMBER}"}, "Updating"),
        ({"m7": 100}, None, "Succeeded"),
        ({}, {"model": f"phi-ultrachat:{NUMBER}"}, "Succeeded"),
        (None, {"model": f"phi-ultrachat:{NUMBER}"}, "Succeeded"),
    ],
)
def test_what_is_not_in_service_with_all_of_the_traffic_is_not_shared(
    two: Two, traffic: Any, tags: Any, state: str
) -> None:
    two.arm.get(ENDPOINT, {"properties": {"traffic": traffic}})
    two.arm.get(f"{ENDPOINT}/deployments/m7", {"tags": tags, "properties": {"provisioningState": state}})
    assert told(two) == (
        f"NotFinished: the model was not shared (model phi-ultrachat:{NUMBER}): it is not in service behind endpoint "
        "phi with all of the traffic, so nothing has proved it. End a pause with `python -m jobs resume`. " + AGAIN
    )


def test_what_answers_badly_is_not_shared(two: Two) -> None:
    two.answers["Question 2?"] = "no"
    assert told(two) == (
        "StageError: the model was not shared (deployment m7): it scores 0.50, and evaluation.minimumScore is 0.75. "
        "Look into the model (data, recipe); it stays in service."
    )
    exact = two.spec.evaluation.model_copy(update={"minimum_score": 0.5})
    two.run(dataclasses.replace(two.spec, evaluation=exact))
    assert two.told()["proved_score"] == "0.5000", "what is at the limit is within it"


def test_questions_that_did_not_arrive_say_nothing_of_the_model(two: Two) -> None:
    two.answers["Question 1?"] = EndpointUnavailable("no route (404)")
    assert told(two) == (
        "StageError: the model was not shared (deployment m7): 1 of 2 golden questions did not reach it: no route "
        f"(404). {AGAIN}"
    )


def test_told_to_stop_it_shares_nothing(two: Two) -> None:
    stop = threading.Event()
    stop.set()
    assert told(two, stop=stop) == (
        f"NotFinished: the model was not shared (deployment m7): you asked to stop. {AGAIN}"
    )
    assert two.asked == [] and two.written() == []
    with pytest.raises(NotFinished):
        two.run(stop=stop)


def test_a_registry_that_does_not_show_what_it_took_is_told_of(two: Two) -> None:
    two.shows = False
    assert told(two) == (
        f"StageError: the model could not be shared ({URI}): the registry does not show it after it took it, so its "
        f"evidence could not be written on it. {AGAIN}"
    )


def test_without_questions_the_smoke_test_is_the_gate(two: Two) -> None:
    silent = two.spec.evaluation.model_copy(update={"questions": ""})
    gate = "released after a smoke test; no golden questions"
    assert two.run(dataclasses.replace(two.spec, evaluation=silent))[-1].endswith(f"to take: {gate}")
    expected = proofs(two, proved_gate=gate)
    assert two.told() == {key: its for key, its in expected.items() if key not in ("proved_score", "proved_questions")}
    assert two.asked == []


def test_a_judge_judges_what_is_for_him(two: Two, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def said(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append(url)
        return Answer("10", "judge", 0.1)

    monkeypatch.setenv("GOLDEN_JUDGE_KEY", "k")
    monkeypatch.setattr(judge, "ask", said)
    questions = tmp_path / "judged.jsonl"
    questions.write_text('{"question": "Question 1?", "answers": ["x"], "check": "judge"}\n')
    judged = {"questions": str(questions), "judge": "https://judge/v1", "samples": 1}
    spec = dataclasses.replace(two.spec, evaluation=two.spec.evaluation.model_copy(update=judged))
    assert "scores 1.00 (1 of 1 word for word" in two.run(spec)[0]
    assert asked == ["https://judge/v1"]


@pytest.mark.parametrize("without", ["job", "losses"])
def test_a_loss_that_is_not_known_is_not_written(two: Two, without: str) -> None:
    if without == "job":
        two.arm.get(MODEL, version({key: value for key, value in LINEAGE.items() if key != "job"}))
    else:
        two.arm.get(
            f"https://eastus2.api.azureml.ms/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/metrics/get-history", {"metrics": []}
        )
    two.run()
    assert "proved_loss" not in two.told()


@pytest.mark.parametrize(
    ("path", "start"),
    [
        (SHELF, "the model could not be shared (registry mlr-phi): Forbidden: not yours"),
        (MODEL, "the model could not be shared (registry mlr-phi): Forbidden: not yours"),
    ],
)
def test_what_azure_refuses_is_told_with_what_it_was_for(two: Two, path: str, start: str) -> None:
    two.arm.refuse("GET", f"{SHELF}/{NUMBER}" if path == SHELF else path, 403, "Forbidden", "not yours")
    with pytest.raises(StageError, match=re.escape(start)):
        two.run()


def test_the_spec_is_of_a_release_and_its_fingerprint_of_what_goes(two: Two) -> None:
    spec = two.spec
    release = RELEASE.serving
    assert (spec.endpoint, spec.request_timeout_seconds, spec.system_prompt, spec.registry, spec.stack) == (
        "phi",
        release.request_timeout_seconds,
        "Be brief.",
        "mlr-phi",
        "dev",
    )
    assert spec.CHANGES == "endpoint" and "system_prompt" not in dataclasses.replace(spec, system_prompt="").recorded()
    assert dataclasses.replace(spec, model_version="1", endpoint="x").fingerprint == spec.fingerprint
    others = ("registry", "model_name", "model_fingerprint", "stack")
    changes: list[dict[str, Any]] = [{key: "x"} for key in others]
    assert len({spec.fingerprint, *(dataclasses.replace(spec, **each).fingerprint for each in changes)}) == 5
    assert spec.fingerprint == "e44fcd092d6e"
