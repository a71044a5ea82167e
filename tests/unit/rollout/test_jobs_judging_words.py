"""What a new deployment is asked, and what is kept of one that fails, whole."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jobs_fake import FakeMl, Stop
from rollout_runs import KNOWING, NEW, OLD, refused, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import Answer, ChatRequest, ModelFailed, Unreachable
from cloud.errors import ModelFault, NotFinished
from jobs.release import contracts
from jobs.release.deployments import Endpoint
from jobs.release.judging import evidence, probing, smoke
from jobs.release.judging.health import Health
from tests.changing import changed

pytestmark = pytest.mark.usefixtures("no_time_passes")


def of(ml: FakeMl, said: list[str], **changes: Any) -> Endpoint:
    spec = changed(RELEASE, **changes)
    return Endpoint(client=ml, spec=spec, report=said.append, stop=Stop())  # type: ignore[arg-type]


def test_what_is_kept_of_a_model_that_fails(ml: FakeMl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    ml.online_endpoints.deployment(NEW)
    said: list[str] = []
    cause = ModelFault("it fails", on="d", why="so", todo="Mend it.", evidence={"asked": "Wie heißt du?"})
    folder = evidence.keep(of(ml, said), cause)
    assert folder is not None and folder.parent == tmp_path
    assert said == [
        f"logs and answers of {NEW} are kept in {folder}: release.json, inference-server.log, storage-initializer.log"
    ]
    about = json.loads((folder / "release.json").read_text())
    assert (
        folder.name == f"{NEW}-{datetime.fromisoformat(about['at']):%Y%m%d-%H%M%S}" and about.pop("at")[-6:] == "+00:00"
    )
    assert about == {
        "deployment": NEW,
        "model": "phi-ultrachat:1707408517",
        "endpoint": "phi",
        "why": "it fails (d): so. Mend it.",
        "asked": "Wie heißt du?",
    }
    assert (folder / "release.json").read_text().splitlines()[1] == f'  "deployment": "{NEW}",'
    assert "heißt" in (folder / "release.json").read_text()
    assert (folder / "inference-server.log").read_text() == "loading\nout of memory\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "release.json")] == [0o700, 0o600]
    (tmp_path / "file").touch()
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "file")
    said.clear()
    assert evidence.keep(of(ml, said), cause) is None
    assert said[0].startswith(f"warning: what the release has left could not be kept in {tmp_path}/file/{NEW}-")


def test_questions_of_our_own(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def ask(url: str, key: object, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append((url, key, request.question, request.deployment, request.temperature, request.system, timeout))
        if len(asked) == 3:
            raise ModelFailed("424")
        if len(asked) == 4:
            raise Unreachable("no route")
        return Answer("yes", "m1", float(len(asked)))

    monkeypatch.setattr(probing, "ask", ask)
    monkeypatch.setattr(probing, "_AT_ONCE", 1)
    monkeypatch.setattr(probing, "_SAID_SECONDS", -1.0)
    said: list[str] = []
    found = probing.ask_it(of(ml, said, system_prompt="Be brief."), "m1", 25)
    assert found == Health(requests=24, failed=1, p95_seconds=24.0)
    assert set(asked) == {
        (
            "https://e.eastus2.inference.ml.azure.com/score",
            "the-key",
            RELEASE.serving.question,
            "m1",
            0.0,
            "Be brief.",
            90,
        )
    }
    assert said[0] == "asking m1 questions of our own: 1 of 25" and said[-1].endswith("25 of 25")


def test_questions_of_our_own_are_the_stacks_and_the_golden_ones(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(url: str, key: object, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append(request.question)
        return Answer("yes", "m1", 1.0)

    monkeypatch.setattr(probing, "ask", ask)
    monkeypatch.setattr(probing, "_AT_ONCE", 1)
    assert probing.ask_it(of(ml, [], questions="golden/sample.jsonl"), "m1", 8).p95_seconds == 1.0
    golden = [json.loads(line)["question"] for line in Path("golden/sample.jsonl").read_text().splitlines()]
    assert asked == [RELEASE.serving.question, *golden, RELEASE.serving.question]
    stop = Stop()
    stop.set()
    its = Endpoint(client=ml, spec=RELEASE, report=lambda _: None, stop=stop)  # type: ignore[arg-type]
    with pytest.raises(NotFinished, match="you asked to stop; m1 is being asked questions of our own"):
        probing.ask_it(its, "m1", 3)
    assert len(asked) == 8


def test_who_asks_is_told_how_each_deployment_is_served(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, str]]] = []
    routes = type("Routes", (), {"tell": lambda self, url, tags: told.append((url, tags))})()
    monkeypatch.setattr(smoke, "ROUTES", routes)
    monkeypatch.setattr(contracts, "of_version", lambda *_: contracts.Contract("chat-completions"))
    said = run()
    assert told == [("https://e.eastus2.inference.ml.azure.com/score", {OLD: "", NEW: "chat-completions"})]
    warning = f"warning: {NEW} should answer chat completions, and has no such route: answers come whole"
    assert warning in said
    streams = Answer("Bill", NEW, 0.1, streamed=True)
    monkeypatch.setattr(smoke, "_patiently", lambda *_: streams)
    here = of(in_service, said := [])
    smoke.check(here, {})
    assert said == [f"smoke test of {NEW}: Bill"]


def test_a_smoke_tests_words(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.answers = {NEW: "long\n  answer " * 20}
    said = run()
    assert f"smoke test of {NEW}: {('long answer ' * 20)[:80]}" in said
    scoring.seconds = 0.05
    another = changed(RELEASE, model_version="9", model_fingerprint="", latency_seconds=0.05)
    assert any(line.startswith("traffic: 100 %") for line in run(another)), "as long as it may take"
    _, error = refused(changed(another, model_version="10", latency_seconds=0.04))
    assert (error.why, error.todo) == (
        "an answer took 0.1 s, and evaluation.latencySeconds is 0.04",
        "Take a larger serving.vmSize, or allow more time.",
    )


def test_golden_questions_that_did_not_reach_it(in_service: FakeMl, scoring: Scoring, monkeypatch: Any) -> None:
    def ask_all(*_: object) -> Any:
        raise_ = type("R", (), {"unreachable": True, "error": "no route"})()
        well = type("R", (), {"unreachable": False, "error": ""})()
        return type("S", (), {"results": [well, raise_, raise_], "__str__": lambda self: "0.33"})()

    monkeypatch.setattr(smoke, "ask_all", ask_all)
    _, error = refused(KNOWING)
    assert (error.what, error.on, error.why) == (
        "the new model could not be tested",
        f"deployment {KNOWING.deployment_name}",
        "2 of 3 golden questions did not reach it: no route",
    )
    assert OLD in in_service.online_endpoints.deployments
