"""A dry run's preview: the first rows as they are, and as the model will see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.run import preview


def looked_at(tmp_path: Path, *rows: object, shown: int = 3) -> list[str]:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return list(preview.preview(Request(source=str(file), directory=tmp_path / "out"), rows=shown))


GOOD = {"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada."}], "id": 7}


def test_a_row_before_and_after(tmp_path: Path) -> None:
    head, *lines = looked_at(tmp_path, GOOD)
    assert head.startswith("rows.jsonl") or "rows.jsonl" in head
    assert lines[0] == "--- row 1 in the source"
    assert lines[1] == 'messages: [{"role":"user","content":"Who?"},{"role":"assistant","content":"Ada."}]'
    assert lines[2] == "id: 7"
    assert lines[3].startswith("--- taken as ") and " tokens" in lines[3]
    text = "\n".join(lines[4:-1])
    assert "Who?" in text and "Ada." in text
    assert lines[-1] == "dry run: nothing was written"


def test_as_many_rows_as_asked_for(tmp_path: Path) -> None:
    lines = looked_at(tmp_path, GOOD, GOOD, GOOD, GOOD, shown=2)
    assert [line for line in lines if line.startswith("--- row")] == [
        "--- row 1 in the source",
        "--- row 2 in the source",
    ]


def test_a_row_that_cannot_be_used_says_why_and_what_to_do(tmp_path: Path) -> None:
    bad = {"messages": [{"role": "user", "content": "Who?"}]}
    lines = looked_at(tmp_path, bad, GOOD)
    at = lines.index(next(line for line in lines if line.endswith(": cannot be used")))
    assert lines[at + 1].startswith("messages")
    assert lines[at + 2].startswith(("  ", "---"))


def test_a_row_set_aside_by_its_own_mark(tmp_path: Path) -> None:
    aside = {"prompt": "Who?", "completion": "Nobody.", "label": False}
    lines = looked_at(tmp_path, aside, GOOD)
    assert any("set aside by its own mark" in line for line in lines)


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    lines = looked_at(tmp_path, {**GOOD, "note": "x" * 1_000})
    (note,) = (line for line in lines if line.startswith("note: "))
    assert 300 <= len(note) <= 330


def test_what_is_no_object_is_shown_whole() -> None:
    assert list(preview._before(3, ["a\nb", 1])) == ["--- row 3 in the source", 'row: ["a\\nb",1]']
    assert list(preview._before(4, "a\nb")) == ["--- row 4 in the source", "row: a b"]


def test_an_empty_source(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n\n")
    with pytest.raises(DataError):
        list(preview.preview(Request(source=str(file), directory=tmp_path / "out")))


def test_without_a_template_the_bare_texts() -> None:
    assert preview._bare(GOOD["messages"]) == "user: Who?\nassistant: Ada."  # type: ignore[arg-type]


@pytest.mark.parametrize("template", ["{% raise %}", "{{ messages[0].nothing.at.all }}", "{{ 1 / 0 }}"])
def test_a_template_that_does_not_take_the_messages(template: str) -> None:
    with pytest.raises(DataError, match="the model's chat template does not take these messages"):
        preview.rendered([], template)


def test_a_template_is_somebody_elses_program() -> None:
    with pytest.raises(DataError, match="does not take these messages"):
        preview.rendered([], "{{ ''.__class__.__mro__[1].__subclasses__() }}")
    assert preview.rendered([{"role": "user", "content": "x"}], "{{ messages[0].content }}{{ bos_token }}") == "x"
