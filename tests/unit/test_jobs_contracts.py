"""How a model is served, read from its MLmodel, and kept as tags."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import scoring_fake
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from jobs_fake import Stop, install
from test_jobs_specs import RELEASE

from chat.phi_client import CHAT_COMPLETIONS, MLFLOW
from chat.phi_messages import Answer, ChatRequest
from cloud.services import blobs
from cloud.target import RegistryAsset, Target
from jobs.evaluation import gather
from jobs.golden import golden
from jobs.golden.questions import Question
from jobs.release import contracts, rollout
from jobs.release.judging import smoke
from jobs.status.status import Deployment
from tests.changing import changed

TARGET = Target("sub", "rg", "mlw")
URI = "azureml://subscriptions/sub/resourcegroups/rg/workspaces/mlw/datastores/workspaceblobstore/paths/azureml/j/out"
FINE_TUNED = b"""\
flavors:
  hftransformersv2:
    hf_pretrained_class: Phi3ForCausalLM
    task_type: chat-completion
  python_function:
    loader_module: azureml.evaluate.mlflow.hftransformers
metadata:
  base_model_name: Phi-4-mini-instruct
  is_finetuned_model: true
"""
IMAGE = "mcr.microsoft.com/azureml/curated/foundation-model-inference:62"
WITH_IMAGE = FINE_TUNED + f"  azureml.base_image: {IMAGE}\n".encode()


@pytest.mark.parametrize(
    ("mlmodel", "name", "image", "why"),
    [
        (FINE_TUNED, MLFLOW, "", ""),
        (WITH_IMAGE, CHAT_COMPLETIONS, IMAGE, ""),
        (FINE_TUNED + b"  azureml.base_image: example.com/own:1\n", "", "example.com/own:1", "nobody here knows"),
        (
            FINE_TUNED.replace(b"chat-completion", b"fill-mask"),
            "",
            "",
            "hftransformersv2, python_function for fill-mask",
        ),
        (b"flavors: {sklearn: {}}\n", "", "", "is of sklearn, not of hftransformersv2"),
        (b"not a model\n", "", "", "names no flavors"),
        (b"flavors: [\n", "", "", "is no YAML"),
    ],
)
def test_the_contract_of_an_mlmodel(mlmodel: bytes, name: str, image: str, why: str) -> None:
    found = contracts.read(mlmodel)
    assert (found.name, found.image) == (name, image)
    assert why in found.why and bool(why) == bool(found.why)


PATH = f"{TARGET.path}/models/phi/versions/7"


class Models:
    """`Arm`, over one version of a model."""

    def __init__(self) -> None:
        properties = {
            "modelUri": URI,
            "modelType": "mlflow_model",
            "tags": {"job": "j"},
            "provisioningState": "Succeeded",
        }
        self.there: dict[str, Any] = {PATH: properties}
        self.refusal: Exception | None = None

    def get(self, path: str, _version: str) -> dict[str, Any]:
        if path not in self.there:
            raise ResourceNotFoundError(f"{path} not found")
        return {"properties": self.there[path]}

    def run(self, method: str, path: str, _query: object, body: dict[str, Any]) -> None:
        assert method == "PUT"
        if self.refusal:
            raise self.refusal
        self.there[path] = body["properties"]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    models = Models()
    monkeypatch.setattr(contracts, "Arm", lambda: models)
    return models


def _reads(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    asked: list[str] = []

    def read(_arm: object, _target: Target, uri: str, _most: int) -> bytes:
        asked.append(uri)
        return content

    monkeypatch.setattr(blobs, "read", read)
    return asked


def test_it_is_read_once_and_kept_on_the_version(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = _reads(monkeypatch, WITH_IMAGE), list[str]()
    for _ in range(2):
        found = contracts.of_version(TARGET, "phi", "7", said.append)
        assert found.tags == {"contract": "chat-completions", "serving_image": IMAGE}
    assert asked == [f"{URI}/MLmodel"] and len(said) == 1 and "which streams" in said[0]
    tags = {"job": "j", "contract": "chat-completions", "serving_image": IMAGE}
    # The address as it was: Azure lets no version have another one.
    assert models.there[PATH] == {"modelUri": URI, "modelType": "mlflow_model", "tags": tags}


def test_what_is_not_understood_is_said_and_stops_nothing(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    _reads(monkeypatch, b"flavors: {sklearn: {}}\n")
    said: list[str] = []
    assert contracts.of_version(TARGET, "phi", "7", said.append).tags == {}
    assert said[0].startswith("warning: how model phi:7 is served is not known: its MLmodel is of sklearn")
    assert contracts.of_version(TARGET, "phi", "8", said.append).tags == {}
    assert "versions/8 not found" in said[1]
    assert models.there[PATH]["tags"] == {"job": "j"}


def test_tags_that_cannot_be_written_are_told(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    _reads(monkeypatch, FINE_TUNED)
    models.refusal, said = HttpResponseError("AuthorizationFailed"), list[str]()
    assert contracts.of_version(TARGET, "phi", "7", said.append).name == MLFLOW
    assert said[1].startswith("warning: the model's tags could not be written: AuthorizationFailed")


class Arm:
    """A workspace with one datastore."""

    def __init__(self, credentials: str) -> None:
        self.calls: list[str] = []
        self._credentials = credentials

    def get(self, path: str, _version: str) -> dict[str, Any]:
        self.calls.append(path)
        place = {"accountName": "st1", "containerName": "azureml-blobstore-1", "endpoint": "core.windows.net"}
        return {"properties": {**place, "credentials": {"credentialsType": self._credentials}}}

    def run(self, method: str, path: str, _query: object, _body: object) -> dict[str, Any]:
        self.calls.append(f"{method} {path}")
        return {"key": "the-key"}


@pytest.mark.parametrize(("kind", "access"), [("AccountKey", "the-key"), ("None", "a token")])
def test_a_blob_is_read_with_what_its_datastore_is_opened_with(
    monkeypatch: pytest.MonkeyPatch, kind: str, access: str
) -> None:
    import azure.storage.blob

    opened: list[tuple[object, ...]] = []

    class Blob:
        def __init__(self, *place: str, credential: str, retry_total: int) -> None:
            opened.append((*place, credential))

        def __enter__(self) -> Blob:
            return self

        def __exit__(self, *_: object) -> None: ...

        def download_blob(self, offset: int, length: int) -> SimpleNamespace:
            return SimpleNamespace(readall=lambda: b"flavors"[offset:length])

    monkeypatch.setattr(azure.storage.blob, "BlobClient", Blob)
    monkeypatch.setattr(blobs.azure, "credential", lambda: "a token")
    arm = Arm(kind)
    assert blobs.read(arm, TARGET, f"{URI}/MLmodel", 4) == b"flav"  # type: ignore[arg-type]
    assert opened == [("https://st1.blob.core.windows.net", "azureml-blobstore-1", "azureml/j/out/MLmodel", access)]
    datastore = f"{TARGET.path}/datastores/workspaceblobstore"
    assert arm.calls == [datastore] + [f"POST {datastore}/listSecrets"] * (kind == "AccountKey")


@pytest.mark.parametrize(
    ("tags", "name", "said"),
    [
        ({"inference_supported_envs": "['vllm']"}, CHAT_COMPLETIONS, []),
        ({}, "", ["warning: how model Phi-4-mini-instruct:1 is served is not known: its tag "
                  "inference_supported_envs does not name vllm. Whoever asks it tries both routes."]),
    ],
)  # fmt: skip
def test_the_registry_says_who_serves_the_base_model(
    monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], name: str, said: list[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(contracts, "Arm", lambda: None)
    monkeypatch.setattr(contracts.registry, "tags", lambda *_: tags)
    assert contracts.of_base(RegistryAsset("azureml", "Phi-4-mini-instruct", "1"), told.append).name == name
    assert told == said


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> scoring_fake.Scoring:
    return scoring_fake.install(monkeypatch, install(monkeypatch))[0]


def _release(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    monkeypatch.setattr(contracts, "of_version", lambda *_: contracts.Contract(name))
    monkeypatch.setattr(contracts, "of_base", lambda *_: contracts.Contract(CHAT_COMPLETIONS))
    said: list[str] = []
    rollout.run(changed(RELEASE, compare_with_base=True), said.append, Stop())
    return said


def test_a_release_writes_the_contract_on_its_deployments_and_asks_by_it(
    scoring: scoring_fake.Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _release(monkeypatch, MLFLOW)
    deployments = scoring.ml.online_endpoints.deployments
    name = RELEASE.deployment_name
    assert {each: found.tags.get("contract") for each, found in deployments.items()} == {
        name: "mlflow",
        "base": "chat-completions",
    }
    assert smoke.ROUTES.contract("https://e.eastus2.inference.ml.azure.com/score", name) == "mlflow"
    assert not [line for line in said if "no such route" in line]


def test_a_deployment_that_keeps_no_contract_is_told_of(
    scoring: scoring_fake.Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings = [line for line in _release(monkeypatch, CHAT_COMPLETIONS) if line.startswith("warning")]
    assert warnings == [
        f"warning: {RELEASE.deployment_name} should answer chat completions, and has no such route: answers come whole"
    ]


def test_golden_questions_leave_nothing_to_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ChatRequest] = []

    def answer(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append(request)
        return Answer("Paris.", request.deployment, 0.1)

    monkeypatch.setattr(golden, "ask", answer)
    golden.ask_all(
        "https://e/score", "k", "m1", [Question("Capital?", ("Paris",))], golden.Asking(timeout=9), print, Stop()
    )
    assert asked[0].payload()["input_data"]["parameters"] == {"do_sample": False, "max_new_tokens": 128}
    assert asked[0].completion()["temperature"] == 0.0


def test_an_evaluation_says_where_seconds_do_not_compare() -> None:
    def deployed(name: str, contract: str) -> Deployment:
        return Deployment(
            name=name,
            state="Succeeded",
            traffic=0,
            model="m:1",
            vm_size="size",
            count=1,
            since=None,
            tags={"contract": contract} if contract else {},
        )

    missing: list[str] = []
    gather._alike([("base model", deployed("base", "")), ("fine-tuned", deployed("m1", "mlflow"))], missing)
    gather._alike([("in service", deployed("m0", "mlflow")), ("fine-tuned", deployed("m1", "mlflow"))], missing)
    assert missing == []
    chosen = [("base model", deployed("base", "chat-completions")), ("fine-tuned", deployed("m1", "mlflow"))]
    gather._alike(chosen, missing)
    assert missing == [
        "seconds: the models are served by different programs, whose speed differs by itself "
        "(base model: chat-completions, fine-tuned: mlflow)"
    ]
