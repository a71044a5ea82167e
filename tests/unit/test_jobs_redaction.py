"""What is taken out of texts, rule by rule and word by word, and that all the rest stays as it is."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings.redaction import RULES, redact, redact_named
from tests.without import source_of, without

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Canary0q9xPqkT7vN2rB8sLw5dHf3jYz"  # pragma: allowlist secret
HEX = "0123456789abcdef" * 3
JSON, PRIVATE = "eyJ", "RSA PRIVATE"  # beginnings of what the scan of the repository would stop at
PADDED = (CANARY * 3)[:86] + "=="
PAIRED = ("sig", "code", "signature", "key", "secret", "password", "token")
NAMES = (r"key\d?", "secret", "password", "token")
QUOTES = {r"\\*[\"']": '"', r"\\*u0022": r"\u0022", "%22": "%22", "&quot;": "&quot;"}

CASES = [
    ("pair", "(", f"https://st.example/c?sv=1&sig={CANARY}&sp=r stays"),
    ("pair", "(", rf"https:\/\/st\/c?sv=1\u0026sig\u003dAb\u002B{CANARY}\u0026sp=r stays"),
    ("encoded pair", "(", f"u=a%3Fsv%3D1%26sig%3D{CANARY}%26sp%3Dr stays"),
    ("encoded pair", "(", f"u=a%253Fsig%253D{CANARY}%2526x stays"),
    *(("JSON", "(", f"{{{q}primaryKey{q}: {q}{CANARY}{q}, {q}stays{q}: 1}}") for q in ('"', "'", r"\"", r"\\\"")),
    ("JSON", "(", f'--password="{CANARY}" stays'),
    ("JSON", "(", f'{{"password": "a\\"{CANARY}", "stays": 1}}'),  # pragma: allowlist secret
    ("listed", "(", f'{{"keyName": "key1", "value": "{CANARY}", "stays": "FULL"}}'),
    ("line", "(", f"api-key: {CANARY} stays"),
    ("line", "(", f"Ocp-Apim-Subscription-Key:{CANARY}\r\nstays"),
    *(("header", word, f"Authorization: {name} {CANARY[:12]}, stays") for word, name in (
        ("basic", "Basic"), ("sharedkey(?:lite)?", "SharedKeyLite"),
    )),
    ("bearer", "(", f"sent with bearer {CANARY} stays"),
    ("shared key", "(", f"SharedKey st1:{CANARY}= stays"),
    ("address", "(", f"https://me:{CANARY}@pypi.example.com/simple stays"),
    ("JWT", r"(\b)", f"it was {JSON}hbGciOiJIUzI1NiJ9.{JSON}hdWQiOiJ4In0.{CANARY}, stays"),
    ("Azure key", "[a-z0-9+/]{86}==", f"it was {PADDED}, stays"),
    ("Azure key", "[a-z0-9]{52}JQQJ9[9DH]", f"it was {(CANARY * 2)[:52]}JQQJ99{CANARY[:26]}, stays"),
    *(("access token", word, f"it was {start}{HEX[:40]}, stays") for word, start in (
        (r"hf_\w{30,}", "hf_"), ("gh[pousr]_", "ghp_"), ("github_pat_", "github_pat_"), ("pul-", "pul-"),
    )),
    ("private key", "()-----", f"-----BEGIN {PRIVATE} KEY-----\n{CANARY}\n-----END {PRIVATE} KEY----- stays"),
]  # fmt: skip


def leaked(text: str) -> bool:
    return CANARY[:12] in text or HEX[:16] in text


@pytest.mark.parametrize(("rule", "part", "text"), CASES, ids=[f"{rule}: {text}" for rule, _, text in CASES])
def test_each_part_of_a_rule_is_needed(rule: str, part: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaked(text)
    assert not leaked(redact(text)) and "***" in redact(text) and "stays" in redact(text)
    assert redact(redact(text)) == redact(text)
    _, source = source_of("settings.redaction")
    (line,) = (each for each in source.splitlines() if each.startswith(f'    "{rule}": '))
    never = line.replace(part, f"(?!){part}", 1)
    assert leaked(without("settings.redaction", line, never, monkeypatch).redact(text))


def test_every_rule_and_every_word_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} == set(RULES)
    lines = {line.split(" = ")[0]: line for line in source_of("settings.redaction")[1].splitlines() if " = " in line}
    assert re.findall(r"[a-z]{3,}", lines["_PAIRED"]) == list(PAIRED)
    assert f'"(?:{"|".join(NAMES)})"' in lines["_NAME"]
    assert f'"(?:{"|".join(QUOTES)})"' in lines["_QUOTE"]


@pytest.mark.parametrize("word", PAIRED)
def test_every_word_before_a_value_is_needed(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = (each for each in source_of("settings.redaction")[1].splitlines() if each.startswith("_PAIRED"))
    broken = without("settings.redaction", line, re.sub(rf"\b{word}\b", "none", line), monkeypatch)
    for text in (f"?x=1&{word}={CANARY} stays", f"%26{word}%3D{CANARY} stays"):
        assert not leaked(redact(text)) and redact(text).endswith(" stays")
        assert leaked(broken.redact(text))


@pytest.mark.parametrize("word", NAMES)
def test_every_name_is_needed(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = {r"key\d?": "primaryKey2"}.get(word, f"access_{word}")
    texts = (f'{{"{name}": "{CANARY}"}}', f"{name}: {CANARY}", f"{name}='{CANARY}'")
    whole = r"(?:key\d?|secret|password|token)"
    broken = without(
        "settings.redaction", f'_NAME = r"{whole}"', f'_NAME = r"{whole.replace(word, "none")}"', monkeypatch
    )
    for text in texts:
        assert not leaked(redact(text))
        assert leaked(broken.redact(text))
    assert redact_named(f"finetune-phi:{name}", CANARY) == "***"
    assert not leaked(redact_named("finetune-phi:source", f"x?sig={CANARY}"))
    assert leaked(broken.redact_named(f"finetune-phi:{name}", CANARY))


@pytest.mark.parametrize("quote", QUOTES)
def test_every_way_to_write_a_quote_is_needed(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = QUOTES[quote]
    text = f"{{{sign}clientSecret{sign}:{sign}{CANARY}{sign},{sign}stays{sign}:1}}"
    assert not leaked(redact(text)) and "stays" in redact(text)
    (line,) = (each for each in source_of("settings.redaction")[1].splitlines() if each.startswith("_QUOTE"))
    assert leaked(without("settings.redaction", line, line.replace(quote, "(?!)", 1), monkeypatch).redact(text))


def sentences() -> Iterator[tuple[Path, str]]:
    """Whatever this program says, as its source has it, and what its pages show."""
    for room in ("settings", "cloud", "chat", "jobs", "infra", "flow", "review", "policy", "data_prep", "toolchain"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = (each.value if isinstance(each, ast.Constant) else "m726cc6fc0ca6" for each in node.values)
                    yield path, "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path, node.value
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        yield from ((path, line) for line in path.read_text().splitlines())


def test_what_the_program_says_and_its_pages_show_stays_as_it_is() -> None:
    said = list(sentences())  # with a made-up name in each gap, which is a token where a header is put together
    assert len(said) > 10_000
    assert [(path.name, text) for path, text in said if redact(text) != text and "Bearer m7" not in text] == []


@pytest.mark.parametrize(
    "text",
    [
        'Bearer authorization_uri="https://login.microsoftonline.com/x", error="invalid_token"',
        "the bearer token is invalid, max_new_tokens=128, exit with status 137",
        "AuthorizationFailed: The client 'c3' does not have authorization to perform action '.../listKeys/action'",
        "resource key: finetune-phi, api-key: required, KeyError: 'messages'",
        '{"keyType": "Primary", "tokens": 8, "tokenizer": "auto"}',
        "https://ml.azure.com/runs/finetune-0f3a-1?wsid=/subscriptions/0/resourceGroups/rg&tid=1",
        "job finetune-6d1f9e2c7b3a-1 is Running, dataset 5f2c9b1e7a3d4c6f8b0a1d2e3f4a5b6c7d8e9f0a",
        "integrity sha512-" + "Ab1+" * 21 + "Ab==",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_a_long_log_takes_no_noticeable_time() -> None:
    line = "2026-01-01 12:00:00 step 120/5000 loss=0.1234 https://a.example/b?c=d key token: " + "x1" * 2_000
    began = time.process_time()
    for _ in range(200):
        redact(line)
    assert time.process_time() - began < 5
