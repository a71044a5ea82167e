"""Looks for personal data and secrets in the texts, as a report; masks them where asked to.

Patterns, not proof: a hit is a reason to look, and no hit is no guarantee.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from data_prep.row.prefilter import Prefilter

_NUMBER = re.compile(r"\d[\d .()-]{5,}\d", re.ASCII)  # part of every kind that is made of digits
_RUN = r"[0-9](?:[ .()-]*[0-9]){6}"  # seven digits, separators aside: the least that a card or phone number has
_SEVEN = re.compile(_RUN)
_ADDRESS = r"[0-9]\.[0-9]{1,3}\."


def _luhn(text: str) -> bool:
    """The check digit of payment cards."""
    digits = [int(character) for character in text if character.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = [digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: the rearranged number is 1 modulo 97."""
    compact = text.replace(" ", "")
    return _long(compact) and int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _long(text: str) -> bool:
    """Seven digits in a row, separators aside."""
    return _SEVEN.search(text) is not None


def _any(_: str) -> bool:
    return True


Check = Callable[[str], bool]
_DIGIT_PATTERNS: dict[str, tuple[str, Check]] = {
    "iban": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b", _iban),
    "card": (r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?!\d|[.-]\d)", _luhn),
    "us-ssn": (r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", _long),
    "phone": (
        r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?![\w-])",
        _long,
    ),
    "ip-address": (r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])", _any),
}
_SIGN_PATTERNS: dict[str, tuple[tuple[str, ...], str]] = {
    # kind: (what a match begins with, an e-mail address and a private key aside, which have it inside; the pattern)
    "email": (("@",), r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    "private-key": (
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]*-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
    "azure-key": (("AccountKey=", "SharedAccessKey="), r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    "aws-key": (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "github-token": (("ghp_", "gho_", "ghs_", "github_pat_"), r"\b(?:gh[pos]_[A-Za-z0-9]{36,}|github_pat_\w{40,})\b"),
    "hugging-face-token": (("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    "api-key": (("sk-", "sk_live_", "AIza"), r"\b(?:sk-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{20,}|AIza[\w-]{35})"),
    "slack-token": (("xox",), r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "json-web-token": (("eyJ",), r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "password": (
        ("password", "passwd", "pwd"),
        r"\b(?ai:password|passwd|pwd)\s{0,3}[=:]\s{0,3}[\"']?[^\s\"',;]{6,}",
    ),
}
_CASELESS = ("password",)
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")  # str.lower() may change the length

_DIGIT_KINDS = {kind: (re.compile(pattern, re.ASCII), check) for kind, (pattern, check) in _DIGIT_PATTERNS.items()}
_SIGN_KINDS = {kind: (signs, re.compile(pattern)) for kind, (signs, pattern) in _SIGN_PATTERNS.items()}
KINDS = (*_SIGN_KINDS, *_DIGIT_KINDS)


def _expression(kind: str) -> bytes:
    signs = "|".join(re.escape(sign) for sign in _SIGN_KINDS[kind][0])
    return (f"(?i:{signs})" if kind in _CASELESS else signs).encode()


_PREFILTER = Prefilter((*map(_expression, _SIGN_KINDS), f"{_RUN}|{_ADDRESS}".encode()))
_OF_DIGITS = len(_SIGN_KINDS)  # the number of the last one


def suspicious(text: bytes | memoryview) -> bool:
    """Whether a text, in UTF-8, may hold anything at all that is looked for; far faster than looking."""
    return _PREFILTER.matches(text)


def found(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of everything found; nothing twice, in the text's order within a kind."""
    taken: list[tuple[int, int]] = []
    possible = _PREFILTER.which(text.encode())
    for number, (kind, (signs, pattern)) in enumerate(_SIGN_KINDS.items()):
        if number in possible:
            searched = text.translate(_LOWER) if kind in _CASELESS else text
            places = sorted(at for sign in signs for at in _places(searched, sign))
            yield from _free(kind, _around(kind, pattern, text, places), _any, taken)
    if _OF_DIGITS in possible:
        windows = [(max(0, match.start() - 12), match.end() + 24) for match in _NUMBER.finditer(text)]
        for kind, (pattern, check) in _DIGIT_KINDS.items():
            matches = (match for window in windows for match in pattern.finditer(text, *window))
            yield from _free(kind, matches, check, taken)


def _places(text: str, sign: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


def _around(kind: str, pattern: re.Pattern[str], text: str, places: list[int]) -> Iterator[re.Match[str]]:
    """Matches where the signs are: a search through all of the text would try every word."""
    if kind == "private-key":
        yield from pattern.finditer(text)
    for at in places if kind != "private-key" else ():
        if kind == "email":
            yield from pattern.finditer(text, max(0, at - 65), at + 256)
        elif match := pattern.match(text, at):
            yield match


def _free(
    kind: str, matches: Iterable[re.Match[str]], check: Check, taken: list[tuple[int, int]]
) -> Iterator[tuple[str, int, int]]:
    for match in matches:
        start, end = match.span()
        if check(match[0]) and not any(start < other[1] and other[0] < end for other in taken):
            taken.append((start, end))
            yield kind, start, end


def counts(record: dict[str, Any]) -> dict[str, int]:
    """Kind → how often it is in the messages of ``record``."""
    return Counter(kind for message in record["messages"] for kind, _, _ in found(message["content"]))


def masked(text: str) -> str:
    """``text`` with ``[EMAIL]``, ``[CARD]`` and so on in place of what is found."""
    for kind, start, end in sorted(found(text), key=lambda hit: -hit[1]):
        text = f"{text[:start]}[{kind.upper()}]{text[end:]}"
    return text
