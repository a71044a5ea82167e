"""Whether the prepared files can be trained on, before a node with a GPU says that they cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.card.fit import Fit, fit
from data_prep.errors import DataError
from data_prep.prepare import Request, prepare
from data_prep.request import Recipe
from data_prep.row.repairs import repaired

MODEL = "Phi-4-mini-instruct"


def row(question: str, answer: str = "Yes.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def files(here: Path, train: Sequence[object], test: Sequence[object] = (row("Why?"),)) -> Path:
    write(here / "train_data.jsonl", train)
    write(here / "test_data.jsonl", test)
    return here


def test_rows_that_are_cut_and_rows_without_an_answer_left_are_counted_and_named(tmp_path: Path) -> None:
    # By the estimate 4 bytes are a token, and the template takes 3 for a message.
    train = [row("Who?")] * 10 + [row("Who?", "a" * 400), row("q" * 400)]
    found = fit(files(tmp_path, train, [row("Who?"), row("q" * 4000)]), 100, MODEL)
    assert (found.rows, found.most, found.cut, found.lost, found.refused) == (12, 100, 3, 2, ())
    assert found.told == (
        "3 rows are cut at 100 tokens (by an estimate of 4 bytes a token): train_data.jsonl:11, train_data.jsonl:12, "
        "test_data.jsonl:2",
        "2 of them have no answer left, and nothing is learned from them: train_data.jsonl:12, test_data.jsonl:2",
    )


@pytest.mark.parametrize(
    ("question", "lost"),
    [(96 * 4, False), (96 * 4 + 4, True)],  # 96 and 3 of the template's and the mark before the answer: 100
)
def test_where_a_question_is_too_long(tmp_path: Path, question: int, lost: bool) -> None:
    found = fit(files(tmp_path, [*[row("Who?")] * 10, row("q" * (question - 4))]), 100, MODEL)
    assert (found.cut, found.lost) == (1, int(lost))


@pytest.mark.parametrize("most", [5, 20, 40, 49, 50, 51, 52, 53, 54, 55, 60, 100, 10_000, -1])
def test_a_card_tells_the_same_without_the_files_being_read(tmp_path: Path, most: int) -> None:
    answers = [f"{at} " + "word " * at for at in range(40)]
    done = prepare(_request(tmp_path, [row(f"Is {at} odd?", text) for at, text in enumerate(answers)]), lambda _: None)
    by_card = fit(done.directory, most, MODEL)
    (done.directory / "card.json").unlink()
    assert by_card == fit(done.directory, most, MODEL)


def test_gigabytes_are_not_read_to_find_that_no_row_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = prepare(_request(tmp_path, [row(f"Is {at} odd?") for at in range(40)]), lambda _: None)
    monkeypatch.setattr("data_prep.card.fit._lines", lambda path: pytest.fail(f"{path} was read"))
    assert fit(done.directory, 2048, MODEL) == Fit(done.card.rows["train"], 2048, 0, 0, (), ())
    done.train.write_text(json.dumps(row("Why?")) + "\n")  # and the card is of other files
    with pytest.raises(pytest.fail.Exception):
        fit(done.directory, 2048, MODEL)


def test_without_a_limit_the_models_context_is_one(tmp_path: Path) -> None:
    assert fit(files(tmp_path, [row("q" * 4000)] * 10), -1, MODEL) == Fit(10, 131_072, 0, 0, (), ())
    assert fit(files(tmp_path, [row("q" * 900_000)] * 10), -1, "unheard-of") == Fit(10, None, 0, 0, (), ())


@pytest.mark.parametrize("file", ["train_data.jsonl", "test_data.jsonl"])
def test_a_first_row_without_an_answer_left_is_refused(tmp_path: Path, file: str) -> None:
    files(tmp_path, [row("Who?")] * 10)
    write(tmp_path / file, [row("q" * 4000), *[row("Who?")] * 10])
    (reason,) = fit(tmp_path, 100, MODEL).refused
    assert reason.startswith(f"the first row of {file} has no answer within 100 tokens")
    assert fit(tmp_path, 2048, MODEL).refused == ()


def test_fewer_than_ten_rows_to_train_on_are_refused(tmp_path: Path) -> None:
    assert fit(files(tmp_path, [row("Who?")] * 10), 100, MODEL).refused == ()
    (reason,) = fit(files(tmp_path, [row("Who?")] * 9), 100, MODEL).refused
    assert reason == "train_data.jsonl has 9 rows, and the fine-tune component needs 10: add rows"


def _request(here: Path, rows: Sequence[object], **more: Any) -> Request:
    return Request(source=str(write(here / "chats.jsonl", rows)), directory=here / "out", **more)


def test_fewer_than_ten_are_not_written(tmp_path: Path) -> None:
    rows = [row(f"What is {number}?") for number in range(12)]
    with pytest.raises(
        DataError, match=r"gives \d rows to train on, and the fine-tune component needs 10; nothing was"
    ):
        prepare(_request(tmp_path, rows, test_ratio=0.4), lambda _: None)
    assert not (tmp_path / "out" / "train_data.jsonl").exists()
    rows += [row(f"What is {number}?") for number in range(12, 30)]
    assert prepare(_request(tmp_path, rows), lambda _: None).card.rows["train"] >= 10


def test_the_command_says_what_the_stack_s_recipe_makes_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(f"What is {number}?") for number in range(30)] + [row("q" * 600_000)]
    source = write(tmp_path / "chats.jsonl", rows)
    main(["--stack", "dev", "--source", str(source), "--out", str(tmp_path / "out"), "--shape", "messages"])
    said = capsys.readouterr().out
    assert "1 rows are cut at 131072 tokens (by an estimate of 4 bytes a token): " in said
    assert "1 of them have no answer left, and nothing is learned from them: " in said
    write(source, rows[::-1])  # the row is the first of its file
    with pytest.raises(SystemExit) as refused:
        main(["--stack", "dev", "--source", str(source), "--out", str(tmp_path / "out"), "--shape", "messages"])
    assert "error: the files cannot be trained on as they are: the first row of t" in str(refused.value)


MARKED = row("Say <|assistant|> please")


MARKS = ["user", "assistant", "system", "end", "endoftext", "im_start", "im_sep", "im_end", "tool", "/tool_call"]


@pytest.mark.parametrize("mark", [f"<|{name}|>" for name in MARKS])
def test_a_mark_of_the_template_inside_a_text_is_refused(tmp_path: Path, mark: str) -> None:
    rows = [row(f"What is {number}?") for number in range(30)] + [row("Why?", f"Because {mark} so")]
    with pytest.raises(DataError) as refused:
        prepare(_request(tmp_path, rows), lambda _: None)
    rule = f"messages[1].content must hold no marks of the chat template, has {mark} at character 9"
    assert rule in str(refused.value)


def test_a_mark_is_counted_with_its_reason_and_taken_out_only_where_that_is_asked_for(tmp_path: Path) -> None:
    rows = [row(f"What is {number}?") for number in range(30)] + [MARKED]
    for policy in ("skip", "repair"):  # by default a repair does not touch it
        card = prepare(_request(tmp_path, rows, bad_rows=policy, max_rejected="1"), lambda _: None).card
        assert (card.rows["rejected"], card.rejected, card.repaired) == (1, {"mark": 1}, {})
    card = prepare(_request(tmp_path, rows, bad_rows="repair", repairs=("marks",)), lambda _: None).card
    assert (card.rows["rejected"], card.repaired) == (0, {"marks": 1})
    written = [(tmp_path / "out" / name).read_text() for name in ("train_data.jsonl", "test_data.jsonl")]
    assert "Say  please" in "".join(written)


@pytest.mark.parametrize("text", ["a < b | c > d", "<|>", "x <|> y", "<|me|>", "the <s> tag", "if a <| b |> c"])
def test_what_only_looks_like_one_is_let_through(tmp_path: Path, text: str) -> None:
    rows = [row(f"What is {number}?") for number in range(30)] + [row("Why?", text)]
    assert prepare(_request(tmp_path, rows), lambda _: None).card.rows["rejected"] == 0


def test_a_mark_that_is_left_when_one_is_taken_out_goes_too() -> None:
    mended, changed = repaired(row("<|e<|end|>nd|>Hi"), ("marks",))
    assert mended["messages"][0]["content"] == "Hi" and changed == ["marks"]


def test_what_a_cluster_is_asked_for_is_what_it_was(tmp_path: Path) -> None:
    # These name data assets and with them fine-tunes: a further repair must not make other ones of them.
    asked = _request(tmp_path, [row("Who?")], bad_rows="repair")
    assert asked.deciding(True)["repairs"] == [
        "role-names", "control", "drop-empty", "merge-roles", "drop-lead", "drop-tail",
    ]  # fmt: skip


def test_tokens_and_cost_are_those_of_rows_as_they_are_cut(tmp_path: Path) -> None:
    # 30 rows of 3 + 3 + 1 tokens and about 3,000 more each, by the estimate of 4 bytes a token.
    source = write(tmp_path / "chats.jsonl", [row(f"{at} " + "q" * 12_000) for at in range(30)])
    counted = {}
    for most in (-1, 512, 768, 4096):
        request = Request(source=str(source), directory=tmp_path / "out", recipe=Recipe(max_seq_length=most))
        counted[most] = prepare(request, lambda _: None).card
    train = counted[-1].rows["train"]
    assert counted[-1].recipe["tokens"] == counted[4096].recipe["tokens"] == counted[-1].tokens["train"]
    assert counted[512].recipe["tokens"] == pytest.approx(train * 512, rel=0.01)
    assert counted[768].recipe["tokens"] == pytest.approx(train * 768, rel=0.01)
    assert counted[512].files == counted[-1].files  # a recipe is no reason to make them again
