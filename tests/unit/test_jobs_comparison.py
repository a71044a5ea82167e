"""`python -m jobs compare`: the recipes of a stack side by side, by what their jobs have logged, took and cost."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arm_fake import install
from status_azure import A100, MLFLOW, NOW, STACK, Azure, book, printed
from test_jobs_specs import FINETUNE, RELEASE

from cloud.services.mlflow import Point
from jobs.choosing.spec import ChoiceSpec
from jobs.comparison import files, gather, table
from jobs.comparison.recipes import Comparison, Row
from jobs.evaluation.result import Losses
from jobs.stage_specs import StageSpecs
from jobs.status import stages
from jobs.status.reader import Reader
from jobs.status.status import Deployment, Status
from settings.stack import Settings
from tests.changing import changed

GENTLE = changed(FINETUNE, recipe_name="gentle", recipe={"learning_rate": 1e-5})
BOLD = changed(FINETUNE, recipe_name="bold", recipe={"learning_rate": 1e-4})
SPECS = StageSpecs(
    dataset=dataclasses.replace(STACK.stages.dataset, target=FINETUNE.target),  # type: ignore[union-attr]
    finetunes=(GENTLE, BOLD),
    releases={
        each.recipe_name: changed(RELEASE, model_version=each.model_version, model_fingerprint=each.fingerprint)
        for each in (GENTLE, BOLD)
    },
    choice=ChoiceSpec(
        target=FINETUNE.target,
        model_name=RELEASE.model_name,
        metric="eval_loss",
        candidates={"gentle": GENTLE.fingerprint, "bold": BOLD.fingerprint},
        lengths={},
    ),
)
SETTINGS = Settings.model_validate(
    {
        "purgeOnDestroy": True,
        "recipes": {"gentle": {"learning_rate": 1e-5}, "bold": {"learning_rate": 1e-4, "apply_lora": True}},
        "released": "best",
    }
)


class Logged(Azure):
    """Whose jobs have logged `curves`, by the job's name and the metric's, and `last` values beside them."""

    curves: dict[tuple[str, str], list[float]]
    last: dict[str, dict[str, float]]

    def __call__(self, request: Any, *, stream: bool = False) -> Any:
        url = urlsplit(request.url)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path.endswith("/metrics/get-history"):
            values = self.curves.get((query["run_id"], query["metric_key"]), [])
            points = [{"key": "k", "value": value, "step": str(10 * at)} for at, value in enumerate(values, 1)]
            self.get(f"https://{url.netloc}{url.path}", {"metrics": points})
        elif url.path.endswith("/runs/get"):
            run = query["run_id"]
            values = {key: values[-1] for (name, key), values in self.curves.items() if name == run}
            logged = [{"key": key, "value": value} for key, value in {**values, **self.last.get(run, {})}.items()]
            self.get(f"https://{url.netloc}{url.path}", {"run": {"data": {"metrics": logged}}})
        return super().__call__(request, stream=stream)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Logged:
    """Both are trained: the bold one in half the time, at the second attempt, and to a lower loss that rose again."""
    monkeypatch.chdir(tmp_path)  # where there are no data
    fake = install(monkeypatch)
    fake.__class__ = Logged
    assert isinstance(fake, Logged)
    fake.jobs, fake.deployments, fake.traffic, fake.series, fake.blind = [], [], {}, ([], [], []), False
    workspace = STACK.target.path
    fake.get(
        workspace, {"properties": {"mlFlowTrackingUri": f"azureml://eastus2.api.azureml.ms/mlflow/v1.0{workspace}"}}
    )
    for name, status, began, ended in (
        (GENTLE.job_name(1), "Completed", 8, 4),
        (BOLD.job_name(1), "Failed", 8, 7.5),
        (BOLD.job_name(2), "Completed", 7, 5),
    ):
        fingerprint = name.split("-")[1]
        fake.job(name, status, began, ended=ended, machine=A100)
        fake.jobs[-1]["properties"]["tags"]["fingerprint"] = fingerprint
    fake.curves = {
        (GENTLE.job_name(1), "loss"): [4.0, 3.0],
        (GENTLE.job_name(1), "eval_loss"): [3.5, 3.25],
        (BOLD.job_name(2), "loss"): [4.0, 1.5],
        (BOLD.job_name(2), "eval_loss"): [2.5, 3.0],
    }
    golden = {"golden_score": 0.75, "golden_score_low": 0.4, "golden_score_high": 0.9}
    fake.last = {BOLD.job_name(2): golden}
    return fake


def look(tmp_path: Path) -> tuple[Status, Comparison]:
    status = Reader(dataclasses.replace(STACK, stages=SPECS), book(tmp_path), lambda: NOW).read()
    return status, gather.compare(status, SPECS, SETTINGS)


def test_each_recipe_is_a_row_with_what_its_jobs_have_logged_took_and_cost(azure: Logged, tmp_path: Path) -> None:
    _, found = look(tmp_path)
    gentle, bold = (table.cells(row) for row in found.rows)
    # The made-up price is 4 USD an hour; the failed attempt is paid for, too.
    assert gentle[4:9] == ["4.000 → 3.000", "3.250", "", "4 h", "16.00"]
    assert bold[4:9] == [
        "4.000 → 1.500",
        "3.000 (lowest 2.500 at step 10)",
        "0.75 (0.40 to 0.90)",
        "2 h 30 min",
        "10.00",
    ]
    assert gentle[9] == "84 GB (estimate)" and bold[9] == "39 GB (estimate)"
    assert (gentle[1], bold[1]) == ("learning_rate=1e-05", "apply_lora=true, learning_rate=0.0001")
    assert [row.job for row in found.rows] == [GENTLE.job_name(1), BOLD.job_name(2)]
    assert found.remarks == (gather.ESTIMATED,)


def test_the_best_one_is_marked_as_it_is_released(azure: Logged, tmp_path: Path) -> None:
    status, found = look(tmp_path)
    assert status.recipe == "bold"
    assert [(row.recipe, row.released) for row in found.rows] == [("gentle", False), ("bold", True)]
    assert table.cells(found.rows[1])[0] == "bold (released)"
    assert [(stage.name, stage.state) for stage in status.stages] == [
        ("dataset", "to do"),
        ("finetune-gentle", "registering"),
        ("finetune-bold", "registering"),
        ("release", "to do"),
    ]


@pytest.mark.parametrize(("version", "state"), [("2", "done"), ("1", "to do")])
def test_in_service_is_the_best_ones_version_under_whatever_name(version: str, state: str) -> None:
    release = SPECS.releases["bold"]
    serving = Deployment(
        name="m0",
        state="Succeeded",
        traffic=100,
        model=f"{release.model_name}:{version}",
        vm_size=release.serving.vm_size,
        count=3,
        since=None,
    )
    registered = {GENTLE.fingerprint: "1", BOLD.fingerprint: "2"}
    *_, last = stages.of_stack(SPECS, "bold", True, registered, [], [serving], None)
    assert (last.name, last.state) == ("release", state)


def test_while_one_is_not_trained_nobody_knows_the_best(azure: Logged, tmp_path: Path) -> None:
    azure.jobs[0]["properties"]["status"] = "Running"
    status, found = look(tmp_path)
    assert status.recipe is None and not any(row.released for row in found.rows)
    assert (status.stages[1].state, status.stages[3].state) == ("running", "to do")
    assert status.stages[3].detail == "of the best, once all recipes are trained"
    live: Any = SimpleNamespace(short_model=f"{GENTLE.finetune.model_name}:{GENTLE.model_version}", traffic=100)
    found = gather.compare(dataclasses.replace(status, deployments=(live,)), SPECS, SETTINGS)
    assert [(row.recipe, row.released) for row in found.rows] == [("gentle", True), ("bold", False)], "until then"


def test_what_azure_does_not_answer_is_said(azure: Logged, tmp_path: Path) -> None:
    status, _ = look(tmp_path)
    azure.refuse("GET", f"{MLFLOW}/runs/get", 403, "Forbidden", "not yours")
    azure.__class__ = Azure
    azure.refuse("GET", f"{MLFLOW}/metrics/get-history", 403, "Forbidden", "not yours")
    found = gather.compare(status, SPECS, SETTINGS)
    assert [told.partition(" (")[0] for told in found.not_read] == [
        f"Not read just now: what {name} has logged" for name in (GENTLE.job_name(1), BOLD.job_name(2))
    ]
    assert table.cells(found.rows[0])[4:6] == ["", ""]


def test_losses_over_other_tokens_are_said_not_to_compare(azure: Logged, tmp_path: Path) -> None:
    status, _ = look(tmp_path)
    own = {"gentle": {"learning_rate": 1e-5}, "bold": {"max_seq_length": 512}}
    settings = Settings.model_validate({"purgeOnDestroy": True, "recipes": own, "released": "gentle"})
    remark, _ = gather.compare(status, SPECS, settings).remarks
    assert remark.startswith("The held-out losses do not compare")


def test_it_is_written_as_page_markdown_json_and_pictures(azure: Logged, tmp_path: Path) -> None:
    _, found = look(tmp_path)
    (tmp_path / "out").mkdir()
    written = files.write(found, tmp_path / "out")
    names = ["recipes.md", "recipes.html", "recipes.json", "held-out-loss.svg", "training-loss.svg"]
    assert [path.name for path in written] == names
    texts = {path.name: path.read_text() for path in written}
    assert (
        "| bold (released) | " in texts["recipes.md"]
        and "![Loss on the held-out data](held-out-loss.svg)" in texts["recipes.md"]
    )
    assert "<strong>bold (released)</strong>" in texts["recipes.html"]
    assert "<script" not in texts["recipes.html"] and "http://" not in texts["recipes.html"].replace(
        "http://www.w3.org", ""
    )
    for name in ("gentle", "bold"):
        assert name in texts["held-out-loss.svg"]
    told = json.loads(texts["recipes.json"])["recipes"]
    assert (told[1]["held_out_loss"], told[1]["best_held_out_loss"]) == (3.0, {"step": 10, "value": 2.5})
    assert told[1]["golden"] == {"score": 0.75, "low": 0.4, "high": 0.9} and told[0]["golden"] is None
    assert "Recipes of stack dev" in printed(table.view(found), 200)


def test_of_very_many_the_best_and_the_released_one_are_drawn(tmp_path: Path) -> None:
    def row(at: int) -> Row:
        # The later ones are better; the last has no number, and another has logged nothing.
        value = math.nan if at == 19 else 9 - at / 10
        points = () if at == 18 else (Point(9.0, 1, 0.0), Point(value, 2, 1.0))
        shown = {"model": "phi:1", "state": "done", "released": at == 0}
        return Row(recipe=f"run-{at:02}", losses=Losses(training=points, held_out=points), **shown)  # type: ignore[arg-type]

    found = Comparison(stack="dev", at=NOW, rows=tuple(map(row, range(20))))
    assert [each.recipe for each in files.drawn(found)] == ["run-00", *(f"run-{at:02}" for at in range(7, 18))]
    page, text, *_ = (path.read_text() for path in files.write(found, tmp_path))
    for told in (page, text):
        assert "(of the 12 with the lowest on the held-out data, the released one among them)" in told
    picture = (tmp_path / "held-out-loss.svg").read_text()
    assert "run-17" in picture and "run-06" not in picture
    assert 'viewBox="0 0 1100 300"' in picture, "so many names need the width of the page"
    few = dataclasses.replace(found, rows=found.rows[:6])
    assert files.drawn(few) == list(few.rows)
    drawn = files.pictures(few)["held-out-loss"]
    assert 'viewBox="0 0 440 300"' in drawn
    colours = re.findall(r"\.color-\d a:visited\{stroke:(#[0-9a-f]{6});", drawn)
    assert len(set(colours)) == len(few.rows), "each curve in a colour of its own"


def test_pictures_of_nothing_are_not_drawn(azure: Logged, tmp_path: Path) -> None:
    _, found = look(tmp_path)
    (tmp_path / "training-loss.svg").write_text("of before")
    bare = dataclasses.replace(
        found, rows=tuple(dataclasses.replace(row, losses=type(row.losses)()) for row in found.rows)
    )
    assert files.pictures(bare) == {}
    files.write(bare, tmp_path)
    assert not (tmp_path / "training-loss.svg").exists()
