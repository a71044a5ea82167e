"""Findings at the line of the stack file that causes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from review.durations import Past
from review.events import PolicyResult, Preview, State, Step
from review.pages.sarif import line_of, sarif
from review.report import build
from review.verdict import Thresholds
from tests.reviews.examples import price_book

ROOT = Path(__file__).resolve().parents[2]
STACK = """\
# A stack.
config:
  finetune-phi:compute:
    # The largest there is.
    vmSize: Standard_NC96ads_A100_v4
    maxNodes: 100
  finetune-phi:serving:
    instances: 4
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("What to do: lower maxNodes under finetune-phi:compute", 6),
        ("set vmSize under finetune-phi:compute or finetune-phi:serving", 5),
        ("set trafficSteps under finetune-phi:serving", 7),
        ("set minNodes under finetune-phi:compute", 3),
        ("give the tag under finetune-phi:tags", 1),
        ("set public_network_access", 1),
    ],
)
def test_a_finding_stands_at_the_setting_it_speaks_of(text: str, line: int) -> None:
    assert line_of(text, STACK.splitlines()) == line


def test_violations_and_risks_are_results_and_annotations(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK, encoding="utf-8")
    message = "gpu-cluster grows to 100\nWhat to do: lower maxNodes under finetune-phi:compute"
    found = [
        PolicyResult("cluster-max-nodes", "p", "mandatory", "medium", "urn::cluster", message),
        PolicyResult("tags-true", "p", "remediated", "low", "urn::cluster", "put right"),
    ]
    account = State({"allowBlobPublicAccess": True}, {})
    step = Step("urn::storage", "azure-native:storage:StorageAccount", "update", State({}, {}), account, "")
    preview = Preview([step], policies=found, finished=True)
    report = build("acme/phi/dev", preview, Past(), price_book(tmp_path / "p.json"), Thresholds())
    made = sarif(report, tmp_path)
    assert made["version"] == "2.1.0"
    told = [
        (one["ruleId"], one["level"], one["locations"][0]["physicalLocation"]["region"]["startLine"])
        for one in made["runs"][0]["results"]
    ]
    assert told == [("cluster-max-nodes", "error", 6), ("review-risk", "error", 1)]
    (tmp_path / "r.sarif").write_text(json.dumps(made), encoding="utf-8")
    script = str(ROOT / ".github" / "scripts" / "annotate")
    done = subprocess.run(
        [sys.executable, script, str(tmp_path / "r.sarif")], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "::error file=Pulumi.dev.yaml,line=6,title=cluster-max-nodes::"
        "cluster: gpu-cluster grows to 100%0AWhat to do: lower maxNodes under finetune-phi:compute"
    )
    assert len(lines) == 2
