"""Every recorded review as a page, in a browser: wide and narrow, light and dark.

    python -m tests.reviews.pages [--out FOLDER] [NAME ...]

says of each what does not fit its width, and what is too faint to be read, and exits with 1 where there is anything.
The pictures stay in the folder, to be looked at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from review.pages.page import page
from tests.browser import open_browser
from tests.reviews.examples import examples, price_book

WIDTHS = {"wide": 1280, "narrow": 390}
THEMES = ("light", "dark")
SMALLEST = 4.5
"""Contrast of text and what is behind it, as WCAG's level AA asks."""
_LOOK = """() => {
  const found = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} px wide`);
  const channel = (c) => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const colour = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = colour(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > .99) return found;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const node of document.querySelectorAll("main *, body *")) {
    if (node.closest("svg")) continue;
    if (![...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim())) continue;
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const text = node.textContent.trim().slice(0, 40);
    if (box.right > root.clientWidth + 1 && !node.closest(".wide")) found.push(`"${text}" ends at ${box.right} px`);
    const [one, other] = [light(colour(getComputedStyle(node).color)), light(behind(node))];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    const what = `${node.tagName}.${node.className}`;
    if (contrast >= SMALLEST || seen.has(what)) continue;
    seen.add(what);
    found.push(`${what} has a contrast of ${contrast.toFixed(1)}`);
  }
  return found;
}"""


def main(arguments: list[str]) -> int:
    """Looks at all of them."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.reviews.pages", description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help="an example's folder; all without one")
    parser.add_argument("--out", type=Path, help="where the pictures go (default: a temporary folder)")
    options = parser.parse_args(arguments)
    out = options.out or Path(tempfile.mkdtemp(prefix="reviews-"))
    out.mkdir(parents=True, exist_ok=True)
    wrong = looked = 0
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        for example in examples():
            if options.names and example.name not in options.names:
                continue
            html = page(example.report(price_book(Path(folder) / "prices.json")))
            for name, width in WIDTHS.items():
                for theme in THEMES:
                    looked += 1
                    for found in look(browser, html, width, theme, out / f"{example.name}-{name}-{theme}.png"):
                        wrong += 1
                        print(f"{example.name}, {name}, {theme}: {found}")
    print(f"{looked} pages looked at, {wrong} things that do not fit; pictures in {out}")
    return int(bool(wrong) or not looked)


def look(browser: Browser, html: str, width: int, theme: str, picture: Path) -> list[str]:
    """What does not fit, or cannot be read, on one page."""
    with browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if theme == "dark" else "light"
    ) as context:
        shown = context.new_page()
        shown.set_content(html)
        shown.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found: list[str] = shown.evaluate(_LOOK.replace("SMALLEST", str(SMALLEST)))
        shown.screenshot(path=picture, full_page=True)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
