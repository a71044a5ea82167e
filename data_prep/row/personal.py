"""Looks for personal data and secrets in the texts, as a report; masks them where asked to.

Patterns, not proof: a hit is a reason to look, and no hit is no guarantee.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from data_prep.row.prefilter import Prefilter

_NUMBER = re.compile(
    r"\d[\d .()/-]{5,}\d|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:", re.ASCII
)  # part of every kind that is made of digits
_RUN = r"[0-9](?:[ .()/-]*[0-9]){6}"  # seven digits, separators aside: the least that a card or phone number has
_SEVEN = re.compile(_RUN)
_ADDRESS = r"[0-9]\.[0-9]{1,3}\.|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"


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


def _phone(text: str) -> bool:
    """As many digits as the numbers of a country have; a date has eight."""
    least = 7 if text.startswith("+") else 9
    return least <= sum(character.isdigit() for character in text) <= 15


def _address(text: str) -> bool:
    """Of version 6, eight groups, or fewer around two colons; a time of day is none."""
    try:
        return "." in text or bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _any(_: str) -> bool:
    return True


Check = Callable[[str], bool]
_DIGIT_PATTERNS: dict[str, tuple[str, Check]] = {
    "iban": (r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){3,7}(?: ?[A-Za-z0-9]{1,3})?\b", _iban),
    "card": (r"(?<![\d.+-])(?:\d[ -]?){12,18}\d(?!\d|[.-]\d)", _luhn),
    "us-ssn": (r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", _long),
    "phone": (
        r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"
        # As written in their own country: with a 0 before (most of Europe, the UK, Japan); China, India, Brazil.
        r"|\(?0\d{1,4}\)?(?:[ /.-]{1,2}\d{2,8}){1,5}|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|[6-9]\d{4}[ -]\d{5}"
        r"|\(\d{2}\) ?9?\d{4}[ -]\d{4})(?![\w-]|[.,]\d)",
        _phone,
    ),
    "ip-address": (
        r"(?<![\w.])(?<!ersion )(?<!elease )(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"
        r"|(?<![\w:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7}(?![\w:])",
        _address,
    ),
}
_SIGN_PATTERNS: dict[str, tuple[tuple[str, ...], str]] = {
    # kind: (what a match begins with, an e-mail address and a private key aside, which have it inside; the pattern)
    "email": (("@",), r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    "private-key": (
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]*-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
    "azure-key": (
        ("AccountKey=", "SharedAccessKey=", "sig=", "Q~", "JQQJ9"),  # of storage, a signed address, Entra, AI services
        r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}|\bsig=[A-Za-z0-9%+/_-]{40,}={0,2}"
        r"|(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}|(?<!\w)[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{26,}={0,2}",
    ),
    "aws-key": (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "github-token": (
        ("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_"),
        r"\b(?:gh[porsu]_[A-Za-z0-9]{36,}|github_pat_\w{40,})\b",
    ),
    "hugging-face-token": (("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    "api-key": (
        ("sk-", "sk_live_", "AIza", "glpat-", "npm_", "pypi-", "SG."),
        r"\b(?:sk-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{20,}|AIza[\w-]{35}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{36}"
        r"|pypi-[\w-]{50,}|SG\.[\w-]{16,}\.[\w-]{16,})",
    ),
    "slack-token": (
        ("xox", "hooks.slack.com/"),
        r"\b(?:xox[abprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9/]{20,})",
    ),
    "json-web-token": (("eyJ",), r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "password": (
        (
            *("password", "passwd", "pwd", "passwort", "kennwort", "passphrase", "mot de passe", "contrase", "senha"),
            *(
                "wachtwoord",
                "has\u0142o",
                "\u043f\u0430\u0440\u043e\u043b\u044c",
                "\u041f\u0430\u0440\u043e\u043b\u044c",
            ),
            *("\u5bc6\u7801", "\u5bc6\u78bc", "\u30d1\u30b9\u30ef\u30fc\u30c9", "\ube44\ubc00\ubc88\ud638", "://"),
            *("secret", "api_key", "api-key", "apikey", "access_key", "auth_token"),
        ),
        r"(?:\b(?ai:password|passwd|pwd|passwort|kennwort|passphrase|mot de passe|contrase[\u00f1n]a|senha"
        r"|wachtwoord|has\u0142o)|[\u041f\u043f]\u0430\u0440\u043e\u043b\u044c|\u5bc6[\u7801\u78bc]|\u30d1\u30b9\u30ef\u30fc\u30c9"
        r"|\ube44\ubc00\ubc88\ud638)[\"']?\s{0,3}[=:\uff1a]\s{0,3}[\"']?[^\s\"',;]{6,}"
        r"|(?<=://)[^\s/:@]{1,64}:[^\s/:@]{3,64}@"  # of a user, in an address
        r"|(?ai:secret(?:_access_key|_key)?|api[_-]?key|access_key|auth_token)[\"']?\s{0,3}[=:]\s{0,3}[\"']?"
        r"[A-Za-z0-9+/_~.-]{16,}",
    ),
}
_BY_PATTERN = {
    "://": r"://[^\s/:@]{1,256}:[^\s/:@]{3,256}@",
    "secret": r"secret[a-z_]{0,20}[\"']?\s{0,3}[=:]",
    "pwd": r"pwd[^a-z]",
    "xox": r"xox[abprs]-",
}
"""Signs that many harmless texts have: what has to be around them, too, before anybody looks."""
_CASELESS = ("password",)
_INSIDE = ("email", "azure-key", "password")  # kinds whose matches may begin before the sign
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")  # str.lower() may change the length

_DIGIT_KINDS = {kind: (re.compile(pattern, re.ASCII), check) for kind, (pattern, check) in _DIGIT_PATTERNS.items()}
_SIGN_KINDS = {kind: (signs, re.compile(pattern)) for kind, (signs, pattern) in _SIGN_PATTERNS.items()}
KINDS = (*_SIGN_KINDS, *_DIGIT_KINDS)


def _expression(kind: str) -> bytes:
    signs = "|".join(_BY_PATTERN.get(sign, re.escape(sign)) for sign in _SIGN_KINDS[kind][0])
    return (f"(?i:{signs})" if kind in _CASELESS else signs).encode()


_PREFILTER = Prefilter((*map(_expression, _SIGN_KINDS), f"{_RUN}|{_ADDRESS}".encode()))
_OF_DIGITS = len(_SIGN_KINDS)  # the number of the last one


def suspicious(text: bytes | memoryview) -> bool:
    """Whether a text, in UTF-8, may hold anything at all that is looked for; far faster than looking."""
    return _PREFILTER.matches(text)


def found(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of everything found; nothing twice, in the text's order within a kind."""
    taken: list[tuple[int, int]] = []
    possible = _PREFILTER.which(text.encode(errors="replace"))
    for number, (kind, (signs, pattern)) in enumerate(_SIGN_KINDS.items()):
        if number in possible:
            searched = text.translate(_LOWER) if kind in _CASELESS else text
            places = sorted(at for sign in signs for at in _places(searched, sign))
            yield from _free(kind, _around(kind, pattern, text, places), _any, taken)
    if _OF_DIGITS in possible:
        windows = [(max(0, match.start() - 12), match.end() + 40) for match in _NUMBER.finditer(text)]
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
        if kind in _INSIDE:
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


def masked_in(value: Any) -> Any:
    """``value`` with all its texts masked, however deep; one that is nested too deeply is not handed on."""
    try:
        return _masked_in(value)
    except RecursionError:
        return "nested too deeply to be masked"


def _masked_in(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _masked_in(each) for key, each in value.items()}
    return [_masked_in(each) for each in value] if isinstance(value, list | tuple) else value


def masked(text: str) -> str:
    """``text`` with ``[EMAIL]``, ``[CARD]`` and so on in place of what is found."""
    for kind, start, end in sorted(found(text), key=lambda hit: -hit[1]):
        text = f"{text[:start]}[{kind.upper()}]{text[end:]}"
    return text
