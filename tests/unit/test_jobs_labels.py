"""The stack's tags on its deployments: with which they are made, and how those that stand get others."""

from __future__ import annotations

import dataclasses

import pytest
from arm_fake import ArmFake, install
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from jobs.release import standing

PATH = f"{RELEASE.endpoint_path}/deployments"
OURS = {"model": "phi:1", "release_begun": "2026-11-28T12:00:00+00:00"}


def put(azure: ArmFake, before: dict[str, str], now: dict[str, str]) -> list[str]:
    said: list[str] = []
    standing.retag(RELEASE.target, RELEASE.endpoint, before, now, said.append)
    return said


def test_tags_change_nothing_of_what_decides_a_release() -> None:
    tagged = dataclasses.replace(RELEASE, tags={"project": "finetune-phi", "owner": "me"})
    assert tagged.to_inputs() == RELEASE.to_inputs()
    assert tagged.deployment_name == RELEASE.deployment_name


@pytest.mark.parametrize(
    ("its", "before", "now", "sent"),
    [
        (OURS, {}, {"stack": "dev"}, {**OURS, "stack": "dev"}),
        ({**OURS, "stack": "dev"}, {"stack": "dev"}, {"stack": "dev"}, None),
        ({**OURS, "owner": "me"}, {"owner": "me"}, {"owner": "you"}, {**OURS, "owner": "you"}),
        ({**OURS, "owner": "me"}, {"Owner": "me"}, {"team": "we"}, {**OURS, "team": "we"}),
        # What a policy or a person has put there, and what a release says, stay.
        ({**OURS, "cost": "7"}, {}, {"stack": "dev"}, {**OURS, "cost": "7", "stack": "dev"}),
        (OURS, {"model": "x"}, {"Model": "y", "stack": "dev"}, {**OURS, "stack": "dev"}),
        (OURS, {"model": "x"}, {}, None),
        ({"owner": "somebody"}, {}, {"stack": "dev"}, None),
    ],
)
def test_a_deployment_that_stands_gets_them_in_place(
    its: dict[str, str],
    before: dict[str, str],
    now: dict[str, str],
    sent: dict[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    azure = install(monkeypatch)
    azure.get(PATH, {"value": [{"name": "m1", "tags": its}]})
    azure.then("PATCH", f"{PATH}/m1", (200, {}, {}))
    said = put(azure, before, now)
    assert azure.bodies == ([{"tags": sent}] if sent else [])
    assert ("deployment m1 has the stack's tags" in said) is bool(sent)


def test_an_endpoint_that_is_made_anew_has_none_to_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = install(monkeypatch)
    azure.refuse("GET", PATH, 404, "ResourceNotFound")
    assert put(azure, {}, {"stack": "dev"}) == [] and azure.bodies == []


def test_what_does_not_fit_beside_a_releases_own_is_said_and_left_out() -> None:
    said: list[str] = []
    many = {**{f"tag{number:02d}": "x" for number in range(40)}, "Previous": "x", "project": "p", "stack": "dev"}
    found = standing.fitting(many, said.append)
    assert len(found) == 50 - len(standing.OWN) == 40
    assert list(found)[:2] == ["project", "stack"] and "tag37" in found
    assert said == [
        "warning: deployments do not get the tags Previous, tag38, tag39: Azure takes 50, and some are a release's"
    ]
    assert standing.fitting({"a": "b"}, said.append) == {"a": "b"} and len(said) == 1


def test_a_refusal_fails_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = install(monkeypatch)
    azure.get(PATH, {"value": [{"name": "m1", "tags": OURS}]})
    azure.refuse("PATCH", f"{PATH}/m1", 403, "AuthorizationFailed")
    with pytest.raises(StageError, match=r"the deployments' tags could not be changed \(endpoint phi\)"):
        put(azure, {}, {"stack": "dev"})
