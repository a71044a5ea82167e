"""Stage flow: one flow of that name in the project, its files changed in place."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from arm_fake import ArmFake, install
from jobs_fake import Stop

from cloud import client as azure_client
from cloud.errors import NotFinished, StageError
from cloud.target import Target
from jobs.publishing import bundle, publish
from jobs.publishing.spec import FlowSpec

FILES = {"flow.dag.yaml": b"dag", "chat/client.py": b"code"}
PROJECT = Target("sub", "rg", "aiproj")
SPEC = FlowSpec(target=PROJECT, name="phi-chat", connection="phi-connection", content=bundle.fingerprint(FILES))
FLOWS = f"https://eastus2.api.azureml.ms/flow/api{PROJECT.path}/Flows"
ON = "flow phi-chat of project aiproj"


class Share:
    """What is written to the project's file share."""

    made: list[Share] = []  # noqa: RUF012 - emptied for each test

    def __init__(self, arm: Any, target: Target) -> None:
        self.target, self.written, self.pruned = target, dict[str, bytes](), list[tuple[str, str]]()
        Share.made.append(self)

    def write(self, folder: str, files: dict[str, bytes]) -> None:
        self.written |= {f"{folder}/{name}": content for name, content in files.items()}

    def prune(self, folder: str, files: dict[str, bytes], suffix: str) -> list[str]:
        assert files == FILES
        self.pruned.append((folder, suffix))
        return []


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    fake = install(monkeypatch)
    fake.get(
        PROJECT.path,
        {"properties": {"discoveryUrl": "https://eastus2.api.azureml.ms/discovery", "workspaceId": "w-1"}},
    )
    fake.get(FLOWS, [])
    Share.made = []
    monkeypatch.setattr(publish, "Share", Share)
    monkeypatch.setattr(bundle, "files", lambda connection: FILES if connection == "phi-connection" else {})
    return fake


def signed_in(monkeypatch: pytest.MonkeyPatch, **claims: str) -> None:
    token = SimpleNamespace(token=jwt.encode(claims, "k" * 32, "HS256"), expires_on=2**40, refresh_on=None)
    credential = SimpleNamespace(get_token=lambda *_, **__: token, get_token_info=lambda *_, **__: token)
    monkeypatch.setattr(azure_client, "credential", lambda: credential)


def run(spec: FlowSpec = SPEC, stop: threading.Event | None = None) -> list[str]:
    said: list[str] = []
    publish.run(spec, said.append, stop or threading.Event())
    return said


def methods(azure: ArmFake) -> list[str]:
    return [method for method, url in azure.sent if "/Flows" in url]


@pytest.mark.parametrize(
    ("claims", "person"),
    [
        ({"upn": "ada@contoso.com", "oid": "o-1"}, "ada"),
        ({"email": "ada@contoso.com", "oid": "o-1"}, "ada"),
        ({"oid": "o-1"}, "o-1"),
    ],
)
def test_a_new_flow_stands_among_the_callers_own(
    claims: dict[str, str], person: str, azure: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, **claims)
    azure.routes[f"post {FLOWS.removeprefix('https://')}".lower()] = (
        200,
        {},
        {"flowId": "f-1", "studioPortalEndpoint": "https://ai.azure.com/f-1"},
    )
    assert run() == [f"{ON} published: https://ai.azure.com/f-1"]
    (share,) = Share.made
    folder = f"Users/{person}/promptflow/phi-chat"
    assert share.target == PROJECT and share.pruned == [(folder, ".py")]
    assert share.written == {f"{folder}/flow.dag.yaml": b"dag", f"{folder}/chat/client.py": b"code"}
    assert azure.bodies == [
        {
            "flowName": "phi-chat",
            "flowType": "Chat",
            "flowDefinitionFilePath": f"{folder}/flow.dag.yaml",
            "description": "Chat with the fine-tuned Phi model",
            "tags": {"fingerprint": SPEC.fingerprint, "connection": "phi-connection"},
        }
    ]
    assert "experimentId=w-1" in azure.sent[-1][1]
    (listed,) = [url for method, url in azure.sent if method == "GET" and url.startswith(FLOWS)]
    assert listed.split("?")[1].split("&") == ["experimentId=w-1", "ownedOnly=false", "listViewType=ActiveOnly"]


def flow(name: str = "phi-chat", day: int = 1, **tags: str) -> dict[str, Any]:
    return {
        "flowName": name,
        "flowId": f"{name}-{day}",
        "flowDefinitionFilePath": f"Users/eve/{name}-{day}/flow.dag.yaml",
        "createdDate": f"2026-11-{day:02d}T00:00:00Z",
        "tags": tags or None,
    }


def test_what_is_there_is_left_or_changed_in_place_the_oldest_of_that_name(azure: ArmFake) -> None:
    azure.get(FLOWS, [flow(day=9), flow(day=2, fingerprint=SPEC.fingerprint), flow("another", day=1)])
    assert run() == [f"{ON} is there already"]
    assert methods(azure) == ["GET"] and Share.made == []

    azure.get(FLOWS, [flow(day=9, fingerprint=SPEC.fingerprint), flow(day=2), flow("another", day=1)])
    azure.routes[f"put {FLOWS.removeprefix('https://')}/phi-chat-2".lower()] = (200, {}, {})
    assert run() == [f"{ON} published again: see Prompt flow in the project"]
    (share,) = Share.made
    assert sorted(share.written) == ["Users/eve/phi-chat-2/chat/client.py", "Users/eve/phi-chat-2/flow.dag.yaml"]
    assert methods(azure)[1:] == ["GET", "PUT"]


def test_files_that_changed_since_the_run_began_are_not_published(azure: ArmFake) -> None:
    with pytest.raises(StageError, match="its files changed since this run began"):
        run(FlowSpec(target=PROJECT, name="phi-chat", connection="phi-connection", content="another"))
    assert azure.sent == []


def test_a_stop_before_anything_is_written(azure: ArmFake) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished, match="you asked to stop"):
        run(stop=stop)
    assert methods(azure) == ["GET"] and Share.made == []


BUSY = (503, {"Retry-After": "7"}, {"error": {"code": "ServerBusy", "message": "later"}})
HICCUP = (500, {}, {"error": {"code": "InternalServerError", "message": "oops"}})
MADE = (200, {}, {"flowId": "f-1"})
POST = f"post {FLOWS.removeprefix('https://')}".lower()


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [([MADE], []), ([BUSY, MADE], [7]), ([HICCUP, HICCUP, HICCUP, MADE], [1, 2, 4])],
)
def test_a_passing_failure_is_asked_again(
    answers: list[Any], pauses: list[float], azure: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, oid="o-1")
    azure.queues[POST] = [*answers]
    stop = Stop(*[lambda: None] * len(pauses))
    told = [f"Azure has no answer now, the flow is asked for again in {pause} s" for pause in pauses]
    assert run(stop=stop) == [*told, f"{ON} published: see Prompt flow in the project"]
    assert stop.waited == pauses
    assert methods(azure).count("POST") == len(answers)
    assert methods(azure).count("GET") == len(answers), "after each failure it is looked whether the flow was made"


def test_a_lost_answer_makes_no_second_flow(azure: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, oid="o-1")
    azure.queues[POST] = [HICCUP]
    azure.then("GET", FLOWS, (200, {}, []), (200, {}, [flow()]))
    assert run() == [f"{ON} published: see Prompt flow in the project"]
    assert methods(azure) == ["GET", "POST", "GET"]


@pytest.mark.parametrize(("answer", "posts"), [(HICCUP, 4), ((403, {}, {"error": {"code": "Denied"}}), 1)])
def test_what_does_not_pass_is_an_error(
    answer: Any, posts: int, azure: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, oid="o-1")
    azure.queues[POST] = [answer]
    with pytest.raises(StageError, match="the flow could not be published"):
        run(stop=Stop(*[lambda: None] * 3))
    assert methods(azure).count("POST") == posts
