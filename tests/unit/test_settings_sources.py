"""Settings are the same for the program and for commands, whatever a stack's file names and wherever its values are."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from settings import stack
from settings.__main__ import main
from settings.stack import Settings, SettingsError, from_pulumi, load

ROOT = stack.ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with nothing but Pulumi.yaml, which everybody takes for the project; Pulumi is not at hand."""
    shutil.copyfile(ROOT / "Pulumi.yaml", tmp_path / "Pulumi.yaml")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def write(project: Path, config: dict[str, Any], **more: Any) -> None:
    config = {"finetune-phi:purgeOnDestroy": True, **config}
    (project / "Pulumi.x.yaml").write_text(yaml.safe_dump({"config": config, **more}))


def running(project: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As the engine gives them: a stack's section whole in place of the project's default, as JSON text."""
    declared = yaml.safe_load((project / "Pulumi.yaml").read_text())["config"]
    values = {
        key if ":" in key else f"finetune-phi:{key}": entry.get("value", entry.get("default"))
        for key, entry in declared.items()
        if "value" in entry or "default" in entry
    }
    values |= yaml.safe_load((project / "Pulumi.x.yaml").read_text())["config"]
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(texts))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "x")
    return from_pulumi()


@pytest.mark.parametrize(
    ("section", "chosen", "key", "value"),
    [
        ("serving", {"health": {"failedPercent": 1}}, "health", {"failedPercent": 1, "latencySeconds": 60}),
        ("serving", {"health": {"failedPercent": 1}}, "trafficSteps", [100]),
        ("serving", {"instances": 2}, "liveness", {"initialDelaySeconds": 600, "failureThreshold": 30}),
        ("serving", {"readiness": {"periodSeconds": 3}}, "readiness", {"initialDelaySeconds": 10, "periodSeconds": 3}),
        ("data", {"cluster": {"maxNodes": 2}}, "cluster", {"vmSize": "Standard_D4s_v3", "maxNodes": 2}),
        ("finetune", {"component": {"version": "0.0.82"}}, "component", {"registry": "azureml", "version": "0.0.82"}),
        ("monitoring", {"latencySeconds": 9}, "budget", {"amount": 0}),
    ],
)
def test_one_key_of_a_section_keeps_the_defaults_of_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch, section: str, chosen: Any, key: str, value: Any
) -> None:
    write(project, {f"finetune-phi:{section}": chosen})
    settings = load("x")
    found = settings.effective()[f"finetune-phi:{section}"][key]
    assert found == value if not isinstance(value, dict) else {name: found[name] for name in value} == value
    assert running(project, monkeypatch) == settings


def test_a_default_changed_in_pulumi_yaml_is_refused_both_ways(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project / "Pulumi.yaml"
    file.write_text(file.read_text().replace("trafficSteps: [100]", "trafficSteps: [10, 100]"))
    write(project, {})
    for read in (lambda: load("x"), lambda: running(project, monkeypatch)):
        with pytest.raises(SettingsError, match=r"is changed in Pulumi\.yaml") as raised:
            read()
        assert [problem.key for problem in raised.value.problems] == ["finetune-phi:serving"]
        assert "put it into Pulumi.x.yaml" in str(raised.value)


def pulumi_says(project: Path, entries: dict[str, Any] | None = None, error: str = "") -> None:
    """Puts a `pulumi` on the path that answers `pulumi config` so, and writes down how it was asked."""
    program = project / "bin" / "pulumi"
    program.parent.mkdir()
    (project / "answer.json").write_text(json.dumps(entries))
    answer = f"echo '{error}' >&2; exit 255" if error else f"exec /bin/cat {project}/answer.json"
    program.write_text(f'#!/bin/sh\necho "$@" > {project}/asked\n{answer}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def entry(value: Any, secret: bool = False) -> dict[str, Any]:
    return {"value": value if isinstance(value, str) else json.dumps(value), "secret": secret}


ENVIRONMENT = {
    "finetune-phi:purgeOnDestroy": entry("true"),
    "finetune-phi:suffix": entry("fromes"),
    "finetune-phi:serving": entry({"instances": 3}),
    "aws:secretKey": entry("another's", secret=True),
}


def test_an_environment_is_asked_of_pulumi(project: Path) -> None:
    pulumi_says(project, ENVIRONMENT)
    write(project, {}, environment=["shared"])
    settings = load("acme/finetune-phi/x")
    assert (settings.suffix, settings.serving.instances, settings.serving.soak_seconds) == ("fromes", 3, 0)
    asked = (project / "asked").read_text().strip()
    assert asked == "config --json --show-secrets --non-interactive --stack acme/finetune-phi/x"


def test_a_secret_is_asked_of_pulumi_and_not_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = {"finetune-phi:purgeOnDestroy": entry("true")}
    pulumi_says(project, {**secret, "finetune-phi:monitoring": entry({"email": "me@example.org"}, secret=True)})
    write(project, {"finetune-phi:monitoring": {"email": {"secure": "v1:abc"}}})
    assert load("x").monitoring.email == "me@example.org"
    main(["--stack", "x"])
    assert yaml.safe_load(capsys.readouterr().out)["finetune-phi:monitoring"] == "[secret]"


def test_a_secret_that_is_wrong_is_not_shown_either(project: Path) -> None:
    pulumi_says(project, {"finetune-phi:monitoring": entry({"email": "hunter2"}, secret=True)})
    write(project, {"finetune-phi:monitoring": {"email": {"secure": "v1:abc"}}})
    with pytest.raises(SettingsError, match=r"finetune-phi:monitoring.email = \[secret\]\n.*e-mail address") as raised:
        load("x")
    assert "hunter2" not in str(raised.value)


def test_pulumi_is_not_asked_where_the_file_is_enough(project: Path) -> None:
    pulumi_says(project, ENVIRONMENT)
    write(project, {"finetune-phi:suffix": "abc123", "azure-native:clientSecret": {"secure": "v1:abc"}})
    assert load("x").suffix == "abc123"
    assert not (project / "asked").exists()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ({"environment": ["shared"]}, "takes values from `environment:`"),
        ({"finetune-phi:name": {"secure": "v1:abc"}}, "holds finetune-phi:name encrypted"),
    ],
)
def test_what_only_pulumi_can_read_is_never_left_out(project: Path, file: dict[str, Any], reason: str) -> None:
    environment = {key: file[key] for key in file if key == "environment"}
    write(project, {key: file[key] for key in file if key != "environment"}, **environment)
    with pytest.raises(SettingsError, match=f"{reason}; that takes Pulumi to read") as raised:
        load("x")
    assert "make setup" in str(raised.value)
    pulumi_says(project, error="error: no stack named x found")
    with pytest.raises(SettingsError, match=f"{reason}; `pulumi config` says: no stack named x found") as raised:
        load("x")
    assert "pulumi stack init x" in str(raised.value)
