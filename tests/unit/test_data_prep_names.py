"""Each name that a column of a real file has been seen with, and the part of a conversation that it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.request import Request
from data_prep.run import preview

LISTS = "messages conversations conversation dialog dialogue dialogs chat chats turns items utterances"
SYSTEMS = "system system_prompt system_message sys_prompt"
CONTEXTS = "context contexts passage document documents background"
QUESTIONS = "prompt question query input inputs instruction"
ANSWERS = "completion response answer output target targets outputs answers chosen preferred_output"
ROW = {"prompt": "Who?", "completion": "Ada."}
HARMLESS = """id uid uuid idx index key hash sha256 md5 date time timestamp created updated url link source dataset
    split filename path license language lang model model_name category topic count tokens length turn answer_start
    state country header hashed_ip tree_state synthetic username thread channel user_id created_at num_turns page_url
    detected_language model_version token_count __index_level_0__"""


@pytest.mark.parametrize("name", [*LISTS.split(), "Messages", "DIALOGUE"])
def test_turns_under_each_name(name: str, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada."}]
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({name: turns}) + "\n")
    lines = list(preview.preview(Request(source=str(file), directory=tmp_path / "out")))
    assert not any(line.endswith("cannot be used") for line in lines)
    assert any("Ada." in line for line in lines[3:])


def lines_of(tmp_path: Path, row: dict[str, object]) -> list[str]:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row) + "\n")
    return list(preview.preview(Request(source=str(file), directory=tmp_path / "out")))


@pytest.mark.parametrize("name", SYSTEMS.split())
def test_what_says_how_to_answer_comes_first(name: str, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, {name: "Be short.", "prompt": "Who?", "completion": "Ada."})
    after = lines[next(at for at, line in enumerate(lines) if line.startswith("--- taken as")) + 1 :]
    assert "Be short." in after[0] or "Be short." in after[1]


@pytest.mark.parametrize("name", CONTEXTS.split())
def test_what_the_answer_rests_on_is_asked_with_the_question(name: str, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, {name: "Ada wrote it.", "question": "Who?", "answer": "Ada."})
    after = "\n".join(lines[next(at for at, line in enumerate(lines) if line.startswith("--- taken as")) :])
    assert after.index("Ada wrote it.") < after.rindex("Ada.") and "Who?" in after


@pytest.mark.parametrize("name", QUESTIONS.split())
def test_a_question_under_each_name(name: str, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, {name: "Who wrote it?", "output": "Ada."})
    after = "\n".join(lines[next(at for at, line in enumerate(lines) if line.startswith("--- taken as")) :])
    assert after.index("Who wrote it?") < after.index("Ada.")


@pytest.mark.parametrize("name", ANSWERS.split())
def test_an_answer_under_each_name(name: str, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, {"prompt": "Who wrote it?", name: "Ada."})
    after = "\n".join(lines[next(at for at, line in enumerate(lines) if line.startswith("--- taken as")) :])
    assert after.index("Who wrote it?") < after.index("Ada.")


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_says_nothing_is_not_told(name: str, tmp_path: Path) -> None:
    (line,) = (each for each in lines_of(tmp_path, {**ROW, name: "x"}) if "--- taken as" in each)
    assert "not used" not in line


@pytest.mark.parametrize("name", ["mood", "reviewer_note", "style", "x_ids_y"])
def test_what_nobody_knows_is_told(name: str, tmp_path: Path) -> None:
    (line,) = (each for each in lines_of(tmp_path, {**ROW, name: "x"}) if "--- taken as" in each)
    assert f"not used: {name}" in line
