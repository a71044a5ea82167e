"""What a program reads in its own state before anything is made, and what it refuses because of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from infra import choice, preflight
from infra.lifecycle import lifetime, machines, origin, recorded
from infra.lifecycle.moved import Moved
from infra.lifecycle.origin import MADE_AS, OwnState
from infra.lifecycle.tags import without
from jobs.preflight.findings import Finding, State
from settings.estate.existing import USABLE
from settings.naming import Origin
from settings.stack import parse

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-team"
URN = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:X$"
PREFLIGHT = f"{URN}pulumi:index:Stash::preflight"
STORAGE = f"{URN}azure-native:storage:StorageAccount::storage"


def settings(location: str = "eastus2", **config: Any) -> Any:
    own = {f"finetune-phi:{key}": value for key, value in config.items()}
    return parse({"finetune-phi:purgeOnDestroy": False, "azure-native:location": location, **own}, "dev")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What pulumi is told, with how loudly."""
    lines: list[tuple[str, str]] = []
    for level in ("info", "warn", "debug"):
        monkeypatch.setattr(pulumi.log, level, lambda line, level=level: lines.append((level, line)))
    return lines


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the engine is asked; the first answer is in `answers`."""
    questions: list[Any] = []
    for name, value in (("organization", "org"), ("project", "finetune-phi"), ("stack", "dev")):
        monkeypatch.setattr(pulumi, f"get_{name}", lambda value=value: value)
    monkeypatch.setattr(origin, "invoke", lambda *args: questions.append(args) or SimpleNamespace(value=ANSWER[0]))
    return questions


ANSWER: list[Any] = [None]


@pytest.mark.parametrize(
    ("answer", "rows"), [({"outputs": {"urn": {"outputs": {}}}}, {"urn": {"outputs": {}}}), ({}, {}), (None, {})]
)
def test_the_state_is_read_of_the_running_stack(answer: Any, rows: Any, asked: list[Any]) -> None:
    ANSWER[0] = answer
    assert OwnState.read() == OwnState(rows)
    assert asked == [("pulumi:pulumi:readStackResourceOutputs", {"stackName": "org/finetune-phi/dev"})]


def test_a_state_that_cannot_be_read_ends_the_program(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise ValueError("no backend")

    monkeypatch.setattr(origin, "invoke", refused)
    with pytest.raises(pulumi.RunError) as raised:
        OwnState.read()
    assert str(raised.value) == (
        "stack org/finetune-phi/dev: its own state could not be read (no backend), so it is not known what it is "
        "called on Azure. Nothing was changed. Run the same again; `pulumi stack export` has to work."
    )


def test_the_origin_is_in_the_first_record_that_says_one() -> None:
    record = {"output": {"stack": "first", "subscription_id": "s"}}
    assert OwnState({}).origin is None
    assert OwnState({PREFLIGHT: {}, f"{URN}other::preflight": {"outputs": record}}).origin is None
    assert OwnState({PREFLIGHT: {"outputs": record}}).origin == Origin("first", "s")
    assert OwnState({PREFLIGHT: {"outputs": {"output": 3}}, f"x{PREFLIGHT}": {"outputs": record}}).origin is not None


KINDS = {
    "group": "resources:ResourceGroup::resource-group",
    "logs": "operationalinsights:Workspace::log-analytics",
    "insights": "applicationinsights:Component::application-insights",
    "storage": "storage:StorageAccount::storage",
    "vault": "keyvault:Vault::key-vault",
    "registry": "containerregistry:Registry::container-registry",
    "identity": "managedidentity:UserAssignedIdentity::identity",
    "workspace": "machinelearningservices:Workspace::workspace",
    "cluster": "machinelearningservices:Compute::cluster",
    "hub": "machinelearningservices:Workspace::hub",
    "project": "machinelearningservices:Workspace::project",
}


def id_of(key: str, name: str) -> str:
    kind = USABLE[key].kind
    if not kind:
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}"
    namespace, first, *inner = kind.split("/")
    return f"{GROUP}/providers/{namespace}/{first}/{'outer/' + inner[0] + '/' if inner else ''}{name}"


@pytest.mark.parametrize("key", KINDS)
def test_what_the_stack_has_made_is_not_somebody_elses(key: str) -> None:
    assert set(MADE_AS) == set(KINDS) == set(USABLE)
    state = OwnState({f"{URN}azure-native:{KINDS[key]}": {"outputs": {"name": "Mine"}}, "x": {}})
    with pytest.raises(pulumi.RunError) as raised:
        state.refuse_own({key: id_of(key, "mine")})
    assert str(raised.value) == (
        f"finetune-phi:existing.{key}: this stack has made {USABLE[key].words} mine itself, and would delete what is "
        "no longer its own. Nothing was changed. Remove the line, or make another stack that uses it."
    )
    state.refuse_own({key: id_of(key, "another")})
    state.refuse_own({})
    OwnState({"urn::other": {"outputs": {"name": "mine"}}}).refuse_own({key: id_of(key, "mine")})


def test_a_project_that_is_given_never_costs_the_stacks_hub() -> None:
    state = OwnState({f"{URN}azure-native:{KINDS['hub']}": {"outputs": {"name": "hub-mine"}}})
    with pytest.raises(pulumi.RunError) as raised:
        state.refuse_own({"project": id_of("project", "theirs")})
    assert str(raised.value) == (
        "finetune-phi:existing.project: this stack has made hub hub-mine itself, which it would delete with the "
        "projects in it, as a project that is given brings its own hub. Nothing was changed. Remove the line, or make "
        "another stack that uses the project."
    )


@pytest.mark.parametrize(
    ("config", "cost"),
    [
        ({}, "12 h of Standard_NC24ads_A100_v4 x 3.67 USD = 44.04 USD"),
        (
            {"compute": {"hourlyPrice": 2.5, "maxNodes": 2}, "recipe": {"num_nodes_finetune": 2}},
            "24 h of Standard_NC24ads_A100_v4 x 2.5 USD = 60.00 USD",
        ),
        (
            {"compute": {"vmSize": "Standard_ND96isr_H100_v5"}},
            "12 h of Standard_ND96isr_H100_v5 at a price that is not known here",
        ),
    ],
)
def test_another_region_is_another_stack(
    config: dict[str, Any], cost: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "HOURLY_DOLLARS", {"Standard_NC24ads_A100_v4": 3.67})
    with pytest.raises(pulumi.RunError) as raised:
        OwnState({STORAGE: {"outputs": {"location": "West Europe"}}}).refuse_move(settings(**config))
    assert str(raised.value) == (
        "azure-native:location: this stack is in westeurope, and would be deleted there and made anew in eastus2. That "
        f"costs another fine-tune of up to {cost}; nobody is answered until the new endpoint is there; and data, job "
        "outputs and models of the old region are gone for good. Nothing was changed. Set it back to westeurope, or "
        "make a second stack beside this one: copy Pulumi.dev.yaml to Pulumi.deveastus2.yaml, `pulumi stack init "
        "deveastus2`, `pulumi up`, move those who ask, then `pulumi destroy` this one."
    )


@pytest.mark.parametrize("end", ["StorageAccount::storage", "Workspace::workspace", "OnlineEndpoint::endpoint"])
def test_each_store_of_data_keeps_its_region(end: str, asked: list[Any]) -> None:
    state = OwnState({f"{URN}azure-native:x:{end}": {"outputs": {"location": "uksouth"}}, "urn": {"outputs": None}})
    with pytest.raises(pulumi.RunError, match=r"^azure-native:location: this stack is in uksouth"):
        state.refuse_move(settings())
    state.refuse_move(settings("uksouth"))


@pytest.mark.parametrize(("dry", "lines"), [(True, 1), (False, 0)])
def test_a_preview_shows_what_is_used_and_left_alone(
    dry: bool, lines: int, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: dry)
    OwnState.tell({})
    OwnState.tell({"group": GROUP, "vault": "/v"})
    line = (
        f"uses, and neither changes nor deletes, what somebody else has made:\n  resource group {GROUP}\n  key vault /v"
    )
    assert told == [("info", line)] * lines


@pytest.mark.parametrize(
    ("error", "level"),
    [("Code=NotFound", "debug"), ("Status=404", "debug"), ("Status=403", "warn"), ("not found", "warn")],
)
def test_what_is_not_there_is_no_news(error: str, level: str, told: list[tuple[str, str]]) -> None:
    lifetime.not_read("workspace w", ValueError(error))
    assert told == [(level, f"nothing is known about workspace w as it is now: {error}")]


@pytest.mark.parametrize(
    ("data", "made"),
    [
        (None, ""),
        (SimpleNamespace(created_at=None), ""),
        (SimpleNamespace(created_at="2026-11-29T10:00:00.1234567+00:00"), "2026-11-29T10:00:00"),
    ],
)
def test_when_a_resource_was_made(data: Any, made: str) -> None:
    assert lifetime.made(data) == made


def test_tags_of_somebody_elses_are_left_out() -> None:
    assert without({"Cost": "1", "team": "a"}, ["cOST"]) == {"team": "a"}
    assert without(None, ["x"]) == {} and without({"a": "b"}, []) == {"a": "b"}


def test_what_moved_is_looked_for_where_it_was() -> None:
    moved = Moved(name="n", type="t", component="a:b:C::c", earlier_name="e").alias("dev", "p")
    assert (moved.name, moved.parent) == ("e", "urn:pulumi:dev::p::a:b:C::c")
    renamed = Moved(name="n", type="t", earlier_name="e").alias("dev", "p")
    assert (renamed.name, renamed.parent) == ("e", ...)
    assert Moved(name="n", type="t", component="c").alias("dev", "p").name == "n"


def test_an_identity_is_asked_for_by_its_group_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    get = "get_user_assigned_identity_output"
    monkeypatch.setattr(recorded.managedidentity, get, lambda **how: asked.append(how), raising=False)
    place: Any = SimpleNamespace(names=SimpleNamespace(resource_group="rg"))
    recorded.identity(place, "id")()
    assert asked == [{"resource_group_name": "rg", "resource_name": "id"}]


CLUSTER = {"subscriptionId": "s", "cluster": "/c", "vmSize": "big", "more": 1}


@pytest.fixture
def made_room(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr("cloud.credentials.work_in", calls.append)

    def delete(cluster: str, size: str, say: Any, tags: Any) -> str | None:
        calls.append((cluster, size, tags))
        return "gone" if size == "big" else None

    monkeypatch.setattr("cloud.removal.deletion.delete_other_size", delete)
    return calls


def test_machines_of_another_size_go_first(made_room: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    provider, plain = machines._Provider(), {"subscriptionId": "s", "cluster": "/c", "vmSize": "big"}
    made = provider.create(dict(CLUSTER))
    assert (made.id, made.outs) == ("/c", plain)
    tagged = provider.update("/c", {}, {**CLUSTER, "vmSize": "small", "tags": {"stack": "dev"}})
    assert tagged.outs == {**plain, "vmSize": "small", "tags": {"stack": "dev"}}
    assert made_room == ["s", ("/c", "big", None), "s", ("/c", "small", {"stack": "dev"})]
    assert capsys.readouterr().out == "gone\n"
    assert provider.diff("/c", CLUSTER, {**CLUSTER, "more": 2}).changes is False
    for other in ({"vmSize": "x"}, {"cluster": "/d"}, {"subscriptionId": "t"}, {"tags": {"a": "b"}}):
        assert provider.diff("/c", CLUSTER, {**CLUSTER, **other}).changes is True
    assert not provider.serialize_as_secret_always and not choice._Provider.serialize_as_secret_always


@pytest.mark.parametrize(
    ("state", "dry", "level"),
    [(State.WARNING, True, "warn"), (State.OK, True, "info"), (State.WARNING, False, ""), (State.OK, False, "")],
)
def test_findings_are_shown_in_previews(
    state: State, dry: bool, level: str, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: dry)
    finding = Finding(check="c", state=state, found="f", fix="x")
    preflight.tell(finding)
    assert told == ([(level, str(finding))] if level else [])
    refused = Finding(check="c", state=State.REFUSED, found="f", fix="x")
    with pytest.raises(pulumi.RunError) as raised:
        preflight.tell(refused)
    assert str(raised.value) == f"this would fail after its machine was paid for: {refused}"


THREE = {"a": {}, "b": {}, "c": {}}


@pytest.mark.parametrize(
    ("parallel", "nodes", "recipe", "jobs"),
    [(2, 4, {}, 3), (3, 4, {}, 0), (None, 4, {}, 0), (1, 4, {"num_nodes_finetune": 2}, 2), (2, 2, {}, 0)],
)
def test_more_room_than_an_update_uses_is_said(
    parallel: int | None, nodes: int, recipe: dict[str, Any], jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.runtime.settings.SETTINGS, "parallel", parallel)
    recipes = {name: {"learning_rate": 0.001 * at} for at, name in enumerate(THREE, 1)}
    found = list(
        preflight.side_by_side(settings(compute={"maxNodes": nodes}, recipe=recipe, recipes=recipes, released="a"))
    )
    if not jobs:
        assert found == []
        return
    (finding,) = found
    assert (finding.check, finding.state, finding.fix) == ("recipes", State.WARNING, f"pulumi up --parallel {jobs}")
    assert finding.found == (
        f"the cluster has room for {jobs} jobs at a time (compute.maxNodes is {nodes}), and an update does {parallel} "
        "things at a time: that many are trained side by side, the others after them"
    )
