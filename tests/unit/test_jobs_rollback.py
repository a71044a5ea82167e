"""Which version to go back to, and what the commands ask before they change anything."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl, install

from cloud import credentials
from cloud.errors import StageError
from jobs import __main__ as cli
from jobs import keys
from jobs.release import rollback, rollout
from jobs.release.rollback import InService, Version
from jobs.release.spec import ReleaseSpec
from settings import outputs

MODEL = "phi-ultrachat"
NEW, OLD, OLDEST = (
    Version(version="new", created="2026-11-03 10:00", job="finetune-new-1", recipe="learning_rate=3e-05"),
    Version(version="old", created="2026-11-02 10:00", job="", recipe=""),
    Version(version="oldest", created="2026-11-01 10:00", job="", recipe=""),
)
LIVE = InService(deployment="mnew", share=100, version="new", before="")
OUTPUTS = {
    "subscriptionId": "sub",
    "resourceGroup": "rg",
    "workspace": "ws",
    "endpoint": "phi",
    "project": "p",
    "connection": "c",
}


@pytest.mark.parametrize(
    ("live", "to", "chosen"),
    [
        (LIVE, "", "old"),  # the next older one
        (
            InService(deployment="mnew", share=100, version="new", before="oldest"),
            "",
            "oldest",
        ),  # what was in service before
        (
            InService(deployment="mnew", share=100, version="new", before="gone"),
            "",
            "old",
        ),  # which may no longer be registered
        (
            InService(deployment="mold", share=100, version="old", before="new"),
            "",
            "new",
        ),  # so that going back twice is where one began
        (InService(deployment="mnew", share=100, version="new", before="new"), "", "old"),
        (InService(deployment="x", share=100, version="", before=""), "", "new"),  # a deployment nobody here made
        (LIVE, "oldest", "oldest"),
    ],
)
def test_the_version_to_go_back_to(live: InService, to: str, chosen: str) -> None:
    assert rollback.choose(live, [NEW, OLD, OLDEST], MODEL, to).version == chosen


@pytest.mark.parametrize(
    ("live", "known", "to", "why"),
    [
        (LIVE, [NEW], "", "no older one is registered"),
        (InService(deployment="x", share=100, version="", before=""), [], "", "no older one"),
        (
            LIVE,
            [NEW, OLD],
            "nwe",
            r"no version nwe. The newest: new, registered 2026-11-03 10:00 from job finetune-new-1",
        ),
        (LIVE, [NEW, OLD], "new", "version new is in service: deployment mnew has 100 %"),
    ],
)
def test_none_to_go_back_to(live: InService, known: list[Version], to: str, why: str) -> None:
    with pytest.raises(StageError, match=why):
        rollback.choose(live, known, MODEL, to)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    ml = install(monkeypatch)
    tags = {"model": f"{MODEL}:new", "previous": f"{MODEL}:old"}
    ml.online_endpoints.deployment("mnew", tags=tags)
    ml.online_endpoints.traffic = {"mnew": 100}
    models = [
        SimpleNamespace(
            version=each.version, tags={"job": each.job}, creation_context=SimpleNamespace(created_at=each.created)
        )
        for each in (OLD, NEW)
    ]
    monkeypatch.setattr(ml.models, "list", lambda name: models, raising=False)
    monkeypatch.setattr(outputs, "read", lambda stack, *needed: OUTPUTS)
    monkeypatch.setattr(credentials, "_environment", {})
    return ml


def test_what_is_in_service_is_read_from_the_deployments_tags(ml: FakeMl) -> None:
    assert rollback.in_service(ml, "phi", MODEL) == InService(deployment="mnew", share=100, version="new", before="old")  # type: ignore[arg-type]
    assert rollback.in_service(ml, "phi", "another") == InService(deployment="mnew", share=100, version="", before="")  # type: ignore[arg-type]
    ml.online_endpoints.traffic = {}
    with pytest.raises(StageError, match="nothing to go back from"):
        rollback.in_service(ml, "phi", MODEL)  # type: ignore[arg-type]


def test_a_rollback_is_a_release_of_the_earlier_version(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    released: list[ReleaseSpec] = []
    monkeypatch.setattr(rollout, "run", lambda spec, report, stop: released.append(spec))
    cli.main(["rollback", "--stack", "prod", "--yes"])
    (spec,) = released
    assert (spec.model_name, spec.model_version, spec.endpoint) == (MODEL, "old", "phi")
    assert spec.serving.traffic_steps == (10, 50, 100) and spec.evaluation.maximum_drop == 1
    said = capsys.readouterr().out
    assert "in service: phi-ultrachat:new, deployment mnew with 100 %" in said
    assert "back to:    phi-ultrachat:old, registered 2026-11-02 10:00" in said
    assert "An unchanged stack prod keeps it" in said


@pytest.mark.parametrize("command", ["rollback", "rotate-keys"])
def test_who_has_several_tenants_is_asked_in_that_of_the_stack(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "default-of-az")
    asked: list[str] = []
    monkeypatch.setattr(rollout, "run", lambda *_: asked.append(credentials.subscription_id()))
    monkeypatch.setattr(keys, "rotate", lambda *_: asked.append(credentials.subscription_id()))
    cli.main([command, "--stack", "dev", "--yes"])
    assert asked == ["sub"]


def test_nothing_happens_without_a_yes(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(rollout, "run", never)
    monkeypatch.setattr(keys, "rotate", never)
    for command in ("rollback", "rotate-keys"):
        with pytest.raises(SystemExit, match=r"Nothing was changed.*Add --yes"):
            cli.main([command, "--stack", "dev"])


def test_a_rotation_is_given_the_stacks_endpoint_and_connection(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[keys.Keyring, bool]] = []

    def rotate(ring: keys.Keyring, report: Any, stop: threading.Event) -> None:
        given.append((ring, stop.is_set()))

    monkeypatch.setattr(keys, "rotate", rotate)
    cli.main(["rotate-keys", "--stack", "dev", "--yes", "--pause", "5"])
    ((ring, stopped),) = given
    assert (ring.endpoint, ring.project, ring.connection, ring.pause, stopped) == ("phi", "p", "c", 5, False)
    with pytest.raises(SystemExit):
        cli.main(["rotate-keys", "--stack", "dev", "--yes", "--pause", "soon"])


def test_of_a_registry_only_what_the_stack_has_proved_is_offered() -> None:
    tags: list[dict[str, str] | None] = [{"proved_by": "dev"}, {"proved_by": "qa"}, {}, None]
    found = [SimpleNamespace(version=str(at), tags=each, creation_context=None) for at, each in enumerate(tags)]
    client: Any = SimpleNamespace(models=SimpleNamespace(list=lambda name: found))
    assert [each.version for each in rollback.versions(client, "phi", {"proved_by": "dev"})] == ["0"]
    assert len(rollback.versions(client, "phi")) == 4


def test_of_several_recipes_a_version_is_told_by_its_recipes_name() -> None:
    tags = [{"job": "finetune-a-1", "recipe": "seed=1", "recipe_name": "bold"}, {"job": "b", "recipe": "seed=2"}]
    found = [SimpleNamespace(version=str(at), tags=each, creation_context=None) for at, each in enumerate(tags)]
    client: Any = SimpleNamespace(models=SimpleNamespace(list=lambda name: found))
    told = [str(each) for each in rollback.versions(client, "phi")]
    assert told[0].endswith("from job finetune-a-1, by the recipe bold: seed=1")
    assert told[1].endswith("from job b, seed=2")
