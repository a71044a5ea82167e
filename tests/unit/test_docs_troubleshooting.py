"""Every error the code can raise has an entry in docs/troubleshooting.md, and every entry is about such an error."""

from __future__ import annotations

import re

from cloud.errors import _NEXT_STEPS
from tests.unit.docs_pages import ROOT, Page
from tests.unit.error_texts import GAP, texts

PAGE = Page(ROOT / "docs" / "troubleshooting.md")


def symptoms() -> dict[str, re.Pattern[str]]:
    """What the page quotes, and what a message must begin with to be meant."""
    lines = [line for token in PAGE.tokens if token.type == "fence" for line in token.content.splitlines()]
    begins = {line: re.sub(rf"\s*{GAP}$", "", line) for line in lines}
    return {
        line: re.compile(".*".join(re.escape(part) for part in text.split(GAP)), re.DOTALL)
        for line, text in begins.items()
    }


def test_every_error_has_an_entry() -> None:
    known = symptoms().values()
    missing = [str(text) for text in texts() if not any(pattern.match(text.text) for pattern in known)]
    assert missing == [], (
        "add their first words to a block of docs/troubleshooting.md, under a heading that says what happened, with "
        f"cause and remedy below it ({GAP} stands for a value)"
    )


def test_no_entry_is_about_an_error_that_is_gone() -> None:
    told = [text.text for text in texts()]
    stale = [line for line, pattern in symptoms().items() if not any(pattern.match(text) for text in told)]
    assert stale == []


def test_an_entry_says_enough_to_be_found() -> None:
    assert [line for line in symptoms() if len(re.findall(r"[a-zA-Z]", line)) < 7] == []


def test_azures_codes_that_have_advice_are_there() -> None:
    assert [code for code in _NEXT_STEPS if f"`{code}`" not in PAGE.text] == []


def test_the_texts_are_read_from_the_code() -> None:
    found = {text.text for text in texts()}
    assert "the new model did not pass its smoke test" in found
    assert any(text.startswith("there is no file …") for text in found)
    assert len(found) > 150
