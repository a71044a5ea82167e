"""A stack in service that shares its version, and a registry that takes it."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from arm_fake import ArmFake
from arm_fake import install as install_arm
from azure.core.exceptions import ResourceNotFoundError
from promotion_made import FINGERPRINT, LINEAGE, NUMBER, SHELF, Shelf, has_registry, version
from promotion_made import install as install_files
from test_jobs_specs import RELEASE

from chat.phi_messages import Answer, ChatError, ChatRequest
from jobs.golden import golden
from jobs.promotion import share
from jobs.promotion.spec import ShareSpec
from tests.changing import changed

WORKSPACE = RELEASE.target.path
MODEL = f"{WORKSPACE}/models/phi-ultrachat/versions/{NUMBER}"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/phi"
URI = f"azureml://registries/mlr-phi/models/phi-ultrachat/versions/{NUMBER}"
AGAIN = "Run `pulumi up` again: it goes on where it stopped."


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        assert tz is UTC
        return datetime(2026, 11, 29, 10, 0, 0, 5, UTC)


@dataclasses.dataclass
class Two:
    """The workspace, and the registry that a version goes to; ``shared`` is what the SDK was asked for."""

    arm: ArmFake
    files: Shelf
    spec: ShareSpec
    answers: dict[str, str | ChatError]
    asked: list[tuple[ChatRequest, float]]
    shared: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    keeps_tags: bool = True
    shows: bool = True

    def get(self, name: str, version: str) -> Any:
        assert name == "phi-ultrachat"
        if version != NUMBER:
            raise ResourceNotFoundError("not there")
        return SimpleNamespace(tags=LINEAGE, version=version)

    def list(self, name: str, list_view_type: str) -> list[Any]:
        return [SimpleNamespace(tags=LINEAGE, version=NUMBER)]

    def share(self, name: str, version: str, **how: str) -> None:
        self.shared.append({"name": name, "version": version, **how})
        if self.shows:
            self.arm.get(f"{SHELF}/{NUMBER}", self._version(self.told() if self.keeps_tags else {}))

    @staticmethod
    def _version(tags: dict[str, str]) -> dict[str, Any]:
        return version({**LINEAGE, **tags})

    def told(self) -> dict[str, str]:
        """What was written on the version in the workspace."""
        (body,) = [body["properties"] for body in self.arm.bodies if "properties" in body][:1]
        return {key: value for key, value in body["tags"].items() if key not in LINEAGE}

    def run(self, spec: ShareSpec | None = None, stop: threading.Event | None = None) -> list[str]:
        said: list[str] = []
        share.run(spec or self.spec, said.append, stop or threading.Event())
        return said

    def written(self) -> list[str]:
        return [
            url.split("?")[0].removeprefix("https://management.azure.com") for how, url in self.arm.sent if how == "PUT"
        ]


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Two:
    arm = install_arm(monkeypatch)
    has_registry(arm)
    questions = tmp_path / "golden.jsonl"
    rows = [{"question": f"Question {at}?", "answers": [f"right {at}"]} for at in (1, 2)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    release = changed(
        RELEASE,
        model_version=NUMBER,
        model_fingerprint=FINGERPRINT,
        system_prompt="Be brief.",
        evaluation=RELEASE.evaluation.model_copy(
            update={"questions": str(questions), "minimum_score": 0.75, "samples": 2}
        ),
    )
    found = Two(arm, install_files(monkeypatch), ShareSpec.of(release, "dev", "mlr-phi"), {}, [])
    found.answers = {"Question 1?": "It is right 1.", "Question 2?": "It is right 2."}
    client = SimpleNamespace(models=found)

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        assert (url, key) == ("https://phi/score", "the-key")
        found.asked.append((request, timeout))
        answer = found.answers[request.question]
        if isinstance(answer, ChatError):
            raise answer
        return Answer(answer, request.deployment, 0.5)

    monkeypatch.setattr(golden, "ask", ask)
    monkeypatch.setattr(share, "datetime", Clock)
    monkeypatch.setattr(share.azure, "ml_client", lambda target: client if target == release.target else None)
    arm.get(MODEL, version(LINEAGE))
    arm.then("PUT", MODEL, (200, {}, {}))
    arm.then("PUT", f"{SHELF}/{NUMBER}", (200, {}, {}))
    arm.get(ENDPOINT, {"properties": {"traffic": {"base": 0, "m7": 100}, "scoringUri": "https://phi/score"}})
    arm.then("POST", f"{ENDPOINT}/listKeys", (200, {}, {"primaryKey": "the-key"}))
    for name, model in (("base", "Phi-4:1"), ("m7", f"phi-ultrachat:{NUMBER}")):
        arm.get(
            f"{ENDPOINT}/deployments/{name}",
            {"tags": {"model": model}, "properties": {"provisioningState": "Succeeded"}},
        )
    uri = f"azureml://eastus2.api.azureml.ms/mlflow/v1.0{WORKSPACE}"
    arm.get(WORKSPACE, {"properties": {"mlFlowTrackingUri": uri}})
    losses = [{"key": "k", "value": value, "step": step} for step, value in enumerate((2.5, 1.23456789))]
    arm.get(
        f"https://eastus2.api.azureml.ms/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/metrics/get-history", {"metrics": losses}
    )
    return found
