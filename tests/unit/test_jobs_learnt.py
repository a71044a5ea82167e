"""A model that is asked otherwise than it learnt, or judged by what it learnt, is told of before it is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.card.prompts import disagreement
from jobs.preflight import learnt
from jobs.preflight.findings import State
from settings.stack import Settings, parse


def rows(folder: Path, *prompts: str, question: str = "Who are you?") -> Path:
    """Training data whose conversations begin with these system prompts, "" for none."""
    file = folder / "train_data.jsonl"
    lines = []
    for prompt in prompts:
        system = [{"role": "system", "content": prompt}] if prompt else []
        lines.append(json.dumps({"messages": [*system, {"role": "user", "content": question}]}))
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("trained", "asked_with", "says"),
    [
        (["", "", ""], "", ""),
        (["Rhyme."] * 3, "Rhyme.", ""),
        (["Rhyme.\n"] * 3, " Rhyme.", ""),
        (["Rhyme.", "", ""], "", ""),  # most of them say the same
        (["Rhyme.", "Rhyme.", ""], "", "2 of 3 conversations to train on begin with a system prompt ('Rhyme.')"),
        (["", "", "Rhyme."], "Rhyme.", "2 of 3 conversations to train on begin without a system prompt"),
        (["Rhyme."] * 3, "Be brief.", "flow.systemPrompt is 'Be brief.', and 3 of 3 conversations"),
        (["One.", "Two.", "Three."], "Four.", ""),  # no two alike: none is the usual one
    ],
)
def test_asked_as_it_was_trained(tmp_path: Path, trained: list[str], asked_with: str, says: str) -> None:
    told = disagreement(rows(tmp_path, *trained), asked_with)
    assert says in told and bool(told) is bool(says)


def settings(folder: Path, **others: object) -> Settings:
    config = {
        "purgeOnDestroy": True,
        "data": {"source": "HuggingFaceH4/ultrachat_200k", "directory": str(folder)},
        **others,
    }
    return parse({f"finetune-phi:{key}": value for key, value in config.items()}, "test")


def test_both_are_told_in_the_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    folder = Path("data")
    monkeypatch.setattr("jobs.preflight.learnt.Path", lambda name: tmp_path if name == str(folder) else Path(name))
    question = json.loads(Path("golden/sample.jsonl").read_text().splitlines()[0])["question"]
    rows(tmp_path, "Rhyme.", "Rhyme.", question=question.upper())
    found = learnt.told(settings(folder, evaluation={"questions": "golden/sample.jsonl"}))
    assert [(each.check, each.state) for each in found] == [
        ("system prompt", State.WARNING),
        ("golden questions", State.WARNING),
    ]
    assert "1 of 6 stand in the training data" in found[1].found and question in found[1].found
    assert learnt.told(settings(folder, flow={"systemPrompt": "Rhyme."})) == []
    (tmp_path / "train_data.jsonl").write_text("no data\n")
    (unread,) = learnt.told(settings(folder))
    assert "which cannot be read" in unread.found
    (tmp_path / "train_data.jsonl").unlink()
    assert learnt.told(settings(folder)) == []


def test_each_finding_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three questions are named, of those that stand in the data; the bundled conversations are no warning."""
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    asked = "golden/sample.jsonl"
    questions = [json.loads(line)["question"] for line in Path(asked).read_text().splitlines()]
    assert len(questions) == 6
    lines = [json.dumps({"messages": [{"role": "user", "content": each}]}) for each in questions]
    (tmp_path / "train_data.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "validation_data.jsonl").write_text(lines[0] + "\n")
    (tmp_path / "test_data.jsonl").write_text(lines[0] + "\n")
    monkeypatch.setattr("jobs.preflight.learnt.Path", lambda name: tmp_path if name == "data" else Path(name))

    def told(**others: object) -> list[str]:
        found = learnt.told(settings(Path("data"), evaluation={"questions": asked}, **others))
        return [f"{each.state} {each}" for each in found]

    heart = (
        "golden questions: 6 of 6 stand in the training data, and a release that they let pass shows what was learnt "
        f"by heart: {'; '.join(questions[:3])} and 3 more"
    )
    chosen = (
        "warning golden questions: 1 of 6 stand in the validation data, by which the model is chosen: "
        f"{questions[0]} -> ask what the model was not chosen by"
    )
    assert told() == [chosen, f"warning {heart} -> ask what the model was not trained on"]
    assert told(data={"source": "sample", "directory": "data"}) == [chosen, f"ok {heart}"]
    assert told(data={"source": "a/b", "directory": "data", "runOn": "cluster"}) == []
    (tmp_path / "validation_data.jsonl").unlink()
    assert told() == [f"warning {heart} -> ask what the model was not trained on"]
    monkeypatch.setattr(learnt, "_MOST", (tmp_path / "train_data.jsonl").stat().st_size)
    assert len(told()) == 1
    monkeypatch.setattr(learnt, "_MOST", (tmp_path / "train_data.jsonl").stat().st_size - 1)
    assert told() == [], "in a preview there is no time for more"
