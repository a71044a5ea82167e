"""The commands evaluate and preflight: what they print, write and log, and with which code they end."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from evaluation_made import WHOLE
from preflight_asked import SPEC
from status_azure import STACK

from cloud.errors import StageError
from cloud.services.prices import PriceBook
from jobs import __main__ as cli
from jobs import specs
from jobs.evaluation import files, gather
from jobs.evaluation.result import Evaluation
from jobs.preflight import findings, grants, limits, memory
from jobs.preflight import run as checks
from jobs.preflight.findings import Finding
from jobs.status.stack import Stack
from settings.sections.evaluation import EvaluationSettings

GOOD = dataclasses.replace(
    WHOLE,
    settings=EvaluationSettings(minimumScore=0.5, maximumDrop=1),
    candidates=WHOLE.candidates[:2],  # type: ignore[call-arg]
)


class Book(PriceBook):
    closed = False

    def close(self) -> None:
        self.closed = True


@dataclasses.dataclass
class Judged:
    """What was found, and what became of it."""

    found: Evaluation
    book: Book
    minimum: Any = None
    logged: list[Any] = dataclasses.field(default_factory=list)
    refuses: StageError | None = None

    def evaluate(self, stack: Stack, book: PriceBook, report: Any, stop: Any, minimum: float | None) -> Evaluation:
        assert stack is STACK and book is self.book and not stop.is_set()
        report("asking")
        self.minimum = minimum
        return self.found

    def log(self, stack: Stack, found: Evaluation) -> None:
        assert stack is STACK
        if self.refuses:
            raise self.refuses
        self.logged.append(found)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Judged:
    made = Judged(GOOD, Book(tmp_path / "p.json"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Stack, "of", lambda name: STACK if name == "dev" else None)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: made.book if name == "dev" else None)
    monkeypatch.setattr(gather, "evaluate", made.evaluate)
    monkeypatch.setattr(gather, "log", made.log)
    return made


NAMES = [
    f".evaluation/dev/{name}"
    for name in ("evaluation.md", "evaluation.html", "evaluation.json", "loss.svg", "score.svg", "latency.svg")
]
LOGGED = f"logged on run finetune-1-2: {', '.join(GOOD.metrics())}"


def test_a_good_model_is_told_of_and_logged(judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["evaluate", "--stack", "dev"])
    out, err = capsys.readouterr()
    assert out == f"{files.markdown(GOOD, [])}\nWritten: {', '.join(NAMES)}\n"
    assert err.splitlines() == ["asking", LOGGED]
    assert judged.logged == [GOOD] and judged.book.closed and judged.minimum is None
    cli.main(["evaluate", "--stack", "dev", "--json", "--min-score", "0.25"])
    out, err = capsys.readouterr()
    assert json.loads(out) == json.loads(json.dumps(GOOD.to_json())) and judged.minimum == 0.25
    assert json.loads(Path(NAMES[2]).read_text(encoding="utf-8")) == json.loads(out)


def test_a_bad_one_ends_the_command_with_1(judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    judged.found = dataclasses.replace(GOOD, candidates=(), questions=2)
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "--stack", "dev"])
    assert ended.value.code == "not good enough: the fine-tuned model was not asked, so its score is not known"
    assert judged.logged == [], "of nobody there is nothing to log"
    judged.found = dataclasses.replace(WHOLE, job="")
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "--stack", "dev"])
    assert ended.value.code == f"not good enough: {'; '.join(WHOLE.problems)}" and judged.logged == []
    judged.refuses = StageError("the scores could not be logged", on="run x", why="no", todo="Again.")
    judged.found = GOOD
    capsys.readouterr()
    cli.main(["evaluate", "--stack", "dev"])
    assert capsys.readouterr().err.splitlines()[-1] == f"warning: {judged.refuses}"


@pytest.mark.parametrize(("unclear", "code"), [("pass", None), ("fail", 3)])
def test_what_cannot_be_told_is_an_end_of_its_own(
    judged: Judged, unclear: str, code: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    own = EvaluationSettings(minimumScore=0.5, maximumDrop=0.2, unclear=unclear)  # type: ignore[call-arg]
    judged.found = dataclasses.replace(WHOLE, settings=own)
    assert judged.found.unclear and not judged.found.problems
    if code:
        with pytest.raises(SystemExit) as ended:
            cli.main(["evaluate", "--stack", "dev"])
        assert ended.value.code == code
        assert capsys.readouterr().err.splitlines()[-1] == judged.found.unclear
    else:
        cli.main(["evaluate", "--stack", "dev"])
        assert judged.found.unclear not in capsys.readouterr().err


OK = Finding(check="subscription", state=findings.State.OK, found="it is enabled")
BAD = Finding(check="quota", state=findings.State.REFUSED, found="too little")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the checks of Azure find; memory and limits find something of their own."""
    found = [OK]
    missing = [SimpleNamespace(role="Reader")]
    monkeypatch.setattr(specs, "preflight_of", lambda stack: SPEC if stack == "dev" else None)
    monkeypatch.setattr("settings.stack.load", lambda stack: "settings" if stack == "dev" else None)
    monkeypatch.setattr(checks, "check", lambda spec: found if spec is SPEC else [])
    of_settings = {"memory": Finding(check="memory", state=findings.State.WARNING, found="tight"), "limits": OK}
    monkeypatch.setattr(memory, "fits", lambda settings: [of_settings["memory"]] if settings == "settings" else [])
    monkeypatch.setattr(limits, "told", lambda settings: [of_settings["limits"]] if settings == "settings" else [])
    monkeypatch.setattr(grants, "missing", lambda arm, wanted: missing if wanted == (*SPEC.grants, *SPEC.team) else [])
    monkeypatch.setattr(grants, "az_lines", lambda absent: ["az one", "az two"] if absent is missing else [])
    monkeypatch.setattr(grants, "bicep", lambda absent: "resource x" if absent is missing else "")
    return found


def test_a_preflight_says_what_was_found_and_what_others_have_to_grant(
    checked: list[Finding], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["preflight", "--stack", "dev"])
    out = capsys.readouterr().out.splitlines()
    assert out[0].strip() == "Preflight of stack dev, subscription s"
    assert out[-4:] == [
        "Assignments that others have to make, as az lines, then as Bicep:",
        "az one",
        "az two",
        "resource x",
    ]
    assert all(any(word in line for line in out) for word in ("it is enabled", "tight"))
    monkeypatch.setattr(grants, "missing", lambda *_: [])
    cli.main(["preflight", "--stack", "dev"])
    assert "Assignments" not in capsys.readouterr().out


def test_a_preflight_that_refuses_ends_with_1(checked: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["preflight", "--stack", "dev", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["stack"], told["refused"], [each["check"] for each in told["findings"]]) == (
        "dev",
        False,
        ["subscription", "memory", "subscription"],
    )
    checked.append(BAD)
    with pytest.raises(SystemExit) as ended:
        cli.main(["preflight", "--stack", "dev", "--json"])
    assert ended.value.code == 1 and json.loads(capsys.readouterr().out)["refused"] is True
    with pytest.raises(SystemExit) as ended:
        cli.main(["preflight", "--stack", "dev"])
    assert ended.value.code == 1


def test_a_stack_is_told_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from test_jobs_stage_inputs import SUBSCRIPTION, stack

    from cloud import place
    from cloud.target import Target
    from data_prep import DataError
    from jobs.promotion import found as promotion

    settings, where = stack()
    monkeypatch.undo()
    monkeypatch.setattr(place, "described", lambda name: (settings, where) if name == "team" else None)
    monkeypatch.setattr(specs, "dataset_version", lambda own: "0123456789ab" if own is settings else "")
    monkeypatch.setattr(promotion, "proved", lambda *given: None if given == (settings, where) else "wrong")
    found = Stack.of("team")
    assert dataclasses.replace(found, stages=None) == Stack(
        name="team",
        target=Target(SUBSCRIPTION, "rg-chat-team-abc123", "mlw-chat-team-abc123"),
        location="swedencentral",
        endpoint="chat-team-abc123",
        model_name="tuned",
        cluster_size="Standard_NC64as_T4_v3",
        data_cluster_size="Standard_D8s_v3",
        hourly_price=0,
        carbon_intensity=0,
        request_timeout_seconds=26,
        system_prompt="",
        evaluation=settings.evaluation,
        hours="",
        stages=None,
    )
    assert found.stages == specs.specs(settings, where, "0123456789ab")
    assert found.endpoint_path.endswith("/workspaces/mlw-chat-team-abc123/onlineEndpoints/chat-team-abc123")
    update = {
        "compute": settings.compute.model_copy(update={"hourly_price": 3.0, "carbon_intensity": 400.0}),
        "flow": settings.flow.model_copy(update={"system_prompt": "Be brief."}),
        "serving": settings.serving.model_copy(update={"hours": "Mon-Fri 08:00-18:00 UTC"}),
    }
    other = settings.model_copy(update=update)
    monkeypatch.setattr(place, "described", lambda name: (other, where))

    def none(own: Any) -> str:
        raise DataError("not prepared")

    monkeypatch.setattr(specs, "dataset_version", none)
    monkeypatch.setattr(promotion, "proved", lambda *given: None)
    found = Stack.of("team")
    assert (found.hourly_price, found.carbon_intensity, found.system_prompt, found.hours, found.stages) == (
        3.0,
        400.0,
        "Be brief.",
        "Mon-Fri 08:00-18:00 UTC",
        None,
    )
