"""What is found of personal data and secrets in the world's ways of writing them, and what is not taken for any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.prepare import Request, prepare
from data_prep.row import personal


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "06 12 34 56 78"),
        ("phone", "030/1234567"),
        ("phone", "020 7946 0958"),
        ("phone", "98765 43210"),
        ("phone", "138 0013 8000"),
        ("phone", "(11) 98765-4321"),
        ("phone", "090-1234-5678"),
        ("phone", "+4915112345678"),
        ("ip-address", "2001:db8:85a3::8a2e:370:7334"),
        ("ip-address", "192.168.10.20"),
        ("iban", "de89370400440532013000"),
        ("azure-key", "sig=" + "a%2Fb" * 12),
        ("azure-key", "x.Y8Q~" + "a" * 33),
        ("azure-key", "A" * 52 + "JQQJ99" + "B" * 30),
        ("password", "aws_secret_access_key = " + "wJal" * 10),
        ("password", "Passwort: geheim123"),  # pragma: allowlist secret
        ("password", "mot de passe : geheim1"),
        ("password", "\u5bc6\u7801\uff1aabc12345"),
        ("password", "\u043f\u0430\u0440\u043e\u043b\u044c: abc12345"),
        ("password", "postgres://bob:" + "geheim1@db/x"),
        ("github-token", "ghu_" + "a" * 36),
        ("api-key", "glpat-" + "a" * 20),
        ("api-key", "npm_" + "a" * 36),
        ("api-key", "SG." + "a" * 22 + "." + "b" * 43),
        ("slack-token", "hooks.slack.com/services/T000/B000/" + "x" * 24),
    ],
)
def test_what_is_found(kind: str, text: str) -> None:
    said = f"Before {text} after"
    assert personal.suspicious(said.encode())
    assert [found for found, _, _ in personal.found(said)] == [kind]
    assert personal.masked(said).startswith("Before ") and f"[{kind.upper()}]" in personal.masked(said)


WORDS = (
    "password passwd pwd passwort kennwort passphrase senha wachtwoord Contrase\u00f1a contrasena has\u0142o "
    "\u041f\u0430\u0440\u043e\u043b\u044c \u5bc6\u78bc \u30d1\u30b9\u30ef\u30fc\u30c9 \ube44\ubc00\ubc88\ud638 "
    "secret secret_key secret_access_key api_key api-key apikey access_key auth_token client_secret"
)


@pytest.mark.parametrize("word", WORDS.split())
@pytest.mark.parametrize("between", ["=", ": ", '"  :  "', " = '"])
def test_a_secret_is_known_by_the_word_before_it(word: str, between: str) -> None:
    for written in (word, word.upper(), word.capitalize()) if word.isascii() else (word,):
        said = f"Before {written}{between}{'a1' * 8} after"
        assert personal.suspicious(said.encode())
        assert [kind for kind, _, _ in personal.found(said)] == ["password"], said


@pytest.mark.parametrize(
    ("kind", "signs", "rest"),
    [
        ("github-token", "ghp_ gho_ ghs_ ghu_ ghr_ github_pat_", "a" * 40),
        ("api-key", "sk- sk_live_ AIza glpat- npm_ pypi-", "a" * 36),
        ("slack-token", "xoxa- xoxb- xoxp- xoxr- xoxs-", "a" * 10),
        ("aws-key", "AKIA ASIA", "A" * 16),
    ],
)
def test_a_key_is_known_by_what_it_begins_with(kind: str, signs: str, rest: str) -> None:
    for sign in signs.split():
        key = sign + {"AIza": "a" * 35, "pypi-": "a" * 50}.get(sign, rest)
        assert [(found, start, end) for found, start, end in personal.found(f"a {key}.")] == [(kind, 2, 2 + len(key))]
        assert list(personal.found(f"a {sign}{'a' * 5}.")) == []


def test_masks_take_the_place_of_all_texts_however_deep() -> None:
    mail = "ann@example.org"
    assert personal.masked_in({mail: [mail, (mail, 5)], "x": {"y": None}}) == {
        mail: ["[EMAIL]", ["[EMAIL]", 5]],
        "x": {"y": None},
    }
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert personal.masked_in(deep) == "nested too deeply to be masked"
    record = {"messages": [{"content": f"{mail} {mail}"}, {"content": "10.0.0.1"}, {"content": "none"}]}
    assert personal.counts(record) == {"email": 2, "ip-address": 1}
    assert personal.masked(f"{mail}, 4111 1111 1111 1111 and {mail}") == "[EMAIL], [CARD] and [EMAIL]"
    assert list(personal.found("0000 0000 0000 0000")) == []  # passes the check of cards
    assert (
        *("email", "private-key", "azure-key", "aws-key", "github-token", "hugging-face-token", "api-key"),
        *("slack-token", "json-web-token", "password", "iban", "card", "us-ssn", "phone", "ip-address"),
    ) == personal.KINDS


@pytest.mark.parametrize(
    "text",
    [
        *("version 1.2.3.4", "at 12:30:45", "2024-05-06 12:30", "ISBN 978-3-16-148410-0", "01/02/2003 and 04/05/2006"),
        *("std::vector<int>", "1,000,000 and 2,000,000", "the secret of life: love", "https://example.org/a?x=1"),
        *("pages 100-200, 300-400", "3.14159265358979", "1024 2048 4096 8192", "a::b"),
    ],
)
def test_what_is_not_taken_for_any(text: str) -> None:
    assert list(personal.found(f"Before {text} after")) == []


def test_rejected_rows_are_masked_as_the_others_are(tmp_path: Path) -> None:
    good = [{"prompt": f"Is {at} odd?", "completion": "Yes."} for at in range(20)]
    bad = {
        "messages": [{"role": "user", "content": ["Ann, ann.lee@example.com", {"type": "x"}]}],
        "note": "4111 1111 1111 1111",
    }
    lines = [json.dumps(row) for row in [*good, bad]] + ['{"messages": "write to ann.lee@example.com']
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n")
    request = Request(
        source=str(tmp_path / "x.jsonl"), directory=tmp_path / "out", bad_rows="skip", max_rejected="2", mask=True
    )
    assert prepare(request, lambda _: None).card.rows["rejected"] == 2
    rejected = (tmp_path / "out" / "rejected.jsonl").read_text()
    assert "ann.lee" not in rejected and "4111" not in rejected
    assert rejected.count("[EMAIL]") == 2 and rejected.count("[CARD]") == 1
