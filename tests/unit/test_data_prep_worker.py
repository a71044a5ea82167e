"""A part of the rows worked through: all of its files and counts, and why nothing is written, in whole words."""

from __future__ import annotations

import dataclasses
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from data_prep import DataError
from data_prep.card.stats import Kind, Stats
from data_prep.read.readers import Piece
from data_prep.read.texts import BLANK, Broken
from data_prep.request import Request
from data_prep.row.rules import Problem
from data_prep.row.split import point
from data_prep.run import worker
from data_prep.run.duplicates import content_hash, messages_of
from data_prep.run.opening import Opened
from data_prep.run.pool import Window
from data_prep.run.refusals import refuse_bad, refuse_one_sided
from data_prep.source.tokens import Tokenizer
from settings.models import model

RULES = worker.Rules(
    shape="auto",
    columns={},
    ignore=(),
    seed=0,
    test_ratio=0.2,
    validation_ratio=0.0,
    common=frozenset(),
    share=1.0,
    repairs=(),
    mask=False,
    near=False,
    model="Phi-4-mini-instruct",
    tokenizer=Tokenizer(),
    keep_rejected=True,
)


def row(asked: str, answer: str = "So.", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}], **more}


def written(asked: str, answer: str = "So.", name: str = "") -> bytes:
    """The line of a row, with the name that its source gave it."""
    messages = [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]
    return orjson.dumps({"prompt": asked, "prompt_id": name, "messages": messages}) + b"\n"


def worked(
    place: Path, rows: list[Any], how: dict[str, Any] | None = None, **rules: Any
) -> tuple[Stats, dict[str, bytes]]:
    made = worker.Worker(dataclasses.replace(RULES, **rules)).run(iter(enumerate(rows, start=1)), place, 3, **how or {})
    return made, {name: (place / f"3.{name}").read_bytes() for name in worker.OUTPUTS}


def asked_for(*which: int) -> list[dict[str, Any]]:
    return [row(f"Is {at} odd?", prompt_id=str(at)) for at in which]


def test_rows_are_on_their_sides_in_their_order(tmp_path: Path) -> None:
    stats, files = worked(tmp_path, [*asked_for(3, 4, 5), BLANK, *asked_for(8, 9)])
    lines = {at: written(f"Is {at} odd?", name=str(at)) for at in (3, 4, 5, 8, 9)}
    assert files["train"] == lines[3] + lines[5] + lines[9]
    assert (
        files["test"] == lines[4] + lines[8] and files["validation"] == files["rejected"] == files["signatures"] == b""
    )
    assert files["sides"] == bytes([0, 1, 0, 1, 0])
    assert files["questions"] == struct.pack("<5Q", *(point(f"Is {at} odd?", 0) for at in (3, 4, 5, 8, 9)))
    hashes = (content_hash(messages_of(line)) for line in lines.values())
    assert files["hashes"] == struct.pack("<5Q", *hashes)
    assert (stats.seen, stats.places, stats.bad, stats.sides) == (5, 6, 0, {"train": 3, "test": 2})
    assert (stats.turns, stats.lengths) == ({2: 5}, {0: 5})
    assert (stats.text_bytes, stats.messages) == ({"train": 36, "test": 24}, {"train": 6, "test": 4})
    assert len(stats.sample) == 5 and stats.shapes == {}


@pytest.mark.parametrize(
    ("rules", "how", "expected"),
    [
        ({"test_ratio": 0.0}, {}, "train"),
        ({"test_ratio": 0.0, "validation_ratio": 0.99}, {}, "validation"),
        ({}, {"side": "test"}, "test"),
        ({}, {"side": "validation", "share": 1.0}, "validation"),
        ({"test_ratio": 0.99}, {"side": "train"}, "test"),
        ({"share": 0.0}, {}, None),
        ({"share": 0.0}, {"side": "test", "own": True}, "test"),
        ({}, {"share": 0.0}, None),
    ],
)
def test_what_decides_the_side_of_a_row(
    tmp_path: Path, rules: dict[str, Any], how: dict[str, Any], expected: str | None
) -> None:
    stats, _ = worked(tmp_path, asked_for(3), how, **rules)
    assert stats.sides == ({expected: 1} if expected else {})
    assert stats.passed_over == (0 if expected else 1)


def test_a_row_with_a_common_question_is_divided_by_all_that_is_said(tmp_path: Path) -> None:
    rows = [row("Hi", f"Hello {at}") for at in range(60)]
    assert len(set(worked(tmp_path, rows)[1]["sides"])) == 1
    stats, files = worked(tmp_path, rows, common=frozenset({point("Hi", 0)}))
    assert set(files["sides"]) == {0, 1} and 3 <= stats.sides["test"] <= 25
    assert files["questions"] == struct.pack("<Q", point("Hi", 0)) * 60


def test_what_is_rejected_is_kept_with_its_reasons(tmp_path: Path) -> None:
    bad = row("mail ann@example.org", "<|end|>")
    broken = Broken(Problem("row", "is not valid JSON: x", "json"), '{"a": "bob@example.org"')
    stats, files = worked(tmp_path, [bad, broken, 5, row("Why?", "")])
    mark = {"field": "messages[1].content", "code": "mark"}
    mark["rule"] = "must hold no marks of the chat template, has <|end|> at character 1"
    empty = {"field": "messages[1].content", "rule": "must not be empty", "code": "content-empty"}
    number = {"field": "row", "rule": "must be an object with the key messages, is a number", "code": "row-type"}
    assert [line.partition(b"\t")[0] for line in files["rejected"].splitlines()] == [b"1", b"2", b"3", b"4"]
    assert [orjson.loads(line.partition(b"\t")[2]) for line in files["rejected"].splitlines()] == [
        {"problems": [mark], "row": bad},
        {"problems": [{"field": "row", "rule": "is not valid JSON: x", "code": "json"}], "row": broken.raw},
        {"problems": [number], "row": 5},
        {"problems": [empty], "row": row("Why?", "")},
    ]
    assert (stats.seen, stats.bad) == (4, 4)
    assert stats.rejected == {"mark": 1, "json": 1, "row-type": 1, "content-empty": 1}
    assert stats.kinds["json"] == Kind(1, [(2, "row is not valid JSON: x")])
    assert stats.shapes == {"": 2, "messages": 1}
    assert worked(tmp_path, [bad], keep_rejected=False)[1]["rejected"] == b""
    masked = worked(tmp_path, [bad, broken], mask=True)[1]["rejected"]
    assert b"example.org" not in masked and masked.count(b"[EMAIL]") == 2


def test_what_is_rejected_and_cannot_be_written_as_json(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(3000):
        deep = [deep]
    files = worked(tmp_path, [{"text": "\ud800", 5: 1}, {"text": deep}])[1]
    first, second = (orjson.loads(line.partition(b"\t")[2])["row"] for line in files["rejected"].splitlines())
    assert first == "{'text': '\\ud800', 5: 1}"
    assert second == "too deeply nested, or too large a number, to be written"


def test_what_is_mended_set_aside_and_left_over_is_counted(tmp_path: Path) -> None:
    rows = [row(" Why?\x00", name="x"), row("Who?", label=False), row("How?", "x<|end|>"), row("When?", mood="x")]
    stats, files = worked(tmp_path, rows, test_ratio=0.0, repairs=("control", "drop-empty"))
    assert files["train"].count(b"\n") == 2 and b' Why?"' in files["train"]
    assert (stats.mended, stats.repaired, stats.bad, stats.rejected) == (1, {"control": 1}, 1, {"mark": 1})
    assert (stats.aside, stats.unused) == ({"label false": 1}, {"name": 1, "mood": 1})


def test_personal_data_are_counted_and_masked_where_that_is_asked_for(tmp_path: Path) -> None:
    rows = [row("mail ann@example.org", "or bob@example.org", prompt_id="7"), row("Why?")]
    stats, files = worked(tmp_path, rows, test_ratio=0.0)
    assert (stats.private, stats.private_rows) == ({"email": 2}, 1) and b"ann@example.org" in files["train"]
    masked, others = worked(tmp_path, rows, test_ratio=0.0, mask=True)
    assert (masked.private, masked.private_rows) == ({"email": 2}, 1)
    first = orjson.loads(others["train"].splitlines()[0])
    assert (first["prompt"], first["messages"][1]["content"]) == ("mail [EMAIL]", "or [EMAIL]")
    assert len(first["prompt_id"]) == 64  # not the source's, which a guess could be checked against
    assert others["questions"] == files["questions"]


def test_a_mixture_takes_its_share_of_a_source_and_a_request_its_rows(tmp_path: Path) -> None:
    rows = asked_for(*range(20))
    stats, files = worked(tmp_path, rows, share=0.3, seed=0)
    # As `is_taken` and `is_mixed_in` have it, which is written down in their own tests.
    assert stats.passed_over == 14 and struct.unpack("<6Q", files["questions"]) == tuple(
        point(f"Is {at} odd?", 0) for at in (9, 10, 13, 15, 16, 19)
    )
    stats, files = worked(tmp_path, rows, {"share": 0.3})
    assert stats.passed_over == 12 and struct.unpack("<8Q", files["questions"]) == tuple(
        point(f"Is {at} odd?", 0) for at in (0, 1, 5, 6, 7, 8, 14, 16)
    )


def test_a_row_longer_than_the_model_reads_is_rejected_by_a_tokenizer_and_told_by_an_estimate(tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Encoder
    from tokenizers import models, pre_tokenizers

    encoder = Encoder(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    encoder.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    encoder.save(str(tmp_path / "tokenizer.json"))
    rules = {"model": "Phi-3-mini-4k-instruct", "tokenizer": Tokenizer("words", tmp_path / "tokenizer.json")}
    own = 2 * model("Phi-3-mini-4k-instruct").per_message
    rows = [row("Why?", "w " * (4095 - own)), row("Why?", "w " * (4096 - own)), row("Why?", "w" * 9000)]
    stats, files = worked(tmp_path, rows, **rules)
    assert (stats.seen, stats.bad, stats.too_long) == (3, 1, 0)
    (problem,) = orjson.loads(files["rejected"].partition(b"\t")[2])["problems"]
    rule = "must fit into the model's 4096 tokens, are 4097"
    assert problem == {"field": "messages", "rule": rule, "code": "context"}
    estimated, _ = worked(tmp_path, [*rows, row("Why?", "w" * 20_000)], model="Phi-3-mini-4k-instruct")
    assert (estimated.bad, estimated.too_long) == (0, 1)


def test_calls_are_counted(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    stats, _ = worked(tmp_path, [row("Why?"), {"messages": [{"role": "user", "content": "Why?"}, call]}])
    assert (stats.called, stats.bad) == (1, 0)


def test_signatures_are_made_where_near_duplicates_are_looked_for(tmp_path: Path) -> None:
    assert len(worked(tmp_path, asked_for(1, 2), near=True)[1]["signatures"]) == 2 * 64 * 4


def test_of_a_source_that_is_read_wrongly_the_beginning_is_enough(tmp_path: Path) -> None:
    rules = dataclasses.replace(RULES, keep_rejected=False)
    heard: list[int] = []
    stats = worker.Worker(rules).run(enumerate([{"a": 1}] * 1500, start=1), tmp_path, 0, tell=heard.append)
    assert (stats.seen, stats.bad, heard) == (1000, 1000, [0])
    assert worker.hopeless(rules, stats) and not worker.hopeless(RULES, stats)
    assert not worker.hopeless(rules, Stats(seen=1000, bad=999)) and not worker.hopeless(
        rules, Stats(seen=999, bad=999)
    )
    assert worker.Worker(rules).run(enumerate([{"a": 1}] * 1001, start=1), tmp_path, 1).seen == 1001


ROWS = Opened("x.jsonl", {"kind": "file"}, [Piece(Path("x.jsonl"))], None, Window(0, None), 1.0, None)
REMEDY = "A row needs question and answer, in a shape of docs/data.md; --look shows what is made of the first rows."


def said(check: Any, stats: Stats, request: Request, rows: Opened = ROWS) -> str:
    with pytest.raises(DataError) as raised:
        check(stats, request, rows)
    return str(raised.value)


def test_bad_rows_are_told_by_kind() -> None:
    kinds = {
        "mark": Kind(5, [("x.jsonl:1", "a b"), ("x.jsonl:3", "c"), ("y.jsonl:4", "d")]),
        "odd": Kind(1, [("x.jsonl, row 2", "e")]),
        "two": Kind(2, [("x.jsonl:7", "f"), ("x.jsonl:8", "g")]),
    }
    stats = Stats(seen=10, bad=8, kinds=kinds)
    told = (
        "  x.jsonl:1: a b; 4 more like it (:3, y.jsonl:4, …): have them taken out (badRows: repair with marks among "
        "repairs)\n  x.jsonl, row 2: e\n  x.jsonl:7: f; 1 more like it (:8)\n" + REMEDY
    )
    assert said(refuse_bad, stats, Request()) == (
        f"x.jsonl: 8 of 10 rows cannot be used; nothing was written:\n{told} Mend or remove them, leave them out "
        "(badRows: skip), or have them mended (badRows: repair)."
    )
    hopeless = Stats(seen=1000, bad=1000, kinds={"odd": kinds["odd"]})
    assert said(refuse_bad, hopeless, Request()) == (
        "x.jsonl: none of the first 1,000 rows can be used; no others were read or written:\n"
        f"  x.jsonl, row 2: e\n{REMEDY}"
    )
    assert said(refuse_bad, stats, Request(bad_rows="skip", max_rejected="79%")) == (
        "x.jsonl: 8 of 10 rows cannot be used, and at most 7 may be rejected (maxRejected: 79%); nothing was written:\n"
        + told
    )
    assert said(refuse_bad, stats, Request(bad_rows="repair", max_rejected="7")).startswith(
        "x.jsonl: 8 of 10 rows cannot be used, and at most 7 may be rejected (maxRejected: 7); nothing was written:\n"
    )
    for limit in ("8", "80%"):
        refuse_bad(stats, Request(bad_rows="skip", max_rejected=limit), ROWS)
    refuse_bad(Stats(seen=1), Request(), ROWS)
    assert said(refuse_bad, Stats(), Request()) == "x.jsonl holds no rows: nothing to split"


def test_a_side_without_rows_says_why() -> None:
    stats = Stats(seen=9, bad=2, sides=Counter(train=6), aside=Counter(w=1))
    ends = (
        "a row's first question decides its side; nothing was written: use more rows with different questions, another "
    )
    assert said(refuse_one_sided, stats, Request(seed=4)) == (
        f"a test ratio of 0.2 leaves no test row: x.jsonl has 6, and {ends}ratio or another seed (now 4)"
    )
    shared = dataclasses.replace(ROWS, share=0.5)
    assert said(refuse_one_sided, Stats(seen=9, sides=Counter(test=6)), Request(rows="50%"), shared) == (
        f"a test ratio of 0.2 leaves no training row: x.jsonl has 9, of which 50% were asked for, and {ends}ratio or "
        "another seed (now 0)"
    )
    both = Stats(seen=9, sides=Counter(train=6, test=3))
    refuse_one_sided(both, Request(), ROWS)
    assert said(refuse_one_sided, both, Request(validation_ratio=0.1)).startswith(
        "a validation ratio of 0.1 leaves no validation row: x.jsonl has 9, and a row's first question"
    )
    named = dataclasses.replace(ROWS, pieces=[Piece(Path("v.jsonl"), side="validation")] * 2)
    assert said(refuse_one_sided, both, Request(), named) == (
        "v.jsonl: no row can be used, and the validation rows are to come from there alone; nothing was written: mend "
        "it, or name another file"
    )
    refuse_one_sided(stats, Request(within=Path("x")), ROWS)
