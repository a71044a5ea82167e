"""Every command works where the program works: in the subscription, the group and the workspace of the stack's file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

import settings.stack
from cloud import credentials
from cloud.place import Place, described
from cloud.target import Target
from data_prep import DataError
from data_prep.__main__ import _parser, _request
from jobs import specs
from jobs.status.stack import Stack
from settings.naming import Names, Origin
from settings.stack import SettingsError, load

MINE, OTHER = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000b2"
STACK = "org/finetune-phi/team"


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stack `team` names its subscription, and whose environment names another."""
    shutil.copyfile(settings.stack.ROOT / "Pulumi.yaml", tmp_path / "Pulumi.yaml")
    monkeypatch.setattr(settings.stack, "ROOT", tmp_path)
    monkeypatch.setattr(credentials, "_environment", {})
    for name in ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"):
        monkeypatch.setenv(name, MINE)
    path = tmp_path / "Pulumi.team.yaml"
    write(path, {"azure-native:subscriptionId": OTHER})
    return path


def write(path: Path, more: dict[str, object]) -> None:
    config = {"finetune-phi:purgeOnDestroy": False, "finetune-phi:suffix": "abc123"}
    config |= {"finetune-phi:data": {"source": "azureml:chats:3"}}  # type: ignore[dict-item]
    path.write_text(yaml.safe_dump({"config": config | more}))


def target(subscription: str) -> Target:
    names = Names.of("phi", "team", subscription, "abc123")
    return Target(subscription, names.resource_group, names.workspace)


def test_the_subscription_of_the_stack_file_is_where_commands_look(stack_file: Path) -> None:
    assert described(STACK)[1].workspace == target(OTHER)
    assert specs.preflight_of(STACK).subscription_id == OTHER
    assert Stack.of(STACK).target == target(OTHER)
    write(stack_file, {})
    assert described(STACK)[1].workspace == Stack.of(STACK).target == target(MINE)


@pytest.mark.parametrize("more", ({"azure-native:subscriptionId": OTHER}, {}))
def test_a_data_asset_is_looked_up_in_the_workspace_of_the_stack(stack_file: Path, more: dict[str, object]) -> None:
    write(stack_file, more)
    _, workspace = _request(_parser().parse_args(["--stack", STACK]))
    expected = target(OTHER if more else MINE)
    assert workspace is not None
    found = (workspace.subscription_id, workspace.resource_group, workspace.name)
    assert found == (expected.subscription_id, expected.resource_group, expected.workspace)


def test_another_source_needs_no_subscription(stack_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(stack_file, {})
    for name in ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(credentials.shutil, "which", lambda name: None)
    _, workspace = _request(_parser().parse_args(["--stack", STACK, "--source", "sample"]))
    assert workspace is None
    with pytest.raises(DataError, match=r"chats:3 needs a workspace, and no subscription is.*Set ARM_SUBSCRIPTION_ID"):
        _request(_parser().parse_args(["--stack", STACK]))


def test_a_pattern_that_the_stacks_first_name_does_not_fit_is_told(stack_file: Path) -> None:
    write(stack_file, {"finetune-phi:names": {"pattern": "{kind}-{project}-{stack}"}})
    settings = load(STACK)
    assert Place.of(settings, "team", MINE).names.key_vault == "kv-phi-team"
    assert Place.of(settings, "team", MINE, Origin("first", OTHER)).names.key_vault == "kv-phi-first"
    with pytest.raises(SettingsError, match=r"names\.keyVault.*kv-phi-the-whole-of-europe") as refused:
        Place.of(settings, "team", MINE, Origin("the-whole-of-europe", MINE))
    assert "(the stack was made as the-whole-of-europe)" in str(refused.value)


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CLI that answers what the file beside it holds: its exit code, then what it says."""
    cli = tmp_path / "bin" / "pulumi"
    cli.parent.mkdir()
    said = tmp_path / "said"
    cli.write_text(f"#!/bin/sh\n. {said}\n")
    cli.chmod(0o700)
    monkeypatch.setenv("PATH", str(cli.parent), prepend=":")
    return said


STATE = {
    "deployment": {
        "resources": [
            {"urn": "urn:pulumi:team::finetune-phi::pulumi:pulumi:Stack::finetune-phi-team"},
            {
                "urn": "urn:pulumi:team::finetune-phi::finetune-phi:infra:Preflight$pulumi:index:Stash::preflight",
                "outputs": {"output": {"stack": "first", "subscription_id": OTHER}},
            },
        ]
    }
}


def test_commands_read_what_a_renamed_stack_was_made_as(
    stack_file: Path, pulumi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Names.of("phi", "first", OTHER, "abc123")
    pulumi.write_text(f"echo '{json.dumps(STATE)}'")
    assert described(STACK)[1].workspace == Target(OTHER, first.resource_group, first.workspace)
    assert Stack.of(STACK).endpoint == first.endpoint
    assert capsys.readouterr().err == ""
    # Before the first update, and before anybody is logged in, there is nothing to remember.
    for said in ("no stack named 'team' found", "PULUMI_ACCESS_TOKEN must be set for login"):
        pulumi.write_text(f'echo "error: {said}" >&2; exit 255')
        assert described(STACK)[1].workspace == target(OTHER)
        assert capsys.readouterr().err == ""
    for answer in ("echo error: getting secrets manager: passphrase >&2; exit 255", "echo nothing", "echo '[]'"):
        pulumi.write_text(answer)
        assert described(STACK)[1].workspace == target(OTHER)
        assert "the state of stack org/finetune-phi/team could not be read" in capsys.readouterr().err, answer
