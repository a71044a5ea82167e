"""What is taken out of texts, rule by rule and word by word, and that all the rest stays as it is."""

from __future__ import annotations

import ast
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings.plain_text import plain
from settings.redaction import RULES, is_secret_name, redact, redact_named
from tests.without import source_of, without

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Canary0q9xPqkT7vN2rB8sLw5dHf3jYz"  # pragma: allowlist secret
HEX = "0123456789abcdef" * 3
JSON, PRIVATE = "eyJ", "RSA PRIVATE"  # beginnings of what the scan of the repository would stop at
PADDED = (CANARY * 3)[:86] + "=="
PASSWORDS = ("password", "passphrase", "passwd")
PAIRED = ("signature", "key", "secret", "credential", "token")
SHORT = ("sig", "code")
NAMES = (r"key\d?", "secret", "credential", "token")
QUOTES = {r"\\{0,8}[\"']": '"', r"\\{0,8}u0022": r"\u0022", "%22": "%22", "&quot;": "&quot;"}

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
    ("spaced pair", "(", f"aws_secret_access_key = {CANARY} stays"),
    ("spaced pair", "(", f"AccountKey= {CANARY} stays"),
    ("option", "(", f"mysql --db-password {CANARY} stays"),
    ("XML", "(", f"<AccountKey>{CANARY}</AccountKey> stays"),
    ("XML", "(", f"<b:ClientSecret>{CANARY}</b:ClientSecret> stays"),
    ("listed before", "(", f'{{"value": "{CANARY}", "permissions": "FULL", "keyName": "key1"}} stays'),
    ("password", "(", f"PULUMI_CONFIG_PASSPHRASE: {CANARY[:12]} stays"),
    ("pwd", "(", f"Uid=me;Pwd={CANARY}; stays"),
    ("bearer", "(", f"sent with bearer {CANARY} stays"),
    ("shared key", "(", f"SharedKey st1:{CANARY}= stays"),
    ("address", "(", f"https://me:{CANARY}@pypi.example.com/simple stays"),
    ("address of one", "(", f"https://{CANARY}@github.com/a/b stays"),
    ("JWT", "eyj", f"it was {JSON}hbGciOiJIUzI1NiJ9.{JSON}hdWQiOiJ4In0.{CANARY}, stays"),
    ("storage key", "[a-z0-9+/]{86}==", f"it was {PADDED}, stays"),
    ("Azure key", "[a-z0-9]{52}jqqj9[9dh]", f"it was {(CANARY * 2)[:52]}JQQJ99{CANARY[:26]}, stays"),
    ("Entra secret", r"\dq~", f"it was abc8Q~{(CANARY * 2)[:34]} stays"),
    *((rule, word, f"it was {start}{(HEX * 2)[:length]}, stays") for rule, word, start, length in (
        ("Hugging Face", "hf_", "hf_", 40), ("GitHub", "h[pousr]_", "ghp_", 40),
        ("GitHub", "ithub_pat_", "github_pat_", 40),
        ("GitHub", "lpat-", "glpat-", 20), ("Pulumi", "pul-", "pul-", 40), ("API key", "sk[_-]", "sk-proj-", 48),
        ("API key", "sk[_-]", "sk_live_", 40), ("AWS", "kia", "AKIA", 16), ("AWS", "sia", "ASIA", 16),
        ("Google", "aiza", "AIza", 35), ("Slack", "xox", "xoxb-", 40), ("package index", "npm_", "npm_", 36),
        ("package index", "dckr_pat_", "dckr_pat_", 40), ("package index", "pypi-", "pypi-", 60),
    )),
    ("private key", "-----begin", f"-----BEGIN {PRIVATE} KEY-----\n{CANARY}\n-----END {PRIVATE} KEY----- stays"),
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
    never = line.replace(part, f"(?!){part}", 1) if part != "(" else line.replace('"(', '"(?!)(', 1)
    assert never != line
    assert leaked(without("settings.redaction", line, never, monkeypatch).redact(text))


def test_every_rule_and_every_word_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} == set(RULES)
    assert _words("_PASSWORD") == PASSWORDS and _words("_SHORT") == SHORT
    assert _words("_PAIRED") == ("_SHORT", *PAIRED, "_PASSWORD")
    assert f'"(?:{"|".join(NAMES)}|{{_PASSWORD}})"' in _line("_NAME")
    assert f'"(?:{"|".join(QUOTES)})"' in _line("_QUOTE")


def _line(name: str) -> str:
    (line,) = (each for each in source_of("settings.redaction")[1].splitlines() if each.startswith(f"{name} = "))
    return line


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-zA-Z_]{3,}", _line(name).split(" = ")[1].split("  #")[0].replace("[a-z_]", "")))


@pytest.mark.parametrize("word", [*SHORT, *PAIRED, *PASSWORDS])
def test_every_word_before_a_value_is_needed(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = _line("_PASSWORD" if word in PASSWORDS else "_SHORT" if word in SHORT else "_PAIRED")
    broken = without("settings.redaction", line, re.sub(rf"\b{word}\b", "none", line), monkeypatch)
    for text in (f"?x=1&{word}={CANARY} stays", f"%26{word}%3D{CANARY} stays", f"%3F{word.title()}%3D{CANARY} stays"):
        assert not leaked(redact(text)) and redact(text).endswith(" stays")
        assert leaked(broken.redact(text))


@pytest.mark.parametrize("word", [*NAMES, *PASSWORDS])
def test_every_name_is_needed(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = {r"key\d?": "primaryKey2"}.get(word, f"access_{word}")
    texts = (f'{{"{name}": "{CANARY}"}}', f"{name}: {CANARY}", f"{name}='{CANARY}'", f"{name} = {CANARY}")
    line = _line("_PASSWORD" if word in PASSWORDS else "_NAME")
    broken = without("settings.redaction", line, line.replace(word, "none", 1), monkeypatch)
    for text in texts:
        assert not leaked(redact(text))
        assert leaked(broken.redact(text))
    assert redact_named(f"finetune-phi:{name}", CANARY) == "***"
    assert not leaked(redact_named("finetune-phi:source", f"x?sig={CANARY}"))


@pytest.mark.parametrize(
    "name",
    [
        "adminPassword",
        "apiKey",
        "clientSecret",
        "accessKey",
        "authToken",
        "sasTokenUri",
        "passphrase",
        "primaryKey",
        "key",
        "keys",
        "key1",
        "API_KEY",
        "TLSKey",
        "accountKey2",
        "connectionString",
        "connectionStrings",
        "InstrumentationKey",
        "sasUri",
        "credentials",
        "secretValue",
        "sharedAccessSignature",
        "aws_secret_access_key",
        "registry-password",
        "keyData",
        "password",
    ],
)
def test_a_name_is_secret_by_a_part_of_it(name: str) -> None:
    assert is_secret_name(name) and redact_named(f"a.b[0].{name}", "hunter2") == "***"


@pytest.mark.parametrize(
    "name",
    [
        "keyName",
        "keyVault",
        "keyVaultProperties",
        "tokenizer",
        "maxTokens",
        "max_new_tokens",
        "secretName",
        "secretsProvider",
        "keyUri",
        "credentialType",
        "disableLocalAuth",
        "allowSharedKeyAccess",
        "publicKey",
        "keyIdentifier",
        "passes",
        "monkey",
        "secretUri",
        "name",
    ],
)
def test_a_name_that_only_speaks_of_secrets_is_none(name: str) -> None:
    assert not is_secret_name(name) and redact_named(f"a.b.{name}", "hunter2") == "hunter2"


@pytest.mark.parametrize("quote", QUOTES)
def test_every_way_to_write_a_quote_is_needed(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = QUOTES[quote]
    text = f"{{{sign}clientSecret{sign}:{sign}{CANARY}{sign},{sign}stays{sign}:1}}"
    assert not leaked(redact(text)) and "stays" in redact(text)
    line = _line("_QUOTE")
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
    assert [(path.name, text) for path, text in said if redact(text) != plain(text) and "Bearer m7" not in text] == []


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
        "Status=403 Code=AuthorizationFailed, exit code=1",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_a_secret_that_a_control_character_cuts_is_one_all_the_same() -> None:
    assert redact(f"AccountKey=\x1b[0m{CANARY}\x07 sig\x00={CANARY}") == "AccountKey=*** sig=***"


def test_upper_case_takes_no_other_place() -> None:
    """Some letters are longer in lower case."""
    assert redact(f"İİİ PASSWORD={CANARY} İ stays") == "İİİ PASSWORD=*** İ stays"


PIECES = (
    "key", "Key=", "sig=", "code=", "token:", "secret", "password", "passwd ", "://", "@", "%3D", "%25",
    "\\", '"', "'",
    "keyName", "value", JSON, "-----BEGIN", "PRIVATE KEY-----", "bearer ", "sharedkey ", "authorization:", "basic ",
    "<", "AccountKey>", "--", "-", " ", "=", ":", "8Q~", "sk-", "hf_", "a1B2", "\n", "}", "&quot;", "u0022",
    "\x1b[", "\x1b]", "\r", ".", "İ", "\x9b0", "pypi-", "AKIA", "xoxb-", "u003d", "[", "/", "+", "==",
)  # fmt: skip
LONG = 40_000


def hostile() -> Iterator[tuple[str, str]]:
    """Forty thousand characters of what the rules begin with: each alone, and mixed by chance."""
    for piece in PIECES:
        yield piece, piece * (LONG // len(piece))
        yield f"{piece} once", piece + "a" * LONG
    chance = random.Random(4)
    for turn in range(15):
        some = chance.sample(PIECES, chance.randint(2, 8))
        yield f"mixed {turn}", "".join(chance.choice(some) for _ in range(LONG))[:LONG]


def test_no_text_takes_longer_than_in_proportion() -> None:
    """A bad line of a log must not hold up an update: 0.1 s for 200 kB, and what is in proportion here is so there."""
    for name, text in hostile():
        began = time.process_time()
        redact(text)
        assert time.process_time() - began < 0.2, name
