"""The recipe of CONTRIBUTING.md for a new setting, done in a copy of the packages that read the settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = (
    *("settings", "cloud", "jobs", "data_prep", "chat", "flow", "infra", "policy", "review"),
    *("documentation", "emulator", "toolchain", "golden"),
)
DEPLOYED = """
import json, threading
from unittest import mock
from cloud.place import Place
from jobs import specs
from jobs.release.deployments import Endpoint
from settings.stack import load

def spec(stack):
    settings = load(stack)
    return specs.specs(settings, Place.of(settings, "dev", "00000000-0000-4000-8000-0000000000a1"), "0" * 12).release

chosen, client = spec("new"), mock.Mock()
# What the engine keeps of it, and gives to the stage's hook.
kept = type(chosen).from_inputs(json.loads(json.dumps(chosen.to_inputs())))
endpoint = Endpoint(client=client, spec=kept, report=print, stop=threading.Event())
endpoint.begin("m1", "azureml:m:1", {})
(deployment,) = client.online_deployments.begin_create_or_update.call_args.args
as_before = chosen.fingerprint == spec("dev").fingerprint
print(json.dumps({"sent": deployment.environment_variables, "as before": as_before}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages with one more key, one line that uses it, and what is made from it."""
    copy = tmp_path_factory.mktemp("with-another-setting")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*ROOT.glob("Pulumi*.yaml"), ROOT / "__main__.py"):
        shutil.copy(file, copy)
    (copy / "docs").mkdir()
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text.partition("\n## Add a setting\n")[2].partition("\n## ")[0]
    declared, used = re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)
    _put(copy / "settings" / "sections" / "serving.py", declared, below='"""what a new deployment is asked before')
    _put(copy / "jobs" / "release" / "deployments.py", used, below="tags=tags,\n        )")
    run(copy, "-m", "documentation")  # make diagram
    _write(copy, 7)
    return copy


def _put(file: Path, lines: str, below: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(below) == 1
    end = text.index("\n", text.index(below) + len(below)) + 1
    file.write_text(text[:end] + lines + text[end:], encoding="utf-8")


def _write(copy: Path, seconds: Any) -> dict[str, Any]:
    """The stack `new`: dev, with another value of the key."""
    stack: dict[str, Any] = yaml.safe_load((copy / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    stack["config"]["finetune-phi:serving"]["madeUpSeconds"] = seconds
    (copy / "Pulumi.new.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    return stack


def run(copy: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_pulumi_yaml_declares_it(copy: Path) -> None:
    serving = yaml.safe_load((copy / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]["serving"]
    assert serving["default"]["madeUpSeconds"] == 5
    assert re.search(
        r"^  madeUpSeconds +integer  how long the made-up part of a deployment may take \(0 to 600\)$",
        serving["description"],
        re.MULTILINE,
    )


def test_the_page_has_it(copy: Path) -> None:
    row = "| `madeUpSeconds` | integer, 0 to 600 | `5` |  |  |  | how long the made-up part of a deployment may take |"
    assert row in (copy / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (600, True), (601, False), (-1, False), ("soon", False)])
def test_editors_know_its_range(copy: Path, seconds: Any, taken: bool) -> None:
    schema = json.loads((copy / "settings" / "stack.schema.json").read_text(encoding="utf-8"))
    stack = {"config": {"purgeOnDestroy": True, "finetune-phi:serving": {"madeUpSeconds": seconds}}}
    assert Draft202012Validator(schema).is_valid(stack) is taken


def test_it_is_printed_and_reaches_a_deployment_and_makes_no_new_one(copy: Path) -> None:
    printed = json.loads(run(copy, "-m", "settings", "--stack", "new", "--json"))
    assert printed["finetune-phi:serving"]["madeUpSeconds"] == 7
    *_, told = run(copy, "-c", DEPLOYED).splitlines()
    assert json.loads(told) == {"sent": {"MADE_UP_SECONDS": "7"}, "as before": True}


def test_out_of_range_it_is_refused_with_a_remedy(copy: Path) -> None:
    _write(copy, 601)
    told = run(copy, "-m", "settings", "--stack", "new", code=1)
    _write(copy, 7)
    assert "finetune-phi:serving.madeUpSeconds = 601\n      must be 600 or less\n" in told
    assert "fix: for example: pulumi config set --path 'finetune-phi:serving.madeUpSeconds' 5 --stack new" in told
