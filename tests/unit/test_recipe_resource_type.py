"""The recipe of CONTRIBUTING.md for a new resource type, done in a copy of the packages that read the catalogue."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TYPE = "azure-native:appconfiguration:ConfigurationStore"
STORE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.AppConfiguration/configurationStores/appcs-phi-dev-1"

ASKED = """
import json, sys
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyResourceOptions
import cloud.arm
from cloud.adoption import azure_id
from infra.lifecycle.protection import STATEFUL
from infra.purge import PURGED_AFTERWARDS
from jobs.preflight.subscription import NAMESPACES
from policy.pack import RULES
from policy.subject import Member, Stack
from review.cost import cost
from review.durations import Past
from review.events import Preview, State, Step
from review.risks import risks
from settings.naming import Names

TYPE = "azure-native:appconfiguration:ConfigurationStore"
inputs = {"resourceGroupName": "rg", "configStoreName": "appcs-phi-dev-1", "location": "moon",
          "publicNetworkAccess": "Enabled"}
sent = []

class Arm:
    def run(self, method, path, query, **how):
        sent.append([method, path, dict(query)])

cloud.arm.Arm = Arm
from cloud.removal.purge import purge

names = Names.of("phi", "dev", "s", "one")
urn = f"urn:pulumi:dev::p::{TYPE}::store"
options = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
member = Member(type=TYPE, name="store", urn=urn, inputs=inputs, options=options)
broken = []
for rule in RULES:
    config = rule.config({})
    if rule.stack_check:
        broken += [rule.name for _, on in rule.stack_check(Stack([member]), config) if on]
    elif TYPE in rule.types:
        broken += [rule.name for _ in rule.check(member, config)]
step = Step(urn, TYPE, "replace", State(inputs, {}), State({**inputs, "configStoreName": "other"}, {}), "")
print(json.dumps({
    "recover": azure_id(TYPE, inputs, "s"),
    "purge": [*purge("s", "eastus2", "rg", {"stores": ["appcs-phi-dev-1"]}, print), *sent],
    "at a destroy": "stores" in PURGED_AFTERWARDS,
    "names": names.soft_deleted()["stores"],
    "protected": TYPE in STATEFUL,
    "preflight": "Microsoft.AppConfiguration" in NAMESPACES,
    "policies": broken,
    "risks": [str(risk) for risk in risks(Preview([step]))],
    "paid by use": cost(Preview([step]), Past(), None).by_use,
}))
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the parts say of a type that is only a row of the catalogue and a name."""
    copy = tmp_path_factory.mktemp("with-another-type")
    for package in ("settings", "cloud", "infra", "jobs", "policy", "review", "data_prep", "chat", "flow"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / file, copy)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text.partition("\n## Add a resource type\n")[2].partition("\n## ")[0]
    row, name = re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)
    _put(copy / "cloud" / "catalogue.py", row, before="\nCATALOGUE = ")
    _put(copy / "settings" / "naming.py", name, before="\n    def __post_init__")
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _put(file: Path, lines: str, before: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, f"\n{lines}{before}"), encoding="utf-8")


def test_recover_knows_its_id(known: Any) -> None:
    assert known["recover"] == STORE


def test_purge_frees_its_name_by_hand_and_at_a_destroy(known: Any) -> None:
    deleted = (
        "/subscriptions/s/providers/Microsoft.AppConfiguration/locations/eastus2"
        "/deletedConfigurationStores/appcs-phi-dev-1/purge"
    )
    assert known["purge"] == ["store appcs-phi-dev-1: purged", ["POST", deleted, {"api-version": "2024-05-01"}]]
    assert known["at a destroy"] is True
    assert known["names"] == ["appcs-phi-dev-one"]


def test_it_is_protected_and_its_provider_is_asked_for(known: Any) -> None:
    assert known["protected"] is known["preflight"] is True


def test_policies_look_at_it(known: Any) -> None:
    """In another region, with a name that does not tell its stack, without tags, logs, a private endpoint and a reason
    to be reached.
    """
    assert sorted(known["policies"]) == [
        "allowed-locations",
        "diagnostics-on",
        "names-by-convention",
        "private-endpoints",
        "public-with-reason",
        "stateful-protected",
        "tags-present",
    ]


def test_reviews_have_words_for_it(known: Any) -> None:
    assert known["risks"] == [
        "configuration store other is replaced, and its settings with it. A new, empty one takes its place",
        # Until review/known/ has a row for each of its inputs.
        "configuration store other: this review does not know what a azure-native:appconfiguration:ConfigurationStore "
        "is, opens or costs",
        "configuration store other gets a new name: appcs-phi-dev-1 → other; whoever uses the old one has to follow",
        "configuration store other gets a new one of its access keys; copies of the old one stop working",
        "configuration store other: its old name stays taken, as Azure keeps it soft-deleted for days",
    ]
    assert known["paid by use"] == ["configuration store other"]
