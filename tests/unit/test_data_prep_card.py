"""Duplicates, personal data, tokens, and what the card and a data asset say about them."""

from __future__ import annotations

import json
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.card import card as cards
from data_prep.card import text
from data_prep.card.lengths import cost
from data_prep.prepare import Prepared, Request, prepare
from data_prep.request import Recipe
from data_prep.row import personal
from data_prep.run import duplicates

LONG = "The quick brown fox jumps over the lazy dog while the cat sleeps near the old oven and dreams of mice. " * 3


def row(asked: str, answer: str = "Look.") -> dict[str, Any]:
    return {"messages": [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]}


ROWS = [row(f"Is {at} odd?", f"Answer number {at}: {'yes' if at % 2 else 'no'}") for at in range(40)]


def run(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Prepared:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return prepare(Request(source=str(path), directory=tmp_path / "out", **options), lambda _: None)


def test_exact_duplicates_are_counted(tmp_path: Path) -> None:
    found = run(tmp_path, [*ROWS, ROWS[3], ROWS[3]]).card.duplicates
    assert found == {"repeated": 2, "near": None, "leaking": None, "questions": 40, "asked": 0}


def test_near_duplicates_and_leaks_are_found_and_dropped(tmp_path: Path) -> None:
    close = [row(f"{number}. Tell me a story, please", LONG + f" {number}") for number in range(12)]
    found = run(tmp_path, [*ROWS, *close, ROWS[0]], duplicates="near").card
    assert (found.duplicates["repeated"], found.duplicates["near"]) == (1, 12)
    assert found.duplicates["leaking"]
    assert found.rows["dropped"] == 0
    made = run(tmp_path, [*ROWS, *close, ROWS[0]], duplicates="drop")
    assert made.card.rows["dropped"] == 12
    assert made.card.rows["train"] + made.card.rows["test"] == 41 == sum(made.card.turns.values())
    written = made.train.read_text() + made.test.read_text()
    assert "0. Tell me a story" in written
    assert "1. Tell me a story" not in written
    assert made.card.fingerprint == cards.fingerprint(tmp_path / "out")


def test_different_rows_are_no_near_duplicates(tmp_path: Path) -> None:
    assert run(tmp_path, ROWS, duplicates="near").card.duplicates["near"] == 0
    one, other = (duplicates.signature(row(text)["messages"]) for text in ("What is two and two?", "Name a river."))
    assert one != other
    assert one == duplicates.signature(row("WHAT is two   and two?")["messages"])


@pytest.mark.parametrize(
    ("text", "kind", "masked"),
    [
        ("Mail bob@example.com now", "email", "Mail [EMAIL] now"),
        ("Card 4111 1111 1111 1111.", "card", "Card [CARD]."),
        ("My number is 123-45-6789", "us-ssn", "My number is [US-SSN]"),
        ("Call +44 20 7946 0958!", "phone", "Call [PHONE]!"),
        ("Call (555) 123-4567 or so", "phone", "Call [PHONE] or so"),
        ("Pay GB29 NWBK 6016 1331 9268 19", "iban", "Pay [IBAN]"),
        ("Host 10.0.0.1 is down", "ip-address", "Host [IP-ADDRESS] is down"),
        ("Call +1 23 45 67", "phone", "Call [PHONE]"),
        ("To " + "a" * 64 + "@b.example", "email", "To [EMAIL]"),
        ("Key AKIAIOSFODNN7EXAMPLE", "aws-key", "Key [AWS-KEY]"),  # pragma: allowlist secret
        ("Key ASIAIOSFODNN7EXAMPLE", "aws-key", "Key [AWS-KEY]"),  # pragma: allowlist secret
        ("AccountKey=" + "a" * 44 + "==", "azure-key", "[AZURE-KEY]"),
        ("SharedAccessKey=" + "a" * 44 + "==", "azure-key", "[AZURE-KEY]"),
        *(
            (f"{word} = 'hunter22x'", "password", "[PASSWORD]'")
            for word in ("password", "Password", "PASSWORD", "pwd", "PWD", "passwd", "PassWd")
        ),
        ("İ PassWd = 'hunter22x'", "password", "İ [PASSWORD]'"),  # pragma: allowlist secret
        ("use hf_" + "a" * 34, "hugging-face-token", "use [HUGGING-FACE-TOKEN]"),
        *(
            (f"use {sign}{'a' * 40}", "github-token", "use [GITHUB-TOKEN]")
            for sign in ("ghp_", "gho_", "ghs_", "github_pat_")
        ),
        *((f"use {sign}{'a1' * 17}b", "api-key", "use [API-KEY]") for sign in ("sk-", "sk_live_", "AIza")),
        ("use xoxb-1234567890-ab", "slack-token", "use [SLACK-TOKEN]"),  # pragma: allowlist secret
        ("use " + ".".join(["eyJ" + "a" * 12] * 2 + ["b" * 12]), "json-web-token", "use [JSON-WEB-TOKEN]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----.",  # pragma: allowlist secret
            "private-key",
            "[PRIVATE-KEY].",
        ),
    ],
)
def test_personal_data_and_secrets_are_found_and_masked(text: str, kind: str, masked: str) -> None:
    assert personal.suspicious(text.encode())
    assert [found for found, _, _ in personal.found(text)] == [kind]
    assert personal.masked(text) == masked


@pytest.mark.parametrize(
    "text", ["in 1984, 2000 and 2024", "4111 1111 1111 1112", "version 3.11.2", "a@b", "1.2.3.4.5", "999-12-3456"]
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert list(personal.found(text)) == []


def test_masking_moves_no_row_and_changes_the_id(tmp_path: Path) -> None:
    rows = [*ROWS, *(row(f"I am bob{at}@example.com, who are you?") for at in range(20))]
    left = run(tmp_path, rows)
    assert left.card.private == {"email": 20, "rows": 20}
    assert "@example.com" in left.train.read_text()
    masked = run(tmp_path, rows, mask=True)
    assert "@example.com" not in masked.train.read_text() + masked.test.read_text()
    assert {k: masked.card.rows[k] for k in ("train", "test")} == {k: left.card.rows[k] for k in ("train", "test")}
    assert all(
        json.loads(line)["prompt"] == json.loads(line)["messages"][0]["content"]
        for line in masked.train.read_text().splitlines()
    )


def tokenizer(path: Path) -> Path:
    """A tokenizer whose tokens are words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    made.save(str(path))
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    path.with_name("tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return path


def test_a_tokenizer_decides_what_is_too_long_and_an_estimate_does_not(tmp_path: Path) -> None:
    rows = [*ROWS, row("long", "word " * 5000), row("many letters", "w" * 30_000)]
    options: dict[str, Any] = {"model": "Phi-3-mini-4k-instruct", "bad_rows": "skip", "max_rejected": "1"}
    exact = run(tmp_path, rows, tokenizer=str(tokenizer(tmp_path / "tokenizer.json")), **options).card
    assert exact.rejected == {"context": 1}
    assert exact.tokens["counted_by"].startswith("tokenizer.json ")
    estimate = run(tmp_path, rows, tokenizer="estimate", **options).card
    assert estimate.rejected == {}
    assert (estimate.tokens["counted_by"], estimate.tokens["too_long_by_estimate"]) == ("estimate", 2)
    assert estimate.tokens["context"] == 4096


def test_an_unknown_model_leaves_the_context_unknown(tmp_path: Path) -> None:
    card = run(tmp_path, ROWS, model="Somebody-7B").card
    assert card.tokens["context"] is None
    assert "| context of Somebody-7B | unknown |" in (tmp_path / "out" / "card.md").read_text()
    assert (card.recipe["hours"], card.recipe["cost_usd"]) == ("unknown", "unknown")


def test_another_recipe_renews_the_estimate_and_not_the_files(tmp_path: Path) -> None:
    first = run(tmp_path, ROWS, recipe=Recipe("Standard_NC24ads_A100_v4", epochs=1))
    before = first.train.stat().st_mtime_ns
    second = run(tmp_path, ROWS, recipe=Recipe("Standard_NC24ads_A100_v4", epochs=30, price=3.5))
    assert not second.made
    assert second.train.stat().st_mtime_ns == before
    assert second.card.recipe["tokens"] == 30 * first.card.recipe["tokens"]
    assert isinstance(second.card.recipe["cost_usd"], float)
    assert cards.read(tmp_path / "out") == second.card
    card = tmp_path / "out" / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "format": second.card.format - 1}))
    assert cards.read(tmp_path / "out") is None, "of another version's card nobody knows what its fields mean"


def test_the_card_has_pictures_without_scripts_and_tags_that_azure_takes(tmp_path: Path) -> None:
    card = run(tmp_path, ROWS).card
    for name, picture in text.pictures(card).items():
        assert (tmp_path / "out" / name).read_bytes() == picture == text.pictures(card)[name]
        assert b"script" not in picture
        assert b"<!--" not in picture  # with the day on which it was drawn
        assert b"http://www.w3.org/2000/svg" in picture
        xml.etree.ElementTree.fromstring(picture)
    tags = text.tags(card)
    assert len(tags) <= 50
    assert all(len(value) <= 256 for value in tags.values())
    assert tags["fingerprint"] == card.fingerprint
    assert "40 rows in" in text.description(card)
    assert card.languages.get("en", 0) > 20


def test_a_dry_run_shows_rows_with_the_template_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["--source", "sample", "--out", "out", "--dry-run"])
    shown = capsys.readouterr().out
    assert "chat template built in for Phi-4-mini-instruct" in shown
    assert "<|user|>Who founded Microsoft?<|end|><|assistant|>Microsoft was founded by" in shown
    assert shown.endswith("dry run: nothing was written\n")
    assert list(tmp_path.iterdir()) == []
    main(["--source", "sample", "--dry-run", "--tokenizer", str(tokenizer(tmp_path / "tokenizer.json"))])
    assert "[user] Who founded Microsoft?\n[assistant] Microsoft" in capsys.readouterr().out


def test_the_price_a_stack_gives_reaches_the_estimate() -> None:
    from data_prep.stack import request_of
    from settings.stack import parse

    priced = {"finetune-phi:purgeOnDestroy": True, "finetune-phi:compute": {"hourlyPrice": 4}}
    assert request_of(parse(priced, "test")).recipe.price == 4
    del priced["finetune-phi:compute"]
    assert request_of(parse(priced, "test")).recipe.price is None


def test_the_estimate_counts_the_component_s_waits_and_its_nodes() -> None:
    tokens = {"train": 10_000_000}
    one = cost(tokens, "Phi-4-mini-instruct", Recipe("Standard_NC24ads_A100_v4", price=3.0))
    # 6 x 3.84e9 x 1e7 operations at 30 % of 312e12 a second, and seven minutes.
    assert (one["hours"], one["cost_usd"]) == (0.8, 2.4)
    two = cost(tokens, "Phi-4-mini-instruct", Recipe("Standard_NC24ads_A100_v4", price=3.0, nodes=2))
    assert (two["hours"], two["cost_usd"]) == (0.459, 2.55)
