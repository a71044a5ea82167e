"""What is counted of rows: tokens and their spread, samples, languages, and what marks two rows as alike."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from data_prep.card.languages import guessed
from data_prep.card.lengths import cost, left, measured
from data_prep.card.prompts import disagreement
from data_prep.card.stats import Kind, Stats
from data_prep.request import Recipe
from data_prep.row.split import is_below, is_mixed_in, is_taken, point, side_of
from data_prep.run import duplicates
from data_prep.run.merge import Duplicates, Hasher, _alike
from data_prep.source.tokens import Counter, Tokenizer
from settings.models import model


def chat(asked: str, answer: str) -> list[dict[str, Any]]:
    return [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]


def counted(*rows: tuple[str, int]) -> Stats:
    """Of rows of two messages: their side, and the bytes of their texts."""
    stats = Stats()
    for side, size in rows:
        stats.sides[side] += 1
        stats.text_bytes[side] += size
        stats.messages[side] += 2
        stats.lengths[size // 16] += 1
    return stats


SPREAD = counted(("train", 100), ("train", 1000), ("train", 40), ("test", 3000), ("validation", 200))
STEPS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072]
# 16, 32, 56, 256 and 756 tokens with the six of the template's own, 1,116 together.
KEPT = dict(zip(map(str, STEPS), [0.2079, 0.3226, 0.552, 0.7814, *[1.0] * 8], strict=True))
MEASURED = {
    "counted_by": "estimate",
    "sample": 0,
    "bytes_per_token": 4.0,
    "train": 303,
    "test": 756,
    "validation": 56,
    "median": 50,
    "p95": 750,
    "longest": 750,
    "context": 131072,
    "too_long_by_estimate": 1,
    "kept": KEPT,
    "histogram": {"64": 3, "256": 1, "1024": 1},
}


def test_tokens_and_how_they_are_spread() -> None:
    SPREAD.too_long = 1
    assert measured(SPREAD, Tokenizer(), "Phi-4-mini-instruct") == MEASURED
    nothing = measured(Stats(), Tokenizer("x"), "Nobody-7B")
    assert nothing == {
        "counted_by": "x",
        "sample": 0,
        "bytes_per_token": 4.0,
        "train": 0,
        "test": 0,
        "median": 0,
        "p95": 0,
        "longest": 0,
        "context": None,
        "too_long_by_estimate": 0,
        "histogram": {},
        "kept": dict.fromkeys(KEPT, 0.0),
    }


def test_a_tokenizer_counts_the_sample_and_its_bytes_carry_over(tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Encoder
    from tokenizers import models, pre_tokenizers

    made = Encoder(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    made.save(str(tmp_path / "tokenizer.json"))
    stats = counted(("train", 400), ("test", 800))
    stats.sample = [(-2, chat("an odd one", "it is")), (-1, chat("why so", "because of that"))]
    tokenizer = Tokenizer("words", tmp_path / "tokenizer.json")
    found = measured(stats, tokenizer, "Phi-4-mini-instruct")
    # 10 words in 36 bytes, the three tokens that the template takes for a message aside.
    assert {key: found[key] for key in ("counted_by", "sample", "bytes_per_token", "train", "test")} == {
        "counted_by": "words",
        "sample": 2,
        "bytes_per_token": 3.6,
        "train": 117,
        "test": 228,
    }
    counter = Counter(tokenizer, model("Phi-3-mini-4k-instruct"))
    own = model("Phi-3-mini-4k-instruct").per_message
    assert counter.count(chat("a b c", "d")) == 4 + 2 * own
    assert [counter.may_exceed(size, 2) for size in (4096 - 2 * own, 4097 - 2 * own)] == [False, True]
    assert not Counter(tokenizer, model("Nobody-7B")).may_exceed(10**9, 2)
    assert Counter(Tokenizer(), model("Phi-4-mini-instruct")).count(chat("é" * 9, "b" * 4)) == 6 + 6  # 22 bytes


def test_what_is_left_of_rows_that_are_cut() -> None:
    shares = {1: 0.0032, 32: 0.104, 64: 0.2079, 96: 0.2652, 128: 0.3226, 200: 0.4516, 1000: 0.9898, 10**6: 1.0}
    assert {most: round(left(MEASURED, most), 4) for most in shares} == shares
    assert (left(MEASURED, None), left({}, 5)) == (1.0, 1.0)


def test_what_a_fine_tune_takes() -> None:
    tokens = {**MEASURED, "train": 10_000_000}
    # 6 x 3.84e9 x 9,678,000 operations at 30 % of 312e12 a second are 0.662 h, on two nodes half; waits of 7 minutes,
    # and 3 more that the second node is paid for.
    recipe = Recipe("Standard_NC24ads_A100_v4", epochs=3, max_seq_length=128, price=2.5, nodes=2)
    assert cost(tokens, "Phi-4-mini-instruct", recipe) == {
        "model": "Phi-4-mini-instruct",
        "vm_size": "Standard_NC24ads_A100_v4",
        "epochs": 3,
        "tokens": 9_678_000,
        "hours": 0.448,
        "cost_usd": 2.07,
    }
    unknown = {"vm_size": "unknown", "epochs": 1, "tokens": 10_000_000, "hours": "unknown", "cost_usd": "unknown"}
    assert cost(tokens, "Nobody-7B", Recipe()) == {"model": "Nobody-7B", **unknown}
    unpriced = cost(tokens, "Phi-4-mini-instruct", Recipe("Standard_NC24ads_A100_v4"))
    assert (unpriced["hours"], unpriced["cost_usd"]) == (0.8, "unknown")


def test_counts_of_two_pieces_are_one() -> None:
    names = ("seen", "places", "passed_over", "bad", "mended", "called", "private_rows", "too_long")
    counters = ("sides", "rejected", "repaired", "shapes", "unused", "aside", "private", "text_bytes", "messages")
    one, two = Stats(), Stats()
    for at, name in enumerate(names, start=1):
        setattr(one, name, at)
        setattr(two, name, 10 * at)
    for at, name in enumerate((*counters, "turns", "lengths"), start=1):
        getattr(one, name)["a"] = at
        getattr(two, name).update({"a": 10 * at, "b": 1})
    one.add(two)
    assert [getattr(one, name) for name in names] == [11 * at for at in range(1, 9)]
    for at, name in enumerate((*counters, "turns", "lengths"), start=1):
        assert getattr(one, name) == {"a": 11 * at, "b": 1}, name


def test_of_a_kind_of_problem_the_first_places_are_kept() -> None:
    kind = Kind()
    kind.add(2, [(1, "a"), (2, "b")])
    kind.add(5, [(3, "c"), (4, "d")])
    assert kind == Kind(7, [(1, "a"), (2, "b"), (3, "c")])


def test_the_sample_is_of_the_smallest_hashes_whatever_the_order() -> None:
    keys = [(at * 7919) % 1000 for at in range(1000)]
    stats, halves = Stats(), (Stats(), Stats())
    for at, key in enumerate(keys):
        for each in (stats, halves[at % 2]):
            assert each.wants(key) == (len(each.sample) < 256 or key < -min(each.sample)[0])
            each.keep(key, [])
    halves[0].add(halves[1])
    for each in (stats, halves[0]):
        assert sorted(-key for key, _ in each.sample) == list(range(256))
    assert not stats.wants(256) and stats.wants(254)


def test_a_row_that_is_not_written_after_all_is_taken_back() -> None:
    stats = counted(("train", 100), ("test", 21))
    stats.turns[2] = 2
    stats.forget(chat("é" * 5, "b" * 11), "test")
    assert (stats.sides, stats.text_bytes, stats.messages) == (
        {"train": 1, "test": 0},
        {"train": 100, "test": 0},
        {"train": 2, "test": 0},
    )
    assert (stats.turns, stats.lengths) == ({2: 1}, {6: 1, 1: 0})


def test_languages_are_guessed_of_the_beginning_and_the_most_frequent_is_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def classify(text: str) -> tuple[str, float]:
        seen.append(text)
        return ("de" if "ü" in text else "en"), 0.0

    monkeypatch.setitem(sys.modules, "py3langid", SimpleNamespace(classify=classify))
    rows = [chat("Wofür", "so"), chat("What", "for"), chat("a" * 390, f"{'b' * 9}ü")]
    assert list(guessed(Stats(sample=list(enumerate(rows)))).items()) == [("en", 2), ("de", 1)]
    assert seen == ["Wofür so", "What for", f"{'a' * 390} {'b' * 9}"]
    assert guessed(Stats()) == {}


@pytest.mark.parametrize(
    ("asked", "answer", "digest"),
    [
        ("Why?", "So.", "f642ddab16d0f0fc"),
        ("How does one  RETURN\tan order, please?", "Press the button on its page.", "3d66d9fcae66fcf9"),
        ("how does one return\n an order, please?", "press the button on its page.", "3d66d9fcae66fcf9"),
        ("请问第7号订单的退货流程是什么", "ok", "84a0a7ec3b8a0cca"),
        ("", "", "39dadb0de5a663a5"),
    ],
)
def test_the_signature_of_a_row_is_what_it_was(asked: str, answer: str, digest: str) -> None:
    """Parts of different machines are compared by it."""
    assert hashlib.sha256(duplicates.signature(chat(asked, answer))).hexdigest()[:16] == digest


def test_the_messages_of_a_line_are_all_behind_their_mark() -> None:
    line = b'{"prompt":"a,\\"messages\\":[","prompt_id":"i","messages":[{"content":"x"}]}\n'
    assert bytes(duplicates.messages_of(line)) == b',"messages":[{"content":"x"}]}\n'
    assert duplicates.content_hash(memoryview(b"Why?")) == 14235998982037040406


def test_marks_that_rows_of_two_sides_have_in_common() -> None:
    marks = np.array([1, 1, 2, 3, 2, 3, 3, 9])
    sides = np.array([0, 1, 0, 2, 1, 1, 0, 2], dtype=np.uint8)
    assert _alike(marks, sides) == {"": 3, "validation": 1, "between": 1}
    found = Duplicates(1, near=2, leaking=3, dropped=4, questions=5, asked=6, third={"asked_between": 7})
    assert found.counted() == {
        "repeated": 1,
        "near": 2,
        "leaking": 3,
        "dropped": 4,
        "questions": 5,
        "asked": 6,
        "asked_between": 7,
    }


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"x" * 2**19] * 5, [b"y" * (2**20 + 1), b"z"]])
def test_a_digest_in_a_thread_is_of_all_that_it_was_given(chunks: list[bytes]) -> None:
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
    assert hasher.hexdigest() == hashlib.sha256(b"".join(chunks)).hexdigest()


def test_where_a_question_lies_is_what_it_was() -> None:
    """Written down, so that a change of a hash, which would move rows of every data set, is noticed."""
    assert point(" Is  7\nODD? ", 0) == point("is 7 odd?", 0) == 17547325675913298048 != point("is 7 odd?", 1)
    assert [at for at in range(20) if is_taken(f"Is {at} odd?", 0, 0.3)] == [9, 10, 13, 15, 16, 19]
    assert [at for at in range(20) if is_mixed_in(f"Is {at} odd?", 0, 0.3)] == [0, 1, 5, 6, 7, 8, 14, 16]
    half = 2**63
    assert [is_below(at, 0.5) for at in (0, half - 1025, half, 2**64 - 1)] == [True, True, False, False]
    assert [side_of(half + at, 0.5, 0.25) for at in (-1025, 0, 2**62 - 1025, 2**62)] == [
        *("test", "validation", "validation", "train")
    ]
    assert side_of(half, 0.25, 0) == "train"


def prepared(path: Path, *prompts: str) -> Path:
    rows = [[{"content": text, "role": "system"}] if text else chat("Why?", "So.") for text in prompts]
    path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("prompts", "asked", "says"),
    [
        ((), "Be.", ""),
        (("", "", "Be."), "", ""),
        (("", "Be."), "", ""),
        (("Be.", "Be."), " Be. ", ""),
        (("Be.", "Do.", "", ""), "X", ""),
        (("Be.", "Do."), "Be.", ""),
        (
            ("Be.", "Be.", "Do.", ""),
            "",
            "3 of 4 conversations to train on begin with a system prompt ('Be.'), and flow.systemPrompt is empty: the "
            "model is asked otherwise than it learnt",
        ),
        (
            ("", "", "Be."),
            "Be.",
            "flow.systemPrompt is set, and 2 of 3 conversations to train on begin without a system prompt: the model "
            "is asked otherwise than it learnt",
        ),
        (
            ("Be\n short.", " Be\n short. ", "Do."),
            "x" * 61,
            f"flow.systemPrompt is '{'x' * 60}…', and 2 of 3 conversations to train on begin with 'Be short.': the "
            "model is asked otherwise than it learnt",
        ),
    ],
)
def test_a_model_is_asked_as_it_was_trained(tmp_path: Path, prompts: tuple[str, ...], asked: str, says: str) -> None:
    assert disagreement(prepared(tmp_path / "x", *prompts), asked) == says


def test_of_a_long_file_the_first_rows_tell(tmp_path: Path) -> None:
    path = prepared(tmp_path / "x", *["Be."] * 2_000, *[""] * 2_001)
    assert disagreement(path, "").startswith("2000 of 2000 conversations to train on begin with a system prompt")
