"""Links between the pages hold, no page is out of reach, and a page is the same on a forge and in the built site."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import unquote

import markdown
import pytest

from tests.unit.docs_pages import ROOT, Page, page_at, pages

PAGES = pages()
SITE = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_links_hold(page: Page) -> None:
    wrong = []
    for link in page.links():
        if re.match(r"[a-z]+:", link):
            continue
        file, _, fragment = unquote(link).partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        if not target.exists():
            wrong.append(f"{link}: there is no {target.relative_to(ROOT)}")
        elif fragment and fragment not in page_at(target).anchors:
            wrong.append(f"{link}: {target.relative_to(ROOT)} has no such heading")
        elif page.path.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
            wrong.append(f"{link}: leads out of docs/, where the built site ends; name the file as `code` instead")
        elif target.is_dir() and page.path.is_relative_to(DOCS):
            wrong.append(f"{link}: is a folder, which the built site has no page for; name its README.md")
    assert not wrong, f"{page.name}\n" + "\n".join(wrong)


def navigation(entry: Any) -> list[str]:
    """The pages that the site's navigation names, in order."""
    if isinstance(entry, str):
        return [entry]
    inner = entry.values() if isinstance(entry, dict) else entry
    return [page for part in inner for page in navigation(part)]


def sections(page: Page) -> dict[str, list[str]]:
    """The pages that a list of pages names, by the heading they stand under."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^## ", page.text, flags=re.MULTILINE)[1:]:
        found[part.splitlines()[0]] = re.findall(r"^- \[[^]]+\]\(([^)#]+)\)", part, re.MULTILINE)
    return found


def test_the_first_page_and_the_site_name_the_same_pages() -> None:
    in_site = {title: navigation(inner) for entry in SITE["nav"] for title, inner in entry.items()}
    del in_site["Start"]
    assert sections(page_at(DOCS / "README.md")) == in_site, "a page is listed in docs/README.md and in zensical.toml"


def test_every_page_is_listed() -> None:
    """By the docs' first page, or by the first page of its own folder."""
    listed = {DOCS / name for name in navigation(SITE["nav"])}
    for first in {path for path in listed if path.name == "README.md"} - {DOCS / "README.md"}:
        listed |= {(first.parent / link.partition("#")[0]).resolve() for link in page_at(first).links()}
    left_out = sorted(page.name for page in PAGES if page.path.is_relative_to(DOCS) and page.path not in listed)
    assert left_out == [], "list them in docs/README.md and in zensical.toml, under the same heading"


@pytest.mark.parametrize("page", [page for page in PAGES if page.path.is_relative_to(DOCS)], ids=lambda page: page.name)
def test_a_page_reads_the_same_on_a_forge_and_in_the_site(page: Page) -> None:
    """Forges speak CommonMark, the site's builder Python-Markdown, which wants blank lines and deeper indentation."""
    forge = {"li": 0, "table": 0, "pre": 0, "img": 0, "heading": 0}
    kinds = {"list_item_open": "li", "table_open": "table", "fence": "pre", "code_block": "pre"}
    kinds["heading_open"] = "heading"
    for token in page.tokens:
        if token.type in kinds:
            forge[kinds[token.type]] += 1
        forge["img"] += sum(child.type == "image" for child in token.children or ())
    html = markdown.markdown(page.text, extensions=["tables", "toc", "pymdownx.superfences"])
    site = {tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in ("li", "table", "pre", "img")}
    site["heading"] = len(re.findall(r"<h[1-6][ >]", html))
    assert site == forge


def test_a_decision_is_dated_and_short() -> None:
    decisions = [page for page in PAGES if page.path.parent.name == "decisions" and page.path.name != "README.md"]
    assert decisions
    for page in decisions:
        assert re.match(r"# .+\n\n\*20\d\d-\d\d-\d\d\b.*\*\n", page.text), f"{page.name} begins with title and date"
        assert len(page.text.splitlines()) <= 60, f"{page.name}: a decision fits a screen"


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/secrets.md"])
def test_what_is_promised_names_tests_that_there_are(name: str) -> None:
    here = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}
    named = re.findall(r"`([\w/]*test_\w+\.py)`", (ROOT / name).read_text())
    assert len(named) > 3
    for test in named:
        assert test.rpartition("/")[2] in here, test
        assert "/" not in test or (ROOT / test).is_file(), test
