"""Texts as words, in any script, and how nearly right an answer is."""

from __future__ import annotations

import pytest

from jobs.golden import checks
from jobs.golden.questions import Check, Question
from jobs.golden.words import joined, length, number_in, numbers, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's PARIS, isn't it?", ["it", "s", "paris", "isn", "t", "it"]),
        ("Café ÀÉ ἀρχή", ["cafe", "ae", "αρχη"]),
        ("naïve ﬁn", ["naive", "fin"]),
        ("й ё", ["й", "ё"]),  # of other letters an accent is a part
        ("snake_case a-b", ["snake_case", "a", "b"]),
        ("C++ c# F# x++++ +a a+b", ["c++", "c#", "f#", "x", "a", "a", "b"]),
        (".NET asp.net ... .a.b", [".net", "asp", "net", ".a", "b"]),
        ("東京", ["東", "京"]),
        ("ひら", ["ひ", "ら"]),
        ("カー", ["カ", "ー"]),
        ("ㄅㄆ", ["ㄅ", "ㄆ"]),
        ("파리", ["파", "리"]),
        ("กข", ["ก", "ข"]),
        ("ກຂ", ["ກ", "ຂ"]),
        ("កខ", ["ក", "ខ"]),
        ("ကခ", ["က", "ခ"]),
        ("ཀཁ", ["ཀ", "ཁ"]),
        ("ꀀꀁ", ["ꀀ", "ꀁ"]),
        ("ꦲꦤ", ["ꦲ", "ꦤ"]),
        ("ᬅᬆ", ["ᬅ", "ᬆ"]),
        ("हिन्दी शब्द", ["हिन्दी", "शब्द"]),
        ("שָׁלוֹם", ["שלום"]),
        ("مُحَمَّد ٱ", ["محمد", "ٱ"]),
        ("٣٤ ۵", ["34", "5"]),
        ("a\u0300b", ["ab"]),
        ("1,000 m", ["1000", "m"]),
        ("1.000,50", ["1000.5"]),
        ("1'000 1\u2019000 1_000", ["1000", "1000", "1000"]),
        ("1\u00a0000 1\u202f000 12\u2009345\u2009678 1 000", ["1000", "1000", "12345678", "1", "000"]),
        ("a\u00a0b 7\u00a0days 5\u00a0000,5", ["a", "b", "7", "days", "5000.5"]),
        ("0,123 0.5 0.50 3,0", ["0.123", "0.5", "0.5", "3"]),
        ("-0,123 −5 -5", ["-0.123", "-5", "-5"]),
        ("5-10 5−10", ["5", "10", "5", "10"]),
        ("12.5.3 3rd x7 7x", ["12", "5", "3", "3rd", "x7", "7x"]),
        ("12,345,678", ["12345678"]),
        ("1,000.000", ["1000"]),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_numbers() -> None:
    assert numbers("From 1,000 to -2.5, or 3rd") == [1000.0, -2.5]
    assert [number_in(text) for text in (" 8,849 ", "-0.5", "two", "1 or 2", "")] == [8849.0, -0.5, None, None, None]


@pytest.mark.parametrize(
    ("found", "text", "letters"),
    [
        (["a", "bc"], "a bc", 5),
        (["東", "京", "a", "東"], "東京 a 東", 8),
        (["東", "a", "b"], "東 a b", 6),
        ([], "", 0),
    ],
)
def test_words_as_a_text_and_how_much_is_said(found: list[str], text: str, letters: int) -> None:
    assert joined(found) == text
    assert length(found) == letters


def score(answer: str, right: str) -> tuple[float, bool]:
    points, exact = checks.score(answer, [right])
    return round(points, 4), exact


def test_how_nearly_an_answer_is_right() -> None:
    assert score("the quick brown fox", "quick brown") == (1.0, True)
    assert score("abcdefghijk", "abcdefghijz") == (0.0, False), "what is no longer than 12 letters is there or not"
    assert score("abcdefghijkl", "abcdefghijkz") == (0.9565, False)
    assert score("abcdefghijkl mnop", "abcdefghijkz") == (0.9565, False), "the best place in a longer answer"
    assert score("abcdefghijkl", "abcdefghijklmnop") == (0.8571, False), "of a shorter one what it has"
    assert score("543210ihgfedcba", "zyxwvuihgfedcba") == (0.75, False)
    assert score("6543210jihgfedcba", "tzyxwvujihgfedcba") == (0.0, False), "less than three quarters is nothing"
    assert checks.score("Paris", ["", "!"]) == (0.0, False)
    assert checks.score("", [""]) == (0.0, False)
    assert checks.score("abcdefghijkl", ["abcdefghijkz", "abcdefghixyz", "abcdefghijkl"]) == (1.0, True)
    assert checks.score("abcdefghijkl", ["abcdefghijkz", "abcdefghi123"])[0] == pytest.approx(0.9565, abs=1e-4)


def points(kind: str, answer: str, *right: str, tolerance: float = 0.0, never: tuple[str, ...] = ()) -> float:
    check = Check(kind=kind, tolerance=tolerance, never=never)
    found, exact = checks.points(answer, Question("?", right, check))
    assert exact is (found == 1.0)
    return round(found, 4)


def test_each_kind_of_check() -> None:
    assert points("all", "a b", "a", "b", "c") == 0.6667
    assert points("all", "a b", "", "b") == 0.5
    assert points("regex", "x" * 9_999 + "y", "y") == 1.0
    assert points("regex", "x" * 10_000 + "y", "y") == 0.0
    assert points("regex", "b", "a", "b") == 1.0
    assert points("number", "0.3", "0.1", "0.30000000001") == 1.0
    assert points("number", "0.3", "0.300001") == 0.0
    assert points("number", "10", "12", tolerance=2) == 1.0
    assert points("number", "10", "12.1", tolerance=2) == 0.0
    assert points("number", "10 or 11", "11", "12") == 1.0
    assert points("number", "none", "11") == 0.0
    assert points("exact", "Paris!", "Lyon", "paris") == 1.0
    assert points("exact", "Paris, France", "Paris") == 0.0
    assert points("similarity", "abcd", "abcd") == 1.0
    assert points("similarity", "abcd", "xxxx", "abcx") == 0.75
    assert points("any", "Paris", "Paris", never=("Lyon",)) == 1.0
    assert points("any", "Paris and Lyon", "Paris", never=("Rome", "Lyon")) == 0.0
    assert points("similarity", "Lyon", "Lyon", never=("!",)) == 1.0, "what has no word is in nothing"
