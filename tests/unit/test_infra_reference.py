"""The page of all settings."""

from __future__ import annotations

from settings.reference import PAGE, page
from settings.stack import Settings


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m settings.reference > docs/settings.md"


def test_the_page_has_every_key() -> None:
    text = page()
    tree = Settings.model_validate({"purgeOnDestroy": True}).model_dump(by_alias=True)
    for section, value in tree.items():
        assert f"## {section}" in text or f"`{section}`" in text or f":{section}`" in text
        for key in value if isinstance(value, dict) else ():
            assert f"`{key}`" in text, f"{section}.{key}"
