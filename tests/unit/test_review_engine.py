"""How a review runs the preview: the engine's command lines, and what becomes of what it says. Pulumi is a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from review import engine
from review.errors import ReviewError
from review.events import PLANNED

ROOT = Path(__file__).resolve().parents[2]
PULUMI = """#!{python}
import json, os, sys
place, line = {place!r}, sys.argv[1:]
with open(f"{{place}}/asked", "a") as file:
    file.write(json.dumps([*line, os.environ.get("PULUMI_ENABLE_STREAMING_JSON_PREVIEW")]) + "\\n")
said = json.load(open(f"{{place}}/says.json"))
key = " ".join(line[:2]) if line[0] == "stack" else line[0]
answer = said[key]
if "--save-plan" in line and answer.get("plan") is not None:
    json.dump(answer["plan"], open(line[line.index("--save-plan") + 1], "w"))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
sys.exit(answer.get("code", 0))
"""
STEP = {
    "resourcePreEvent": {
        "metadata": {
            "op": "create",
            "urn": "urn:pulumi:dev::finetune-phi::azure-native:resources:ResourceGroup::group",
            "type": "azure-native:resources:ResourceGroup",
            "new": {"inputs": {"location": "eastus2"}},
        },
        "planning": True,
    }
}
END = {"summaryEvent": {"resourceChanges": {"create": 1}, "durationSeconds": 1}}
GOALS = {
    "resourcePlans": {
        "urn:a": {"goal": {"propertyDependencies": {"scope": ["urn:b"], "name": []}}},
        "urn:b": {"goal": {"propertyDependencies": {}}},
        "urn:c": {"goal": None},
    }
}


class Pulumi:
    """What the script answers, and what it was asked."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.says: dict[str, dict[str, Any]] = {
            "preview": {"out": "\n".join(json.dumps(each) for each in (STEP, END)) + "\n", "plan": GOALS},
            "destroy": {"out": json.dumps(END) + "\n"},
            "stack export": {"out": json.dumps({"deployment": {"resources": [{"urn": "urn:old"}]}})},
            "stack history": {"out": json.dumps([{"kind": "update"}])},
            "version": {"out": "v3.200.0\n"},
        }

    @property
    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self._place / "asked").read_text().splitlines()]

    def record(self, line: list[str]) -> tuple[engine.Recording, list[dict[str, Any]]]:
        (self._place / "says.json").write_text(json.dumps(self.says))
        seen: list[dict[str, Any]] = []
        return engine.record(line, "dev", seen.append), seen


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    script = tmp_path / "bin" / "pulumi"
    script.parent.mkdir()
    script.write_text(PULUMI.format(python=sys.executable, place=str(tmp_path)))
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(engine, "past", lambda state, history: (state, history))
    return Pulumi(tmp_path)


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ((None, None, False), "pulumi preview --json --stack dev"),
        ((None, Path("c.json"), False), "pulumi preview --json --stack dev"),
        ((Path("policy"), None, False), "pulumi preview --json --stack dev --policy-pack policy"),
        (
            (Path("policy"), Path("c.json"), True),
            "pulumi preview --json --stack dev --policy-pack policy --policy-pack-config c.json --refresh",
        ),
        ((Path("policy"), Path("c.json"), True, True), "pulumi destroy --preview-only --json --stack dev"),
    ],
)
def test_the_command_line(how: tuple[Any, ...], line: str) -> None:
    assert engine.command("dev", *how) == line.split()


def test_everything_that_a_preview_says_and_what_is_known_beside_it(pulumi: Pulumi) -> None:
    recording, seen = pulumi.record(engine.command("dev", Path("policy"), None, False))
    assert seen == [STEP, END]
    assert recording.events == [STEP, END, {PLANNED: {"needs": {"urn:a": {"scope": ["urn:b"]}}}}]
    assert recording.cli == "v3.200.0"
    assert recording.complaint == ""
    assert recording.past == ({"deployment": {"resources": [{"urn": "urn:old"}]}}, [{"kind": "update"}])
    assert recording.preview().finished
    (preview,) = (line for line in pulumi.asked if line[0] == "preview")
    assert preview[:6] == ["preview", "--json", "--stack", "dev", "--policy-pack", "policy"]
    assert (preview[6], preview[-1]) == ("--save-plan", "true")
    assert sorted(line[:-1] for line in pulumi.asked if line[0] != "preview") == [
        ["stack", "export", "--stack", "dev"],
        ["stack", "history", "--json", "--stack", "dev", "--page-size", "10"],
        ["version"],
    ]


def test_a_destroy_has_no_plan(pulumi: Pulumi) -> None:
    recording, _ = pulumi.record(engine.command("dev", None, None, False, destroy=True))
    assert recording.events == [END]
    assert ["destroy", "--preview-only", "--json", "--stack", "dev", "true"] in pulumi.asked


def test_a_stack_that_is_new_has_no_past(pulumi: Pulumi) -> None:
    pulumi.says["stack export"] = {"out": "no", "code": 1}
    pulumi.says["stack history"] = {"out": "not JSON"}
    recording, _ = pulumi.record(engine.command("dev", None, None, False))
    assert recording.past == ({}, [])


@pytest.mark.parametrize(
    ("plan", "found"),
    [(None, []), ({}, []), ({"resourcePlans": {}}, [{PLANNED: {"needs": {}}}])],
    ids=["none", "no plan", "nothing"],
)
def test_a_preview_that_a_policy_refuses_leaves_no_plan(pulumi: Pulumi, plan: Any, found: list[Any]) -> None:
    pulumi.says["preview"]["plan"] = plan
    recording, _ = pulumi.record(engine.command("dev", None, None, False))
    assert recording.events == [STEP, END, *found]


def test_what_the_engine_complains_of_is_the_error_of_a_preview_without_another(pulumi: Pulumi) -> None:
    secret = "sv=2024-11-04&sig=" + "a" * 43 + "%3D"  # pragma: allowlist secret
    pulumi.says["preview"] = {"out": "", "err": f"error: no place to keep it: {secret}\n", "code": 255}
    recording, _ = pulumi.record(engine.command("dev", None, None, False))
    (error,) = recording.preview().errors
    assert error.startswith("error: no place to keep it: ")
    assert "aaaa" not in error


def test_an_engine_that_fails_without_a_word_is_told_by_its_exit_code(pulumi: Pulumi) -> None:
    pulumi.says["preview"] = {"out": json.dumps(STEP), "code": 7}
    recording, _ = pulumi.record(engine.command("dev", None, None, False))
    assert recording.complaint == "pulumi preview ended with exit code 7"


def test_a_passphrase_that_is_missing_is_told_with_what_to_do(pulumi: Pulumi) -> None:
    said = "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
    pulumi.says["preview"] = {"err": said, "code": 255}
    recording, _ = pulumi.record(engine.command("dev", None, None, False))
    assert "PULUMI_CONFIG_PASSPHRASE" in recording.complaint


def test_without_pulumi_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine, "_asked", lambda line: None)
    with pytest.raises(ReviewError, match="pulumi"):
        engine.record(engine.command("dev", None, None, False), "dev", lambda event: None)


ENDLESS = """#!{python}
import os, sys, time
if sys.argv[1] == "preview":
    open({place!r} + "/pid", "w").write(str(os.getpid()))
    while True:
        print("{{}}" * 1000)
sys.exit(1)
"""


def test_a_preview_that_nobody_reads_to_its_end_is_stopped(pulumi: Pulumi, tmp_path: Path) -> None:
    (tmp_path / "bin" / "pulumi").write_text(ENDLESS.format(python=sys.executable, place=str(tmp_path)))
    with (
        pytest.raises(ReviewError, match="no threshold"),
        engine.running(engine.command("dev", None, None, False), "dev"),
    ):
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            os.sched_yield()
        raise ReviewError("no threshold")
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_pulumi_is_started_before_the_slow_half_of_the_review_is_imported() -> None:
    code = "import sys, review.__main__; print([each for each in ('pydantic', 'jinja2') if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_stream_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    with pytest.raises(ReviewError, match="cannot be read: No such file"):
        engine.read_file(file)
    for content in (b"", b"\xff\xfe\x00", b'{"steps": 3}\n'):
        file.write_bytes(content)
        with pytest.raises(ReviewError, match="is no event stream of a preview"):
            engine.read_file(file)
    file.write_text(json.dumps(STEP) + "\n")
    assert engine.read_file(file) == [STEP]


def test_a_state_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with pytest.raises(ReviewError, match="cannot be read: No such file"):
        engine.read_state(file)
    for content in ("", "[]", "{}", "[" * 5_000):
        file.write_text(content)
        with pytest.raises(ReviewError, match="is no state: `pulumi stack export` prints one"):
            engine.read_state(file)
    file.write_text('{"deployment": {}}')
    assert engine.read_state(file) == {"deployment": {}}
