"""A text as its words, so that two ways of writing the same are the same: for any script, and for names like C++."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_UNSPACED = (
    # No blanks between words, or endings that grow onto them: each character counts as a word.
    *("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "YI "),
    *("KATAKANA-HIRAGANA", "JAVANESE", "BALINESE"),
)
_ACCENTED = ("LATIN", "GREEK")
_NUMBER = re.compile(
    r"(?<![\w.])[-\u2212]?(?<!\d[-\u2212])"
    r"(?:\d{1,3}(?:(?P<mark>[,.'\u2019_])\d{3})(?:(?P=mark)\d{3})*(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?!\w|[.,]\d)"
)
_BLANKS = re.compile(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3})")
"""Between the thousands of a number; NFKC makes them blanks like any other."""
_MOST_SIGNS = 2  # C++, C#
_WIDTH = 2
"""How much a character of a script without blanks counts, measured in letters."""


@lru_cache(8192)
def _kind(character: str) -> str:
    name = unicodedata.name(character, "")
    if name.startswith(_UNSPACED):
        return "unspaced"
    return "accented" if name.startswith(_ACCENTED) else ""


def words(text: str) -> list[str]:
    """The words of ``text``: without case, punctuation and the accents of Latin and Greek letters; a number once,
    however its thousands are grouped; each character of a script that has no blanks."""
    plain = _plain(text)
    found: list[str] = []
    at = 0
    for match in _NUMBER.finditer(plain):
        found += _named(plain[at : match.start()])
        found.append(_number(match))
        at = match.end()
    return found + _named(plain[at:])


def numbers(text: str) -> list[float]:
    """The numbers in ``text``, however their thousands are grouped."""
    return [float(_number(match)) for match in _NUMBER.finditer(_plain(text))]


def number_in(text: str) -> float | None:
    """The number that ``text`` is; None for another text."""
    match = _NUMBER.fullmatch(_plain(text).strip())
    return float(_number(match)) if match else None


def _plain(text: str) -> str:
    made: list[str] = []
    for character in unicodedata.normalize("NFKC", _BLANKS.sub("'", text)).casefold():
        if character.isascii():
            made.append(character)
        elif character.isdigit():
            made.append(str(unicodedata.digit(character)))
        elif _kind(character) == "unspaced":
            made.append(f" {character} ")
        elif _kind(character) == "accented":
            made.append("".join(sign for sign in unicodedata.normalize("NFKD", character) if sign.isalnum()))
        elif not _is_point(character):
            made.append(character)
    return "".join(made)


def _is_point(character: str) -> bool:
    """Marks that are left out as often as written: accents by themselves, vowels of Arabic and Hebrew."""
    code = ord(character)
    return 0x300 <= code <= 0x36F or 0x591 <= code <= 0x5C7 or 0x64B <= code <= 0x65F or code == 0x670


def _named(text: str) -> list[str]:
    spaced = "".join(sign if _spells(sign) else " " for sign in text).split()
    return [word for each in spaced for word in _parted(each)]


def _spells(sign: str) -> bool:
    """Vowel signs and their like are part of a word."""
    return sign.isalnum() or sign in "_+#." or unicodedata.category(sign).startswith("M")


def _parted(text: str) -> Iterator[str]:
    """The words of ``x+y`` and ``asp.net``; ``c++``, ``c#`` and ``.net`` are names."""
    for number, part in enumerate(text.split(".")):
        pieces = re.findall(r"[^+#]+|[+#]+", part)
        for at, piece in enumerate(pieces):
            if piece[0] in "+#":
                continue
            last = pieces[at + 1] if at + 2 == len(pieces) and len(pieces[at + 1]) <= _MOST_SIGNS else ""
            yield f"{'.' if number == 1 and at == 0 and text.startswith('.') else ''}{piece}{last}"


def _number(match: re.Match[str]) -> str:
    text, mark = match[0].replace("\u2212", "-"), match["mark"]
    if mark and not (mark in ".," and text.lstrip("-").startswith("0")):
        text = text.replace(mark, "")
    text = text.replace(",", ".")
    return text.rstrip("0").rstrip(".") if "." in text else text


def length(found: list[str]) -> int:
    """How much is said, in letters."""
    return sum(_WIDTH if _alone(word) else len(word) + 1 for word in found)


def joined(found: list[str]) -> str:
    """Words as a text to compare others with: no blank beside a character of a script that has none."""
    parts: list[str] = []
    for before, word in zip(["", *found], found, strict=False):
        parts.append(word if not before or (_alone(before) and _alone(word)) else f" {word}")
    return "".join(parts)


def _alone(word: str) -> bool:
    return len(word) == 1 and _kind(word) == "unspaced"
